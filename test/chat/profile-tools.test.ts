import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import {
  ARTICLE,
  badSchema,
  K3,
  K27,
  person,
  type Row,
  SWITCHABLE,
  TODAY,
  testFacts,
  tool,
  user,
} from '../support/model-facts.ts';
import { O200K } from '../support/session.ts';

const builtin = (name: string) => ({ type: 'builtin_function', function: { name } });
const system = (tools: unknown, content?: unknown) => ({
  role: 'system',
  tools,
  ...(content !== undefined && { content }),
});

const NAMES = ['1bad_name', 'bad@name', '', 'a'.repeat(257)];
const ROOT = 'tools.function.parameters.type is required and must be "object"';
const mfjs = (details: string) =>
  `Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path ${details}>`;

const TOOLS: Row[] = [
  ...NAMES.map(
    (name): Row => [
      `the tool name ${JSON.stringify(name).slice(0, 12)} is refused`,
      [...TODAY, ...ARTICLE],
      { tools: [tool(name)] },
      /tools\[0\]\.function\.name: must match pattern/,
    ],
  ),
  ['a tool name of 256 characters is taken', K3, { tools: [tool('a'.repeat(256))] }],
  ['a tool name of one character is taken', K3, { tools: [tool('a')] }],
  ['a tool name of 65 characters is refused', [...SWITCHABLE, ...ARTICLE], { tools: [tool('a'.repeat(65))] }, /name/],
  ['a tool without type is refused', TODAY, { tools: [{ function: { name: 'look' } }] }, /tools\[0\]\.type/],
  ['a tool without function is refused', TODAY, { tools: [{ type: 'function' }] }, /tools\[0\]\.function/],
  ['a tool without a name is refused', TODAY, { tools: [{ type: 'function', function: {} }] }, /function\.name/],
  ['the built-in function $web_search is taken', [...TODAY, ...ARTICLE], { tools: [builtin('$web_search')] }],
  [
    'a built-in function stands beside tools',
    [...TODAY, ...ARTICLE],
    { tools: [tool(), builtin('$web_search')], tool_choice: 'auto' },
  ],
  [
    'a built-in function of another name is refused',
    [...TODAY, ...ARTICLE],
    { tools: [builtin('$fetch')] },
    /tools\[0\]\.function\.name: the built-in functions are \$web_search/,
  ],
  [
    'a tool of another type is refused',
    [...TODAY, ...ARTICLE],
    { tools: [{ ...tool(), type: 'bogus' }] },
    /\[0\]\.type/,
  ],
  [
    'a doubled built-in function is refused',
    TODAY,
    { tools: [builtin('$web_search'), builtin('$web_search')] },
    'function name $web_search is duplicated',
  ],
  ['a tool without parameters is taken', TODAY, { tools: [tool('look', undefined)] }],
  ['a doubled name is refused', TODAY, { tools: [tool(), tool()] }, 'function name get_weather is duplicated'],
  ['parameters {} are refused', TODAY, { tools: [tool('look', {})] }, ROOT],
  ['parameters of type array are refused', TODAY, { tools: [tool('look', { type: 'array' })] }, ROOT],
  [
    'a schema outside MFJS is refused',
    TODAY,
    { tools: [tool('look', { type: 'object', properties: { a: { enum: [1] } } })] },
    mfjs("'properties.a': type is not defined"),
  ],
  [
    'the second tool is checked too',
    TODAY,
    { tools: [tool(), tool('look', badSchema)] },
    mfjs("'properties.pair.items': items must be an object"),
  ],
  [
    'type beside anyOf is taken in tools',
    TODAY,
    { tools: [tool('look', { type: 'object', anyOf: [{ properties: { a: { type: 'string' } } }] })] },
  ],
  [
    '$schema, format and title are taken',
    TODAY,
    {
      tools: [
        tool('look', {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          title: 'Look',
          properties: { day: { type: 'string', format: 'date' } },
        }),
      ],
    },
  ],
  ['a schema with strict: false is not checked', TODAY, { tools: [tool('look', badSchema, { strict: false })] }],
  ['the root is checked with strict: false too', TODAY, { tools: [tool('look', {}, { strict: false })] }, ROOT],
  ['schemas are not checked', ARTICLE, { tools: [tool('look', badSchema), tool('see', {})] }],
];

const DYNAMIC: Row[] = [
  ['a first system message may bring tools', K3, { messages: [system([tool()], ''), user] }],
  [
    'a later system message may bring tools',
    K3,
    { messages: [user, { role: 'assistant', content: 'ok' }, system([tool()], ''), user] },
  ],
  ['the last message may bring tools', K3, { messages: [user, system([tool()], '')] }],
  [
    'several system messages may bring tools',
    K3,
    { messages: [system([tool('look')], ''), system([tool('see')], ''), user] },
  ],
  [
    'system messages may bring tools beside those of the request',
    K3,
    { messages: [system([tool('look')], ''), user], tools: [tool('see')] },
  ],
  ['the content beside tools may be absent', K3, { messages: [system([tool()]), user] }],
  [
    'brought tools may be strict: false',
    K3,
    { messages: [system([tool('look', badSchema, { strict: false })]), user] },
  ],
  [
    'brought tools may have nested schemas',
    K3,
    {
      messages: [system([tool('look', { type: 'object', properties: { a: person } })]), user],
    },
  ],
  [
    'tool_choice required is taken with brought tools alone',
    K3,
    { messages: [system([tool()]), user], tool_choice: 'required' },
  ],
  [
    'tools in a user message are refused',
    K3,
    { messages: [{ ...user, tools: [tool()] }] },
    /messages\[0\]\.tools: only a system/,
  ],
  [
    'tools in an assistant message are refused',
    K3,
    { messages: [user, { role: 'assistant', content: 'ok', tools: [tool()] }, user] },
    /messages\[1\]\.tools/,
  ],
  [
    'content beside tools is refused',
    K3,
    { messages: [system([tool()], 'Be brief.'), user] },
    /cannot be used with content/,
  ],
  [
    'brought tools without type are refused',
    K3,
    { messages: [system([{ function: { name: 'look' } }]), user] },
    /messages\[0\]\.tools\[0\]\.type/,
  ],
  [
    'brought tools without function are refused',
    K3,
    { messages: [system([{ type: 'function' }]), user] },
    /\.function/,
  ],
  [
    'brought tools without a name are refused',
    K3,
    { messages: [system([{ type: 'function', function: {} }]), user] },
    /\.name/,
  ],
  ...NAMES.map(
    (name): Row => [
      `the name ${JSON.stringify(name).slice(0, 12)} of a brought tool is refused`,
      K3,
      { messages: [system([tool(name)]), user] },
      /messages\[0\]\.tools\[0\]\.function\.name: must match pattern/,
    ],
  ),
  [
    'a brought tool of another type is refused',
    K3,
    { messages: [system([{ ...tool(), type: 'bogus' }]), user] },
    /type/,
  ],
  [
    'a brought tool of another type is refused beside good ones',
    K3,
    { messages: [system([tool(), { ...tool('look'), type: 'bogus' }]), user] },
    /tools\[1\]\.type/,
  ],
  ['brought tools that are an object are refused', K3, { messages: [system({}), user] }, /messages\[0\]\.tools/],
  ['a brought tool that is null is refused', K3, { messages: [system([null]), user] }, /messages\[0\]\.tools\[0\]/],
  [
    'a name twice in one message is refused',
    K3,
    { messages: [system([tool(), tool()]), user] },
    'function name get_weather is duplicated',
  ],
  [
    'a name twice across messages is refused',
    K3,
    { messages: [system([tool()]), system([tool()]), user] },
    'function name get_weather is duplicated',
  ],
  [
    'the name of a tool of the request is refused',
    K3,
    { messages: [system([tool()]), user], tools: [tool()] },
    'function name get_weather is duplicated',
  ],
  [
    'the schema of a brought tool is checked',
    K3,
    { messages: [system([tool('look', badSchema)]), user] },
    mfjs("'properties.pair.items': items must be an object"),
  ],
  [
    'tools in a system message are refused',
    [...K27, ...SWITCHABLE, ...ARTICLE],
    { messages: [system([tool()], ''), user] },
    'tokenization failed',
  ],
];

testFacts([TOOLS, DYNAMIC].flat());

describe.each(TRANSPORTS)('a chat %s', (transport) => {
  it.each(['/v1/tokenizers/estimate-token-count', '/v1/sessions'])('%s checks tools for its model', async (path) => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const ask = async (model: string, body: object) => {
      const { status, text } = await api.post(path, { messages: [user], ...body, model });
      return [status < 400, text];
    };
    const taken = [true, expect.anything()];
    expect(await ask('kimi-k3', { tools: [tool('a'.repeat(256))] })).toEqual(taken);
    expect(await ask('kimi-k2.6', { tools: [tool('a'.repeat(256))] })).toEqual([
      false,
      expect.stringContaining('name'),
    ]);
    expect(await ask('kimi-k3', { tools: [tool('look', {})] })).toEqual([
      false,
      expect.stringContaining('type is required'),
    ]);
    expect(await ask('kimi-k2-0905', { tools: [tool('look', {})] })).toEqual(taken);
    const brought = { messages: [system([tool()]), user] };
    expect(await ask('kimi-k3', brought)).toEqual(taken);
    expect(await ask('kimi-k2.6', brought)).toEqual([false, expect.stringContaining('tokenization failed')]);
    expect(await ask('kimi-k3', { ...brought, tools: [tool()] })).toEqual([
      false,
      expect.stringContaining('duplicated'),
    ]);
  });

  it.each(['required', 'auto'])(
    'tools that system messages bring can be called: tool_choice %s',
    async (tool_choice) => {
      const api = await startEmulator(transport, { tokenizer: O200K });
      const messages = [system([tool('look_up')]), { role: 'user', content: 'Call look_up now.' }];
      const { body } = await api.post('/v1/chat/completions', { model: 'kimi-k3', messages, tool_choice });
      expect(body).toMatchObject({ choices: [{ message: { tool_calls: [{ function: { name: 'look_up' } }] } }] });
    },
  );

  it('tools that were brought into a session stay there, and are checked with every request', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const { body: session } = await api.post('/v1/sessions', { model: 'kimi-k3', tools: [tool('see')] });
    const append = (id: unknown, messages: object[]) => api.post(`/v1/sessions/${id}/messages`, { messages });
    expect((await append(session.id, [system([tool('look_up')])])).status).toBe(200);
    expect((await append(session.id, [system([tool('1bad_name')])])).body.error).toMatchObject({
      code: 'invalid_request',
    });
    const turn = (more: object) =>
      api.post('/v1/chat/completions', { model: 'kimi-k3', session_id: session.id, messages: [user], ...more });
    const doubled = await turn({ tools: [tool('look_up')] });
    expect(doubled.body.error).toMatchObject({ message: 'function name look_up is duplicated' });
    const elsewhere = await turn({ model: 'kimi-k2.6' });
    expect(elsewhere.body.error).toMatchObject({ message: 'tokenization failed' });
    const asked = [{ role: 'user', content: 'Call look_up now.' }];
    const { body } = await turn({ messages: asked, tool_choice: 'required' });
    expect(body).toMatchObject({ choices: [{ message: { tool_calls: [{ function: { name: 'look_up' } }] } }] });
    const { body: older } = await api.post('/v1/sessions', { model: 'kimi-k2.6' });
    expect((await append(older.id, [system([tool()])])).body.error).toMatchObject({ message: 'tokenization failed' });
    const line = JSON.stringify(system([tool()]));
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const streamed = await api.send('POST', `/v1/sessions/${older.id}/messages`, line, { headers });
    expect(streamed.body).toMatchObject({ error: { message: 'tokenization failed' } });
  });

  it('changed tools of a session are checked for its model', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const { body: session } = await api.post('/v1/sessions', { model: 'kimi-k3' });
    const change = (tools: object[]) => api.post(`/v1/sessions/${session.id}`, { tools });
    expect((await change([tool('a'.repeat(256))])).status).toBe(200);
    expect((await change([tool('look', {})])).body.error).toMatchObject({ message: ROOT });
  });
});
