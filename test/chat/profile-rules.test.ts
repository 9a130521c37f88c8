import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { O200K } from '../support/session.ts';

const K3 = ['kimi-k3', 'kimi-k3.1-pro'];
const K27 = ['kimi-k2.7-code', 'kimi-k2.7-code-highspeed'];
const SWITCHABLE = ['kimi-k2.6', 'kimi-k2.5'];
const ARTICLE = ['kimi-k2-0905-preview'];
const FIXED = [...K3, ...K27, ...SWITCHABLE];
const TODAY = [...FIXED];

const only = (field: string, value: number) => `invalid ${field}: only ${value} is allowed for this model`;
const off = { thinking: { type: 'disabled' } };
const on = { thinking: { type: 'enabled' } };
const tool = (name: unknown = 'get_weather', parameters: unknown = { type: 'object', properties: {} }, more = {}) => ({
  type: 'function',
  function: { name, parameters, ...more },
});
const builtin = (name: string) => ({ type: 'builtin_function', function: { name } });
const system = (tools: unknown, content?: unknown) => ({
  role: 'system',
  tools,
  ...(content !== undefined && { content }),
});
const user = { role: 'user', content: 'hi' };
const named = { type: 'function', function: { name: 'get_weather' } };
const badSchema = { type: 'object', properties: { pair: { type: 'array', items: false } } };
const format = (json_schema: unknown) => ({ response_format: { type: 'json_schema', json_schema } });
const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const calls = (reasoning?: string | null) => [
  user,
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'get_weather_0', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
  },
  { role: 'tool', tool_call_id: 'get_weather_0', content: 'sunny' },
];
const missing = (index: number) =>
  `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${index}`;
const incompatible = (choice: string) => `tool_choice '${choice}' is incompatible with thinking enabled`;

/** What stands in a message that is refused: the whole text where it is the live API's, a part where it is ours. */
type Refused = string | RegExp;
type Row = [fact: string, models: readonly string[], body: object, refused?: Refused];

const SAMPLING: Row[] = [
  ['temperature 1 is taken', FIXED, { temperature: 1 }],
  ['temperature 0 is refused', FIXED, { temperature: 0 }, only('temperature', 1)],
  ['temperature 1.1 is refused', FIXED, { temperature: 1.1 }, only('temperature', 1)],
  ['temperature 2.0 is refused', FIXED, { temperature: 2 }, only('temperature', 1)],
  ['temperature -0.1 is refused', FIXED, { temperature: -0.1 }, only('temperature', 1)],
  ['temperature 0.6 is taken without thinking', SWITCHABLE, { ...off, temperature: 0.6 }],
  ['temperature 1 is refused without thinking', SWITCHABLE, { ...off, temperature: 1 }, only('temperature', 0.6)],
  ['temperature 0.6 is refused while thinking', SWITCHABLE, { ...on, temperature: 0.6 }, only('temperature', 1)],
  ['temperature 1 is taken without thinking', K3, { ...off, temperature: 1 }],
  ['top_p 0.95 is taken', FIXED, { top_p: 0.95 }],
  ['top_p 0.8 is refused', FIXED, { top_p: 0.8 }, only('top_p', 0.95)],
  ['n 1 is taken', FIXED, { n: 1 }],
  ['n 2 is refused', FIXED, { n: 2 }, only('n', 1)],
  ['presence_penalty 0 is taken', FIXED, { presence_penalty: 0 }],
  ['presence_penalty 0.5 is refused', FIXED, { presence_penalty: 0.5 }, only('presence_penalty', 0)],
  ['frequency_penalty 0 is taken', FIXED, { frequency_penalty: 0 }],
  ['frequency_penalty 0.5 is refused', FIXED, { frequency_penalty: 0.5 }, only('frequency_penalty', 0)],
  ['sampling fields that are null are taken', FIXED, { temperature: null, top_p: null, n: null }],
  ['all sampling in its ranges is taken', ARTICLE, { temperature: 0.2, top_p: 0.5, n: 2, presence_penalty: -2 }],
  ['temperature 1.1 is out of range', ARTICLE, { temperature: 1.1 }, /^Invalid request: temperature: /],
  ['n 6 is out of range', ARTICLE, { n: 6 }, /^Invalid request: n: /],
  ['n 2 is refused near temperature 0', ARTICLE, { n: 2, temperature: 0 }, /n must be 1 when temperature is near 0/],
  [
    'frequency_penalty 2.5 is out of range',
    ARTICLE,
    { frequency_penalty: 2.5 },
    /^Invalid request: frequency_penalty: /,
  ],
];

const THINKING: Row[] = [
  ['thinking enabled is taken', TODAY, on],
  ['thinking disabled is taken', [...K3, ...SWITCHABLE], off],
  ['thinking disabled is refused', K27, off, 'invalid thinking: only type=enabled is allowed for this model'],
  ['keep alone is taken', [...K3, 'kimi-k2.6'], { thinking: { keep: 'all' } }],
  ['keep null is taken', TODAY, { thinking: { type: 'enabled', keep: null } }],
  ['thinking.effort is taken', K3, { thinking: { type: 'enabled', effort: 'low', keep: 'all' } }],
  ['another type of thinking is refused', TODAY, { thinking: { type: 'auto' } }, /thinking\.type: must be enabled or/],
  ['reasoning_effort is taken', K3, { reasoning_effort: 'low' }],
  ['an unknown reasoning_effort is ignored', TODAY, { reasoning_effort: 'extreme' }],
  ['reasoning_effort is ignored', [...K27, ...SWITCHABLE, ...ARTICLE], { reasoning_effort: 'low' }],
  ['thinking of any type is ignored', ARTICLE, { thinking: { type: 'auto' } }],
];

const HISTORY: Row[] = [
  ['a call without its reasoning is refused', SWITCHABLE, { messages: calls() }, missing(1)],
  ['a call with null for its reasoning is refused', SWITCHABLE, { messages: calls(null) }, missing(1)],
  ['the index counts all messages', SWITCHABLE, { messages: [user, ...calls('a'), user, ...calls()] }, missing(6)],
  ['an empty reasoning satisfies it', SWITCHABLE, { messages: calls('') }],
  ['a call without its reasoning is taken without thinking', SWITCHABLE, { ...off, messages: calls() }],
  ['a call without its reasoning is taken', [...K3, ...K27, ...ARTICLE], { messages: calls() }],
  [
    'an answer without calls needs no reasoning',
    TODAY,
    { messages: [user, { role: 'assistant', content: 'ok' }, user] },
  ],
];

const CHOICE: Row[] = [
  ['tool_choice auto is taken', TODAY, { tools: [tool()], tool_choice: 'auto' }],
  ['tool_choice none is taken', TODAY, { tools: [tool()], tool_choice: 'none' }],
  ['tool_choice required is taken while thinking', K3, { tools: [tool()], tool_choice: 'required' }],
  [
    'tool_choice required is refused while thinking',
    [...K27, ...SWITCHABLE],
    { tools: [tool()], tool_choice: 'required' },
    incompatible('required'),
  ],
  [
    'a named tool_choice is refused while thinking',
    TODAY,
    { tools: [tool()], tool_choice: named },
    incompatible('specified'),
  ],
  ['tool_choice required is taken without thinking', SWITCHABLE, { ...off, tools: [tool()], tool_choice: 'required' }],
  [
    'a named tool_choice is taken without thinking',
    [...K3, ...SWITCHABLE],
    { ...off, tools: [tool()], tool_choice: named },
  ],
  ['tool_choice required without tools is refused', K3, { tool_choice: 'required' }, /required needs tools/],
  ['tool_choice required with no tool in tools is refused', K3, { tools: [], tool_choice: 'required' }, /needs tools/],
  [
    'an unknown tool_choice is refused',
    TODAY,
    { tools: [tool()], tool_choice: 'bogus' },
    /tool_choice: must be none, auto, required, or /,
  ],
  ['tool_choice none without tools is taken', TODAY, { tool_choice: 'none' }],
  ['tool_choice auto without tools is taken', TODAY, { tool_choice: 'auto' }],
  ['every tool_choice is taken', ARTICLE, { tools: [tool()], tool_choice: named }],
];

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

const ANSWER: Row[] = [
  ['the format text is taken', TODAY, { response_format: { type: 'text' } }],
  ['the format json_object is taken', TODAY, { response_format: { type: 'json_object' } }],
  ['a schema with strict: true is taken', TODAY, format({ name: 'person', schema: person, strict: true })],
  ['a schema with strict: false is taken', TODAY, format({ name: 'person', schema: person, strict: false })],
  ['a schema without strict is taken', TODAY, format({ name: 'person', schema: person })],
  ['an unknown format is refused', TODAY, { response_format: { type: 'bogus' } }, /response_format/],
  ['json_schema that is missing is refused', TODAY, { response_format: { type: 'json_schema' } }, /json_schema/],
  ['a schema without a name is refused', TODAY, format({ schema: person }), /response_format\.json_schema\.name/],
  ['a name without a schema is refused', TODAY, format({ name: 'person' }), /response_format\.json_schema\.schema/],
  ['strict: "yes" is refused', TODAY, format({ name: 'person', schema: person, strict: 'yes' }), /json_schema\.strict/],
  [
    'a schema that is a text is refused',
    TODAY,
    format({ name: 'person', schema: 'x' }),
    'Invalid request: the `response_format.json_schema.schema` field in the request (expected type dict[string,interface]) is illegal',
  ],
  [
    'a schema outside MFJS is refused',
    TODAY,
    format({ name: 'pair', schema: badSchema }),
    "Invalid request: response_format.json_schema is not a valid moonshot flavored json schema, details: <At path 'properties.pair.items': items must be an object>",
  ],
  [
    'type beside anyOf is refused in answers',
    TODAY,
    format({ name: 'either', schema: { type: 'object', anyOf: [{ properties: {} }] } }),
    /when using anyOf, type should be defined in anyOf items instead of the parent schema>$/,
  ],
  ['a schema outside MFJS with strict: false is taken', TODAY, format({ name: 'p', schema: badSchema, strict: false })],
  ['schemas of answers are not checked', ARTICLE, format({ name: 'pair', schema: badSchema })],
];

const OTHERS: Row[] = [
  ['five stop strings are taken', TODAY, { stop: ['a', 'b', 'c', 'd', 'e'] }],
  [
    'six stop strings are refused',
    TODAY,
    { stop: ['a', 'b', 'c', 'd', 'e', 'f'] },
    'stop array too long. Expected an array with maximum length 5, but got 6',
  ],
  ['logprobs and top_logprobs are taken', TODAY, { logprobs: true, top_logprobs: 20 }],
  ['top_logprobs 21 is refused', TODAY, { top_logprobs: 21 }, /top_logprobs/],
  ['prediction is taken', TODAY, { prediction: { type: 'content', content: 'x' } }],
  ['safety_identifier and prompt_cache_key are taken', TODAY, { safety_identifier: 'u', prompt_cache_key: 'k' }],
  ['prompt_cache_options are taken', TODAY, { prompt_cache_options: { mode: 'implicit', ttl: '1h' } }],
  [
    'prompt_cache_options of another ttl are refused',
    TODAY,
    { prompt_cache_options: { ttl: '2h' } },
    /prompt_cache_options\.ttl/,
  ],
  ['parallel_tool_calls is ignored', TODAY, { tools: [tool()], parallel_tool_calls: false }],
];

const ALL = [SAMPLING, THINKING, HISTORY, CHOICE, TOOLS, DYNAMIC, ANSWER, OTHERS].flat();
const FACTS = ALL.map(
  ([fact, models, body, refused]): [string, string, readonly string[], object, Refused | undefined] => [
    models.join(', '),
    fact,
    models,
    body,
    refused,
  ],
);

describe.each(TRANSPORTS)('a chat %s', (transport) => {
  describe.each([
    ['answered at once', false],
    ['streamed', true],
  ])('%s', (_, stream) => {
    it.each(FACTS)('%s: %s', async (_models, _fact, models, body, refused) => {
      const api = await startEmulator(transport, { tokenizer: O200K, model: saying('{}') });
      for (const model of models) {
        const request = { messages: [user], max_tokens: 64, ...body, model, stream };
        const reply = await api.post('/v1/chat/completions', request);
        if (refused === undefined) {
          expect([model, reply.status], reply.text).toEqual([model, 200]);
          if (stream) expect(reply.text).toMatch(/data: \[DONE\]\n\n$/);
        } else {
          expect([model, reply.status], reply.text).toEqual([model, 400]);
          const message = expect.stringMatching(typeof refused === 'string' ? literal(refused) : refused);
          expect(reply.body).toEqual({ error: { message, type: 'invalid_request_error' } });
        }
      }
    });
  });

  it('names the fields that change nothing on the model', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const ignored = async (model: string, body: object) => {
      const request = { messages: [user], max_tokens: 64, ...body, model };
      const { status, headers } = await api.post('/v1/chat/completions', request);
      expect(status).toBe(200);
      return headers.get('kimi-emulator-ignored');
    };
    const asked = { ...on, reasoning_effort: 'low', logprobs: true, mood: 'glad' };
    expect(await ignored('kimi-k3', asked)).toBe('mood, logprobs');
    expect(await ignored('kimi-k2.6', asked)).toBe('mood, logprobs, reasoning_effort');
    expect(await ignored('kimi-k2-0905', asked)).toBe('mood, logprobs, thinking, reasoning_effort');
    expect(await ignored('kimi-k2-0905', { messages: [{ ...user, tools: [tool()] }] })).toBe('messages[0].tools');
  });

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

function literal(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
