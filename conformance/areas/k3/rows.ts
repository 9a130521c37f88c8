import { LIVE_TEXT } from '../../../contract/errors.ts';
import { FORECAST_NAME, FORECAST_REQUEST, replyExactly } from '../../wire/chat.ts';
import { user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** Requests to K3, and how each is answered, streamed or not. */

/** Room to think and to answer. */
export const BUDGET = 512;
/** The chats of the kit turn thinking off. `undefined` leaves the field out, as a client does that knows nothing of it. */
export const THINKING = { thinking: undefined, max_tokens: BUDGET };

/** A request, and how it is answered: with success, or refused in a text where one is known. */
export interface Row {
  readonly body: object;
  readonly refused?: true | string;
}

export const accepts = (body: object): Row => ({ body });
export const refuses = (body: object, text: true | string = true): Row => ({ body, refused: text });

/** Rows of one kind. */
export interface RowTable {
  readonly name: string;
  readonly title: string;
  readonly rows: Readonly<Record<string, Row>>;
  readonly rule: (row: string) => WireRuleId;
}

const sampling: RowTable = {
  name: 'sampling',
  title: 'sampling fields are fixed',
  rows: {
    'temperature-one': accepts({ temperature: 1 }),
    'top-p-allowed': accepts({ top_p: 0.95 }),
    'n-one': accepts({ n: 1 }),
    'penalties-zero': accepts({ presence_penalty: 0, frequency_penalty: 0 }),
    'temperature-zero-told': refuses({ temperature: 0 }, LIVE_TEXT.samplingFixed('temperature', 1)),
    'temperature-above': refuses({ temperature: 1.1 }),
    'temperature-two': refuses({ temperature: 2 }),
    'temperature-negative': refuses({ temperature: -0.1 }),
    'top-p-told': refuses({ top_p: 0.8 }, LIVE_TEXT.samplingFixed('top_p', 0.95)),
    'n-told': refuses({ n: 2 }, LIVE_TEXT.samplingFixed('n', 1)),
    'presence-penalty': refuses({ presence_penalty: 0.5 }),
    'frequency-penalty': refuses({ frequency_penalty: 0.5 }),
  },
  rule: (row) => (row.endsWith('-told') ? 'k3.sampling-text' : 'k3.sampling'),
};

export const EFFORTS = ['low', 'high', 'max'] as const;
/** What the message counts that tells the model its effort. */
export const EFFORT_TOKENS = { low: 68, high: 68, max: 67 } as const;
/** Less than it takes to begin the text of an answer. */
export const TOO_LITTLE = 8;
const thinking = (fields: object) => accepts({ ...THINKING, thinking: fields });

const thinkingFields: RowTable = {
  name: 'thinking-fields',
  title: 'what thinking takes, and what is ignored',
  rows: {
    ...Object.fromEntries(
      EFFORTS.flatMap((effort) => [
        [`effort-${effort}`, thinking({ type: 'enabled', keep: 'all', effort })],
        [`reasoning-effort-${effort}`, accepts({ ...THINKING, reasoning_effort: effort })],
      ]),
    ),
    'keep-alone': thinking({ keep: 'all' }),
    'effort-unknown-ignored': accepts({ ...THINKING, reasoning_effort: 'tremendous' }),
    'field-unknown-ignored': accepts({ conformance_unknown: true }),
  },
  rule: () => 'k3.thinking-fields',
};

const NAMED = { type: 'function', function: { name: FORECAST_NAME } };
const { tools: TOOLS } = FORECAST_REQUEST;

const toolChoice: RowTable = {
  name: 'tool-choice',
  title: 'each tool_choice, with tools and without',
  rows: {
    auto: accepts({ tools: TOOLS, tool_choice: 'auto' }),
    none: accepts({ tools: TOOLS, tool_choice: 'none' }),
    required: accepts({ tools: TOOLS, tool_choice: 'required' }),
    'required-thinking': accepts({ ...THINKING, tools: TOOLS, tool_choice: 'required' }),
    'none-without-tools': accepts({ tool_choice: 'none' }),
    'auto-without-tools': accepts({ tool_choice: 'auto' }),
    'required-without-tools': refuses({ tool_choice: 'required' }),
    'required-with-empty-tools': refuses({ tools: [], tool_choice: 'required' }),
    unknown: refuses({ tools: TOOLS, tool_choice: 'bogus' }),
    'named-thinking': refuses(
      { ...THINKING, tools: TOOLS, tool_choice: NAMED },
      LIVE_TEXT.choiceWhileThinking('specified'),
    ),
    'named-without-thinking': accepts({ tools: TOOLS, tool_choice: NAMED }),
  },
  rule: (row) => (row.startsWith('named') ? 'k3.tool-choice-named' : 'k3.tool-choice'),
};

const OBJECT = { type: 'object', properties: {} };
const tool = (name: unknown, parameters: unknown = OBJECT) => ({ type: 'function', function: { name, parameters } });
const BAD_NAMES = { digit: '1bad_name', sign: 'bad@name', empty: '', long: 'a'.repeat(257) };
const NESTED = {
  type: 'object',
  properties: { place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
  required: ['place'],
};
const MALFORMED: Readonly<Record<string, unknown>> = {
  'no-type': { function: { name: 'look_up' } },
  'no-function': { type: 'function' },
  'no-name': { type: 'function', function: { parameters: OBJECT } },
  'other-type': { type: 'bogus', function: { name: 'look_up' } },
};
const schemaRow = (parameters: object, path: string, fault: string) =>
  refuses({ tools: [tool('look_up', parameters)] }, LIVE_TEXT.schemaRefused('tools.function.parameters', path, fault));
const property = (schema: unknown) => ({ type: 'object', properties: { a: schema } });

const toolDeclarations: RowTable = {
  name: 'tools',
  title: 'tools that are declared well and badly',
  rows: {
    nested: accepts({ tools: [tool('look_up', NESTED)] }),
    'not-strict': accepts({
      tools: [{ type: 'function', function: { name: 'look_up', parameters: OBJECT, strict: false } }],
    }),
    ...Object.fromEntries(
      Object.entries(BAD_NAMES).map(([kind, name]) => [`name-${kind}`, refuses({ tools: [tool(name)] })]),
    ),
    ...Object.fromEntries(
      Object.entries(MALFORMED)
        .filter(([kind]) => kind !== 'other-type')
        .map(([kind, wrong]) => [kind, refuses({ tools: [wrong] })]),
    ),
    'root-no-type': refuses({ tools: [tool('look_up', { properties: {} })] }, LIVE_TEXT.parametersNotObject),
    'root-empty': refuses({ tools: [tool('look_up', {})] }, LIVE_TEXT.parametersNotObject),
    'twice-told': refuses({ tools: [tool('look_up'), tool('look_up')] }, LIVE_TEXT.functionNameDuplicated('look_up')),
    'schema-enum': schemaRow(property({ enum: ['a'] }), 'properties.a', 'type is not defined'),
    'schema-items': schemaRow(
      property({ type: 'array', items: false }),
      'properties.a.items',
      'items must be an object',
    ),
    'schema-reference': schemaRow(
      property({ $ref: '#/properties/b' }),
      'properties.a.$ref',
      'references must start with #/$defs/',
    ),
  },
  rule: (row) => {
    if (row.startsWith('schema')) return 'k3.schemas';
    if (row.startsWith('root')) return 'k3.tools-root';
    return row === 'twice-told' ? 'k3.tools-twice' : 'k3.tools';
  },
};

export const brings = (...tools: unknown[]) => ({ role: 'system', tools });
const [QUESTION = user('Hello.')] = replyExactly('OK') as [ReturnType<typeof user>];
const LATER = [user('Hello.'), { role: 'assistant', content: 'Hello.' }];

const dynamicTools: RowTable = {
  name: 'dynamic-tools',
  title: 'system messages that bring tools, well and badly',
  rows: {
    first: accepts({ messages: [brings(tool('look_up')), QUESTION] }),
    later: accepts({ messages: [...LATER, brings(tool('look_up')), QUESTION] }),
    last: accepts({ messages: [QUESTION, brings(tool('look_up'))] }),
    several: accepts({ messages: [brings(tool('look_up')), brings(tool('find_out')), QUESTION] }),
    'with-global': accepts({ tools: TOOLS, messages: [brings(tool('look_up')), QUESTION] }),
    'empty-content': accepts({ messages: [{ ...brings(tool('look_up')), content: '' }, QUESTION] }),
    'not-strict': accepts({
      messages: [
        brings({ type: 'function', function: { name: 'look_up', parameters: OBJECT, strict: false } }),
        QUESTION,
      ],
    }),
    nested: accepts({ messages: [brings(tool('look_up', NESTED)), QUESTION] }),
    'required-alone': accepts({ messages: [brings(tool('look_up')), QUESTION], tool_choice: 'required' }),
    'in-user': refuses({ messages: [{ ...user('Hello.'), tools: [tool('look_up')] }, QUESTION] }),
    'in-assistant': refuses({
      messages: [user('Hello.'), { role: 'assistant', content: 'Hello.', tools: [tool('look_up')] }, QUESTION],
    }),
    'with-content': refuses({ messages: [{ ...brings(tool('look_up')), content: 'Use it.' }, QUESTION] }),
    ...Object.fromEntries(
      Object.entries({
        ...MALFORMED,
        null: null,
        ...Object.fromEntries(Object.entries(BAD_NAMES).map(([kind, name]) => [`name-${kind}`, tool(name)])),
      }).map(([kind, wrong]) => [kind, refuses({ messages: [brings(wrong), QUESTION] })]),
    ),
    'other-type-beside': refuses({ messages: [brings(tool('look_up'), MALFORMED['other-type']), QUESTION] }),
    'not-a-list': refuses({ messages: [{ role: 'system', tools: {} }, QUESTION] }),
    'twice-within': refuses({ messages: [brings(tool('look_up'), tool('look_up')), QUESTION] }),
    'twice-across': refuses({ messages: [brings(tool('look_up')), brings(tool('look_up')), QUESTION] }),
    'twice-with-global': refuses({ tools: [tool('look_up')], messages: [brings(tool('look_up')), QUESTION] }),
  },
  rule: () => 'k3.dynamic-tools',
};

export const ANSWER_SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
export const format = (json_schema: unknown) => ({
  response_format: { type: 'json_schema', json_schema },
  max_tokens: BUDGET,
});
export const PERSON = { messages: [user('Jason is 7 years old. Reply with a JSON object that has his name and age.')] };

const responseFormats: RowTable = {
  name: 'response-format',
  title: 'response formats that are made well and badly',
  rows: {
    text: accepts({ response_format: { type: 'text' } }),
    'json-object': accepts({ ...PERSON, response_format: { type: 'json_object' }, max_tokens: BUDGET }),
    strict: accepts({ ...PERSON, ...format({ name: 'person', strict: true, schema: ANSWER_SCHEMA }) }),
    'not-strict': accepts({ ...PERSON, ...format({ name: 'person', strict: false, schema: ANSWER_SCHEMA }) }),
    'strict-absent': accepts({ ...PERSON, ...format({ name: 'person', schema: ANSWER_SCHEMA }) }),
    'type-unknown': refuses({ response_format: { type: 'bogus' } }),
    'no-json-schema': refuses({ response_format: { type: 'json_schema' } }),
    'no-name': refuses(format({ schema: ANSWER_SCHEMA })),
    'no-schema': refuses(format({ name: 'person' })),
    'strict-not-boolean': refuses(format({ name: 'person', strict: 'yes', schema: ANSWER_SCHEMA })),
    'schema-not-object': refuses(format({ name: 'person', schema: 'x' })),
    'schema-outside': refuses(
      format({
        name: 'pair',
        schema: { type: 'object', properties: { pair: { type: 'array', items: [{ type: 'string' }] } } },
      }),
      LIVE_TEXT.schemaRefused('response_format.json_schema', 'properties.pair.items', 'items must be an object'),
    ),
  },
  rule: (row) => (row === 'schema-outside' ? 'k3.response-format-schema' : 'k3.response-format'),
};

const cacheOptions: RowTable = {
  name: 'cache-options',
  title: 'what prompt_cache_options takes',
  rows: {
    'ttl-short': accepts({ prompt_cache_options: { ttl: '5m' } }),
    'ttl-long': accepts({ prompt_cache_options: { mode: 'implicit', ttl: '1h' } }),
    'mode-alone': accepts({ prompt_cache_options: { mode: 'implicit' } }),
  },
  rule: () => 'k3.cache-options',
};

export const ROW_TABLES: readonly RowTable[] = [
  cacheOptions,
  sampling,
  thinkingFields,
  toolChoice,
  toolDeclarations,
  dynamicTools,
  responseFormats,
];
