import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../contract/messages.ts';
import type { ModelRequest } from '../../../emulator/models/model.ts';
import { assistant, deltasOf, requestOf, tool, user } from './ask.ts';

const city = { type: 'string' };
const weather = tool(
  'get_weather',
  {
    type: 'object',
    properties: { city, unit: { enum: ['celsius', 'fahrenheit'] }, days: { type: 'integer' } },
    required: ['city'],
  },
  'Tells the weather of a city',
);
const add = tool(
  'add_numbers',
  { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
  'Adds two numbers',
);
const mail = tool('send_email', {
  type: 'object',
  properties: { to: { type: 'string', format: 'email' }, subject: city, body: city },
  required: ['to', 'subject', 'body'],
});
const booking = tool('get_reservation', {
  type: 'object',
  properties: {
    user_id: city,
    reservation_id: { type: 'string', pattern: '^[A-Z0-9]{6}$' },
    date: { type: 'string', format: 'date' },
  },
  required: ['user_id', 'reservation_id', 'date'],
});
const ping = tool('ping_server');
const tools = [weather, add, mail, booking, ping];
const history = [
  user('My user ID is mia_li_3668.'),
  assistant('{"reservation_id": "nope"}'),
  assistant('{"reservation_id": "ABC123"}'),
  user('{"reservation_id": "too long"}'),
];

/** The call that a message leads to, as `name(arguments)`, or its text. */
async function outcome(message: string | ChatMessage[], options: Partial<ModelRequest> = {}): Promise<string> {
  const messages = typeof message === 'string' ? [...history, user(message)] : message;
  const [delta] = await deltasOf(requestOf(messages, { tools, ...options }));
  if (delta?.type === 'tool_call') return `${delta.name}(${delta.arguments})`;
  return delta?.text ?? '';
}

describe('with tool_choice auto', () => {
  test.each([
    ['call get_weather for Paris', 'get_weather({"city":"Paris"})'],
    ['Please use the get weather tool for New York in celsius.', 'get_weather({"city":"New York","unit":"celsius"})'],
    ['Could you run get_weather with city: "San José", days=3?', 'get_weather({"city":"San José","days":3})'],
    ['调用 get_weather 查询北京的天气', 'get_weather({"city":"北京"})'],
    ['call add_numbers with 2 and 3.5', 'add_numbers({"a":2,"b":3.5})'],
    ['Call add_numbers: b is 2, a is 7', 'add_numbers({"a":7,"b":2})'],
    [
      'Call send_email to bob@x.org with subject "Hi there" and body "See you at 5"',
      'send_email({"to":"bob@x.org","subject":"Hi there","body":"See you at 5"})',
    ],
    ['run get_reservation', 'get_reservation({"user_id":"mia_li_3668","reservation_id":"ABC123","date":"1970-01-01"})'],
    ['Please call ping_server.', 'ping_server({})'],
  ])('%s', async (message, call) => {
    expect(await outcome(message)).toBe(call);
  });

  test.each([
    'What is the weather in Paris?',
    'Do not call get_weather for Paris.',
    'How do I use get_weather for Paris?',
    '不要调用 get_weather',
    'Rufe get_weather nicht auf.',
    'call get_weathers',
  ])('answers %j in text', async (message) => {
    expect(await outcome(message)).not.toContain('(');
  });
});

const called: ChatMessage[] = [
  user('Call get_weather for Paris and tell me the temperature.'),
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'w', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } }],
  },
];
const result = (content: string): ChatMessage => ({ role: 'tool', tool_call_id: 'w', content });

describe('after a tool result', () => {
  test('answers from it', async () => {
    expect(await outcome([...called, result('{"temperature": 21, "sky": "clear"}')])).toBe('21');
    expect(await outcome([user('temperature: 99'), ...called, result('{"temperature": 21}')])).toBe('21');
    expect(await outcome([...called, result('Sunny all day.')])).toBe('Sunny all day.');
  });

  test('answers from it even where an older fact has the very key', async () => {
    const sentence = 'In Paris one finds a mild temperature.';
    expect(await outcome([user('temperature: 99'), ...called, result(sentence)])).toBe(sentence);
  });

  test('answers from the context what the tool result does not say', async () => {
    expect(await outcome([user('The temperature is 99.'), ...called, result('Done.')])).toBe('99');
  });

  test('quotes the beginning of a long result', async () => {
    const answer = await outcome([...called, result('It rains. '.repeat(1_000))]);
    expect(answer).toMatch(/^It rains\. /);
    expect(answer.length).toBeLessThan(2_001);
  });

  test('calls again only where a call is required', async () => {
    expect(await outcome([...called, result('Sunny.')], { toolChoice: 'required' })).toBe(
      'get_weather({"city":"Paris"})',
    );
  });
});

describe('with another tool_choice', () => {
  test('none never calls', async () => {
    expect(await outcome('call get_weather for Paris', { toolChoice: 'none' })).not.toContain('(');
  });

  test('required calls the tool that is named, or else the likeliest', async () => {
    const toolChoice = 'required';
    expect(await outcome('do not call get_weather for Paris', { toolChoice })).toMatch(/^get_weather/);
    expect(await outcome('What is the weather in Oslo?', { toolChoice })).toBe('get_weather({"city":"Oslo"})');
    expect(await outcome('What do the numbers 4 and 5 make?', { toolChoice })).toBe('add_numbers({"a":4,"b":5})');
    expect(await outcome('Hm.', { toolChoice })).toMatch(/^get_weather/);
    expect(await outcome('Hm.', { toolChoice, tools: [] })).toBe('NOT_FOUND');
  });

  test('a name calls that tool', async () => {
    expect(await outcome('Hello', { toolChoice: { name: 'ping_server' } })).toBe('ping_server({})');
    expect(await outcome('Hello', { toolChoice: { name: 'undeclared' } })).toBe('undeclared({})');
  });

  test('fills what the context does not have', async () => {
    expect(await outcome([user('Go.')], { toolChoice: { name: 'get_weather' } })).toBe(
      'get_weather({"city":"NOT_FOUND"})',
    );
  });
});
