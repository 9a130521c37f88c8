import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import type { ModelRequest } from '../../../emulator/models/model.ts';
import { runs } from '../../support/runs.ts';
import { assistant, deltasOf, requestOf, system, tool, user } from './ask.ts';

const text = { type: 'string' };
const objectOf = (properties: Record<string, unknown>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
});
const readFile = tool('read_file', objectOf({ path: text, limit: { type: 'integer' } }, ['path']));
const writeFile = tool('write_file', objectOf({ path: text, content: text, mode: { enum: ['append', 'create'] } }));
const weather = tool('get_weather', objectOf({ city: text, unit: { enum: ['celsius', 'fahrenheit'] } }, ['city']));
const move = tool('move', objectOf({ from: text, to: text, force: { type: 'boolean' } }, ['from', 'to']));
const createUser = tool(
  'create_user',
  objectOf({ user: objectOf({ name: text, age: { type: 'integer' } }), notify: { type: 'boolean' } }, ['user']),
);
const tools = [readFile, writeFile, weather, move, createUser];

const callOf = (name: string, args: unknown): ChatMessage[] => [
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'c', type: 'function', function: { name, arguments: JSON.stringify(args) } }],
  },
  { role: 'tool', tool_call_id: 'c', content: 'Done.' },
];

async function argumentsOf(
  history: readonly ChatMessage[],
  order: string,
  options: Partial<ModelRequest> = {},
): Promise<unknown> {
  const [delta] = await deltasOf(requestOf([...history, user(order)], { tools, ...options }));
  return delta?.type === 'tool_call' ? JSON.parse(delta.arguments) : delta;
}

const documented = [
  system(
    'Tools: read_file(path: string, limit?: integer) reads a file.\n- path (string): the path of the file\npath=str',
  ),
  assistant('{"name":"read_file","parameters":{"path":{"type":"string"},"limit":{"type":"integer"}}}'),
];
const onceCalled = [...documented, user('Read a.txt.'), ...callOf('read_file', { path: 'a.txt' })];

describe("an order's own value comes before those of earlier calls", () => {
  test.each<[string, unknown]>([
    ['Call read_file with path "b.txt".', { path: 'b.txt' }],
    ['Call read_file with path b.txt.', { path: 'b.txt' }],
    ['Call read_file with the path parameter set to `b.txt`.', { path: 'b.txt' }],
    ['Call read_file with path: “b.txt” please', { path: 'b.txt' }],
    ["Call read_file with path = 'b.txt' and limit 7", { path: 'b.txt', limit: 7 }],
    ['Call read_file(path="b.txt", limit=1,000)', { path: 'b.txt', limit: 1 }],
    ['Call read_file("b.txt")', { path: 'b.txt' }],
    ['Call read_file on b.txt.', { path: 'b.txt' }],
    ['Call read_file for /etc/hosts', { path: '/etc/hosts' }],
    ['Call read_file with {"path": "b.txt", "limit": 3}', { path: 'b.txt', limit: 3 }],
    ['Use "b.txt" as the path and call read_file.', { path: 'b.txt' }],
    ['With path "b.txt", call read_file.', { path: 'b.txt' }],
    ['Read b.txt using read_file.', { path: 'b.txt' }],
    ['Now read "b.txt": use read_file.', { path: 'b.txt' }],
    ['Call read_file for notes.', { path: 'notes' }],
    ['Call read_file for me.', { path: 'a.txt' }],
    ['The path is "b.txt". Now call read_file.', { path: 'b.txt' }],
    ['Call read_file with path "path/to/path.txt".', { path: 'path/to/path.txt' }],
    ['Call read_file with path "my path is b.txt"', { path: 'my path is b.txt' }],
    ['Call read_file with path "it\'s \\"here\\".txt"', { path: 'it\'s "here".txt' }],
    ["Call read_file with path 'it's b.txt'", { path: "it's b.txt" }],
    ['Call read_file (path: string) with path "b.txt"', { path: 'b.txt' }],
    ['Call read_file with path "string"', { path: 'string' }],
    ['调用 read_file，path 为 “b.txt”', { path: 'b.txt' }],
    ['调用 read_file，path是b.txt，limit设为5。', { path: 'b.txt', limit: 5 }],
    ['请用 read_file 读取「b.txt」', { path: 'b.txt' }],
    ['使用 read_file，路径用 "b.txt"', { path: 'b.txt' }],
    ['Rufe read_file mit path "b.txt" auf.', { path: 'b.txt' }],
    ['Bitte verwende read_file mit dem path „b.txt“ und limit 5.', { path: 'b.txt', limit: 5 }],
    ['Benutze read_file, path ist b.txt.', { path: 'b.txt' }],
    ['Call read_file with path "write_file.txt".', { path: 'write_file.txt' }],
    ['Call read_file with path write_file.txt.', { path: 'write_file.txt' }],
    ['Call read_file with path "how to call move now"', { path: 'how to call move now' }],
    ['I need the contents of b.txt. Please use read_file.', { path: 'b.txt' }],
    ['Read on. Call read_file with path "b.txt", then call write_file with path "c.txt".', { path: 'b.txt' }],
    ['Call read_file with path "b.txt" and then read_file with path "c.txt".', { path: 'b.txt' }],
  ])('%s', async (order, expected) => {
    expect(await argumentsOf(onceCalled, order)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    [
      'Call write_file with path "b.md" and content "path: string" to append',
      { path: 'b.md', content: 'path: string', mode: 'append' },
    ],
    [
      'Call write_file with content "set path to x.txt, mode create", path "b.md", mode append.',
      { path: 'b.md', content: 'set path to x.txt, mode create', mode: 'append' },
    ],
    ['Call write_file with content "hello"', { path: 'a.md', content: 'hello', mode: 'create' }],
    ['Call write_file again', { path: 'a.md', content: 'old', mode: 'create' }],
  ])('%s', async (order, expected) => {
    const history = callOf('write_file', { path: 'a.md', content: 'old', mode: 'create' });
    expect(await argumentsOf(history, order)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['Call get_weather for New York in fahrenheit.', { city: 'New York', unit: 'fahrenheit' }],
    ['Call get_weather with city New York and unit fahrenheit', { city: 'New York', unit: 'fahrenheit' }],
    ['Call get_weather in fahrenheit.', { city: 'Oslo', unit: 'fahrenheit' }],
    ['Call get_weather for the city we discussed.', { city: 'Oslo', unit: 'celsius' }],
    ['Call get_weather with city paris.', { city: 'paris', unit: 'celsius' }],
    ['调用 get_weather 查询北京的天气', { city: '北京', unit: 'celsius' }],
    ['What is the weather in Paris? Call get_weather.', { city: 'Paris', unit: 'celsius' }],
    ['I am in Paris now. Use get_weather, in fahrenheit.', { city: 'Paris', unit: 'fahrenheit' }],
    ['In fahrenheit, please: call get_weather for Paris.', { city: 'Paris', unit: 'fahrenheit' }],
  ])('%s', async (order, expected) => {
    expect(await argumentsOf(callOf('get_weather', { city: 'Oslo', unit: 'celsius' }), order)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['Call move from "a" to "b" with force true', { from: 'a', to: 'b', force: true }],
    ['Call move with from: "c" and to: "d", force = no', { from: 'c', to: 'd', force: false }],
    ['Call move to c.txt', { from: 'x', to: 'c.txt', force: true }],
  ])('%s', async (order, expected) => {
    expect(await argumentsOf(callOf('move', { from: 'x', to: 'y', force: true }), order)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['Call create_user with user name "Bob" and age 31', { user: { name: 'Bob', age: 31 }, notify: true }],
    [
      'Call create_user with {"user":{"name":"Bob","age":31},"notify":false}',
      { user: { name: 'Bob', age: 31 }, notify: false },
    ],
    ['Call create_user with user {"name":"Bob","age":31}', { user: { name: 'Bob', age: 31 }, notify: true }],
    ['Call create_user with notify set to false', { user: { name: 'Al', age: 4 }, notify: false }],
  ])('%s', async (order, expected) => {
    const history = callOf('create_user', { user: { name: 'Al', age: 4 }, notify: true });
    expect(await argumentsOf(history, order)).toEqual(expected);
  });
});

test('an order without a value gets the latest of the conversation, never the name of a type', async () => {
  const again = [...onceCalled, user('Now c.txt.'), ...callOf('read_file', { path: 'c.txt' }), ...documented];
  expect(await argumentsOf(again, 'Call read_file once more.')).toEqual({ path: 'c.txt' });
});

test.each([
  'path: string',
  'path: string | null',
  'path (string): where the file is',
  '{"path":"string"}',
  '{"path":{"type":"string"}}',
  'path: str = "."',
  'path: string, the file to read',
  'function read(path: string): string',
  'path is a string',
  'path：字符串',
])('%s names a type, no path', async (line) => {
  expect(await argumentsOf([user(line)], 'Call read_file.')).toEqual({ path: 'NOT_FOUND' });
  expect(await argumentsOf([user('path: a.txt'), user(line)], 'Call read_file.')).toEqual({ path: 'a.txt' });
});

describe('whatever the conversation held before', () => {
  const word = fc.stringMatching(/^[a-z]{3,8}$/);
  const parameter = fc
    .tuple(word, word)
    .chain(([a, b]) => fc.constantFrom(a, `${a}_${b}`, `${a}${b.charAt(0).toUpperCase()}${b.slice(1)}`))
    .filter((name) => !/^(?:string|number|object|array|call|with|set|use|from|the|and|for)$/.test(name));
  const value = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(?:[ /_-][a-z0-9]{1,6}){0,3}\.(?:txt|ts|md)$/);
  const spelled = (name: string): fc.Arbitrary<string> =>
    fc.constantFrom(
      name,
      `\`${name}\``,
      name.replaceAll('_', ' '),
      name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase(),
    );
  const quote = fc.constantFrom<[string, string]>(
    ['"', '"'],
    ["'", "'"],
    ['“', '”'],
    ['‘', '’'],
    ['`', '`'],
    ['「', '」'],
  );
  const link = fc.constantFrom(' ', ': ', '=', ' = ', ' set to ', ' is ', ' 为 ', '：');
  const opening = fc.constantFrom(
    'Call load_item with ',
    'Please use load_item with the ',
    'Now call load_item: ',
    '调用 load_item，',
  );

  test('the quoted value of an order is what the call gets', async () => {
    const cases = fc
      .tuple(parameter, value, value, quote, link, opening)
      .chain(([name, old, now, marks, between, start]) =>
        spelled(name).map((as) => ({ name, old, now, order: `${start}${as}${between}${marks[0]}${now}${marks[1]}.` })),
      );
    await fc.assert(
      fc.asyncProperty(cases, async ({ name, old, now, order }) => {
        const item: Tool = tool('load_item', objectOf({ [name]: text }));
        const history = [user(`load_item(${name}: string)`), ...callOf('load_item', { [name]: old })];
        expect(await argumentsOf(history, order, { tools: [item] })).toEqual({ [name]: now });
      }),
      { numRuns: runs(300) },
    );
  });

  test('two values of one order go to the two parameters that they are named for', async () => {
    const cases = fc
      .tuple(
        fc.uniqueArray(parameter, { minLength: 2, maxLength: 2, selector: (name) => name.slice(0, 3) }),
        value,
        value,
      )
      .chain(([names, a, b]) => fc.tuple(fc.constant({ names, a, b }), fc.boolean(), quote));
    await fc.assert(
      fc.asyncProperty(cases, async ([{ names, a, b }, swapped, [open, close]]) => {
        const [first = '', second = ''] = names;
        const item: Tool = tool('load_item', objectOf({ [first]: text, [second]: text }));
        const parts = [`${first} ${open}${a}${close}`, `${second} ${open}${b}${close}`];
        const order = `Call load_item with ${(swapped ? parts.reverse() : parts).join(' and ')}.`;
        const history = callOf('load_item', { [first]: 'old', [second]: 'older' });
        expect(await argumentsOf(history, order, { tools: [item] })).toEqual({ [first]: a, [second]: b });
      }),
      { numRuns: runs(300) },
    );
  });
});
