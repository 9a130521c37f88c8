import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import {
  ARTICLE,
  badSchema,
  FIXED,
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

const only = (field: string, value: number) => `invalid ${field}: only ${value} is allowed for this model`;
const off = { thinking: { type: 'disabled' } };
const on = { thinking: { type: 'enabled' } };
const named = { type: 'function', function: { name: 'get_weather' } };
const format = (json_schema: unknown) => ({ response_format: { type: 'json_schema', json_schema } });
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

testFacts([SAMPLING, THINKING, HISTORY, CHOICE, ANSWER, OTHERS].flat());

describe.each(TRANSPORTS)('a chat %s', (transport) => {
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
});
