import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ask, assistant, system, user } from './ask.ts';

const chatter = [
  user('Let us talk about rivers.'),
  assistant('Gladly. What would you like to know?'),
  user('Their length.'),
  assistant('NOT_FOUND'),
];

describe('a key that the question names', () => {
  test.each([
    ['The vault code is 7391.', 'What is the vault code?', '7391'],
    ['vault_code = 7391', 'What is the vault code?', '7391'],
    ['{"vaultCode": 7391, "x": {"colour": "red"}}', 'What is the vault code?', '7391'],
    ['vault-code: 7391-A, room: 12', 'what was the Vault Code again?', '7391-A'],
    ['vault code: 7391', 'what is vault_code', '7391'],
    ['vault code: 7391', 'Value of vaultCode?', '7391'],
    ['user_ids: 1, 2 and 3', 'What are the user IDs?', '1, 2 and 3'],
    ['API_KEY: abc', 'What is the API key?', 'abc'],
    ['API_KEY=abc', 'What is the API key?', 'abc'],
    ['api-key = abc', 'What is API_KEY?', 'abc'],
    ['{"api_key":"abc"}', 'Tell me the api key.', 'abc'],
    ['MAX_VALUE: 12', 'What is the max value?', '12'],
    ['Remember that the access code of the vault is 7391.', 'What is the access code of the vault?', '7391'],
    ['Remember that the access code of the vault is 7391.', "What's the vault's access code?", '7391'],
    ["Dr. Smith's badge number is B-17.", "Tell me Dr. Smith's badge number.", 'B-17'],
    ['- **Launch window** (UTC): 06:00', 'When is the launch window?', '06:00'],
    ['金库的密码是7391。', '金库的密码是多少？', '7391'],
    ['请记住，金库密码：7391，负责人：王强', '金库密码是什么？', '7391'],
    ['项目代号为“青鸾”，明天开始。', '请问项目代号是什么？', '青鸾'],
    ['密码已改为 5555。', '现在密码是多少？', '5555'],
  ])('%s — %s', async (fact, question, value) => {
    expect(await ask([user(fact), ...chatter, user(question)])).toBe(value);
    expect(await ask([system(fact), user(question)])).toBe(value);
    expect(await ask([...chatter, user(question)])).toBe('NOT_FOUND');
  });

  test('is found in tool results and in the arguments of calls', async () => {
    const called = [
      user('look me up'),
      {
        role: 'assistant' as const,
        content: '',
        tool_calls: [
          { id: 'c', type: 'function' as const, function: { name: 'get_user', arguments: '{"badge_number":"B-17"}' } },
        ],
      },
      { role: 'tool' as const, tool_call_id: 'c', content: '{"office":{"floor":"third"}}' },
      assistant('Done.'),
    ];
    expect(await ask([...called, user('What was the badge number?')])).toBe('B-17');
    expect(await ask([...called, user('What is the floor?')])).toBe('third');
  });

  test('has its latest value, in whatever form that came', async () => {
    const history = [
      user('{"token":"A"}'),
      assistant('token: B'),
      user('token = C'),
      user('Actually, the token is D.'),
    ];
    for (let length = 1; length <= history.length; length += 1) {
      expect(await ask([...history.slice(0, length), user('what is the token?')])).toBe('ABCD'[length - 1]);
    }
    expect(await ask('token: A\ntoken: B\n\nWhat is the token?')).toBe('B');
  });

  test('is the longest one named', async () => {
    const history = [user('red vault code: LONG'), user('vault code: MIDDLE'), user('code: SHORT')];
    expect(await ask([...history, user('What is the red vault code?')])).toBe('LONG');
    expect(await ask([...history, user('What is the vault code?')])).toBe('MIDDLE');
    expect(await ask([...history, user('What is the code?')])).toBe('SHORT');
  });

  test('is told apart from names that only end alike', async () => {
    expect(await ask([user('zip code is 75001'), user('What is the launch code?')])).toBe('NOT_FOUND');
    expect(await ask([user('{"first_name":"Mia"}'), user('What is the name?')])).not.toBe('Mia');
  });

  test('is taken from the record of an identifier in the question', async () => {
    const filler = 'Nothing of note happened here today. '.repeat(30);
    const history = [user('Flight HAT069\nprice: 121'), user(filler), user('Flight HAT083\nprice: 100')];
    expect(await ask([...history, user('What is the price of flight HAT069?')])).toBe('121');
    expect(await ask([...history, user('What is the price of flight HAT083?')])).toBe('100');
    expect(await ask([...history, user('What is the price?')])).toBe('100');
  });

  test('counts in the question itself only before it is asked', async () => {
    expect(await ask('The vault code is 7391. What is the vault code?')).toBe('7391');
    expect(await ask('The vault code is 7391, so what is the vault code?')).toBe('7391');
    expect(await ask('金库的密码是7391，请问金库的密码是多少？')).toBe('7391');
    expect(await ask('What is the vault code: 7391?')).toBe('NOT_FOUND');
  });

  test('is found in a long text that follows the question', async () => {
    const text = 'The committee met in the old hall and spoke about the harvest. '.repeat(20);
    expect(await ask(`What is the vault code?\n\n${text}\nThe vault code is 7391. ${text}`)).toBe('7391');
  });

  test('is not found in questions, requests and missing answers', async () => {
    const asked = [
      'What is the vault code?',
      'Tell me the vault code',
      'Is the vault code 1234?',
      'I wonder what the vault code is',
      '金库的密码是什么？',
      'vault code: ?',
    ];
    for (const question of asked) {
      expect(await ask([user(question), assistant('NOT_FOUND'), user('What is the vault code?')])).toBe('NOT_FOUND');
    }
  });

  test('has the value that a summary does not mark as replaced', async () => {
    const summary = system(
      '# Summary of snapshot snap_1\nEach line quotes message #n.\n## Task\n- user #40 the vault code: NEW\n## Facts\n- was #2 vault code: OLD; room = 12\n- user #3 Remember that the gate key is 5 … lamp: red',
    );
    expect(await ask([summary, user('What is the vault code?')])).toBe('NEW');
    expect(await ask([summary, user('What is the room?')])).toBe('12');
    expect(await ask([summary, user('What colour has the lamp?')])).toBe('red');
  });

  test('is answered whatever its name and value, and NOT_FOUND once it is cut away', async () => {
    const word = fc.stringMatching(/^[bcdfghjkz][aeiou][lmnprst]{2}[aeiou]x$/);
    const value = fc.stringMatching(/^[A-Z]{2}-[0-9]{3,6}$/);
    const form = fc.constantFrom(
      (key: string, v: string) => `${key}: ${v}`,
      (key, v) => `${key} = ${v}`,
      (key, v) => `The ${key} is ${v}.`,
      (key, v) => JSON.stringify({ [key]: v }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(word, { minLength: 2, maxLength: 2 }),
        value,
        form,
        fc.nat(chatter.length),
        async (key, told, write, at) => {
          const name = key.join(' ');
          const question = user(`What is the ${name}?`);
          const history = [...chatter.slice(0, at), user(write(name, told)), ...chatter.slice(at)];
          expect(await ask([...history, question])).toBe(told);
          expect(await ask([...chatter, question])).toBe('NOT_FOUND');
        },
      ),
      { numRuns: 50 },
    );
  });
});
