import { describe, expect, test } from 'vitest';
import type { ResponseFormat } from '../../../emulator/models/model.ts';
import { ask, assistant, system, user } from './ask.ts';

const history = [
  user('name: Bob Smith, age: 42, opening time: 06:00'),
  assistant('{"email":"bob@x.org","tags":["a","b"],"vip":true,"zip":"01234","serial":12345678901234567890}'),
];

async function reply(question: string, responseFormat: ResponseFormat): Promise<unknown> {
  return JSON.parse(await ask([...history, user(question)], { responseFormat }));
}

describe('json_object', () => {
  test.each<[string, unknown]>([
    ['Give me a JSON object with keys name, age and email.', { name: 'Bob Smith', age: 42, email: 'bob@x.org' }],
    ['JSON please, with the fields "zip" and "opening time".', { zip: '01234', 'opening time': '06:00' }],
    [
      'Return JSON like {"name": "string", "vip": false, "phone": "string"}',
      { name: 'Bob Smith', vip: true, phone: null },
    ],
    ['Return {"user": {"name": "...", "age": 0}} as JSON', { user: { name: 'Bob Smith', age: 42 } }],
    ['Extract the user as {name: string, age: number}', { name: 'Bob Smith', age: 42 }],
    ['JSON with `name` and `tags`, please', { name: 'Bob Smith', tags: ['a', 'b'] }],
    ['JSON with the key serial', { serial: '12345678901234567890' }],
    ['用JSON回答，字段：name、age', { name: 'Bob Smith', age: 42 }],
    ['What is the email? Answer in JSON.', { email: 'bob@x.org' }],
    ['Who is the king of France? Use JSON.', { answer: 'NOT_FOUND' }],
    ['Return the JSON {"status":"ok"}', { status: 'ok' }],
    ['Reply with only {"a":1}', { a: 1 }],
    ['Hello', { answer: 'NOT_FOUND' }],
    ['Give me the name and the age as JSON.', { name: 'Bob Smith', age: 42 }],
    ['What are name, age and email? Answer in JSON.', { name: 'Bob Smith', age: 42, email: 'bob@x.org' }],
    ['Please return a JSON object with name and opening time.', { name: 'Bob Smith', 'opening time': '06:00' }],
    ['Could you give me his name and phone as JSON?', { name: 'Bob Smith', phone: null }],
    ['Give me the moon and the stars as JSON.', { answer: 'NOT_FOUND' }],
    ['What is the email of the man and the woman? Answer in JSON.', { email: 'bob@x.org' }],
  ])('%s', async (question, expected) => {
    expect(await reply(question, { type: 'json_object' })).toEqual(expected);
  });
});

test.each(['用 JSON 给出城市和年龄', '城市和年龄分别是多少？请用JSON回答。', '请用JSON格式返回他的城市、年龄。'])(
  'json_object: %s',
  async (question) => {
    const told = [user('城市：奥斯陆\n年龄：3'), user(question)];
    expect(JSON.parse(await ask(told, { responseFormat: { type: 'json_object' } }))).toEqual({
      城市: '奥斯陆',
      年龄: 3,
    });
  },
);

describe('json_schema', () => {
  const schema = (properties: Record<string, unknown>, more: Record<string, unknown> = {}): ResponseFormat => ({
    type: 'json_schema',
    schema: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false, ...more },
  });

  test('is filled from the context where names and types match', async () => {
    const format = schema({
      name: { type: 'string' },
      age: { type: 'integer' },
      vip: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'string' } },
    });
    expect(await reply('Who?', format)).toEqual({ name: 'Bob Smith', age: 42, vip: true, tags: ['a', 'b'] });
  });

  test('says what the context does not have', async () => {
    const format = schema({
      street: { type: 'string' },
      floor: { type: ['integer', 'null'] },
      rooms: { type: 'integer', minimum: 1 },
      zip: { type: 'string', pattern: '^\\d{5}$' },
    });
    expect(await reply('Where?', format)).toEqual({ street: 'NOT_FOUND', floor: null, rooms: 1, zip: '01234' });
  });

  test.each([
    ['pw: abc1', '^(?=.*\\d)[a-z\\d]{4,}$', 'abc1'],
    ['pw: Ärger', '^\\p{Lu}\\p{L}+$', 'Ärger'],
    ['pw: bb', '^(a|b)\\1$', 'bb'],
    ['pw: open sesame', '\\bsesame\\b', 'open sesame'],
  ])('%s fits %s', async (told, pattern, pw) => {
    const responseFormat = schema({ pw: { type: 'string', pattern } });
    expect(JSON.parse(await ask([user(told), user('Which one?')], { responseFormat }))).toEqual({ pw });
  });

  test('prefers the value under the full name of a nested property', async () => {
    const named = [user('user name: Carl'), ...history];
    const format = schema(
      { user: { $ref: '#/$defs/person' } },
      { $defs: { person: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } } },
    );
    expect(JSON.parse(await ask([...named, user('Who?')], { responseFormat: format }))).toEqual({
      user: { name: 'Carl' },
    });
  });

  test('puts the answer where the schema has a place for it', async () => {
    const format = schema({ answer: { type: 'string' }, confidence: { type: 'number', minimum: 0, maximum: 1 } });
    expect(await reply('What is the email?', format)).toEqual({ answer: 'bob@x.org', confidence: 0 });
    expect(await reply('What is the moon made of?', schema({ verdict: { type: 'string' } }))).toEqual({
      verdict: 'NOT_FOUND',
    });
    expect(await reply('What is the age?', { type: 'json_schema', schema: { type: 'integer' } })).toBe(42);
  });

  test('takes an exact reply only where it fits', async () => {
    const format = schema({ a: { type: 'integer' } });
    expect(await reply('Reply with only {"a": 5}', format)).toEqual({ a: 5 });
    expect(await reply('Reply with only {"b": 5}', format)).toEqual({ a: 0 });
  });

  const people = (minItems: number, uniqueItems: boolean): ResponseFormat => {
    const item = { type: 'object', properties: { email: { type: 'string' }, vip: { type: 'boolean' } } };
    return {
      type: 'json_schema',
      schema: { type: 'array', minItems, uniqueItems, items: { ...item, required: ['email', 'vip'] } },
    };
  };

  test('gives each object of a list other values of the context while there are any', async () => {
    const told = user('[{"email":"a@x.org","vip":true},{"email":"b@x.org","vip":true}]');
    const all = async (least: number, unique: boolean): Promise<unknown> =>
      JSON.parse(await ask([told, user('Who?')], { responseFormat: people(least, unique) }));
    const both = [
      { email: 'b@x.org', vip: true },
      { email: 'a@x.org', vip: true },
    ];
    expect(await all(2, false)).toEqual(both);
    expect(await all(3, false)).toEqual([...both, { email: 'NOT_FOUND', vip: false }]);
    expect(await all(4, true)).toEqual([
      ...both,
      { email: expect.stringContaining('NOT_FOUND'), vip: expect.any(Boolean) },
      { email: expect.stringContaining('NOT_FOUND'), vip: expect.any(Boolean) },
    ]);
  });
});

describe('facts of the asking message fill a schema', () => {
  const person = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  };
  const jason = { name: 'Jason', age: 25 };
  const told = [
    'The name is Jason, the age is 25.',
    'Extract the user: The name is Jason and the age is 25.',
    'name: Jason, age: 25',
    'Name: Jason\nAge: 25\nExtract it.',
    'Extract the person from {"name":"Jason","age":25}',
    'My name is Jason, my age is 25. Who am I?',
  ];

  test.each(told)('json_schema: %s', async (message) => {
    const responseFormat: ResponseFormat = { type: 'json_schema', schema: person };
    expect(JSON.parse(await ask(message, { responseFormat }))).toEqual(jason);
    // What the message says comes before what was said.
    const earlier = [user('name: Bob, age: 42'), user(message)];
    expect(JSON.parse(await ask(earlier, { responseFormat }))).toEqual(jason);
  });

  const schema = JSON.stringify(person);
  test.each([
    (message: string) => [user(`${message}\nAnswer as JSON with this schema: ${schema}`)],
    (message: string) => [
      user(`Return JSON that matches this JSON schema:\n\`\`\`json\n${schema}\n\`\`\`\n${message}`),
    ],
    (message: string) => [
      user(`${message} Reply with only JSON, following this schema: ${JSON.stringify(person, null, 2)}`),
    ],
    (message: string) => [user(`${message} Respond in the format {"name": "string", "age": "integer"} as JSON.`)],
    (message: string) => [user(`${message} Output JSON, schema: {name: string, age: number}`)],
    (message: string) => [user(`${message} 请按照以下 JSON 模式回答：${schema}`)],
    (message: string) => [system(`JSON schema: ${schema}`), user(message)],
    (message: string) => [user(`${message}\n\nSchema:\n\`\`\`json\n${schema}\n\`\`\``)],
    (message: string) => [system(`Always answer in JSON that conforms to this schema: ${schema}`), user(message)],
    (message: string) => [
      user(`${message} Use this response_format: {"type":"json_schema","json_schema":{"name":"x","schema":${schema}}}`),
    ],
  ])('a schema in the text of the prompt is JSON asked for (%#)', async (promptOf) => {
    for (const message of told) {
      expect(JSON.parse(await ask(promptOf(message)))).toEqual(jason);
      expect(JSON.parse(await ask(promptOf(message), { responseFormat: { type: 'json_object' } }))).toEqual(jason);
    }
  });

  test('a schema tells nothing itself', async () => {
    const described = {
      type: 'object',
      properties: { title: { type: 'string', description: 'The title: of a book' }, description: { type: 'string' } },
      required: ['title', 'description'],
    };
    const prompt = `title: Emma\nAnswer as JSON with this schema: ${JSON.stringify(described)}`;
    expect(JSON.parse(await ask(prompt))).toEqual({ title: 'Emma', description: 'NOT_FOUND' });
  });

  test.each([
    `What does this JSON schema describe? ${schema}`,
    `Repeat this JSON exactly: ${schema}`,
    `The config is {"type":"error","code":5}. What is the code in this JSON?`,
  ])('answers in text: %s', async (message) => {
    expect(await ask(message)).not.toMatch(/NOT_FOUND","age"/);
  });
});
