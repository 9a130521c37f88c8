import {
  asked,
  askedFor,
  type Choice,
  charged,
  choices,
  history,
  type Message,
  mutantsOf,
  onChat,
  refuses,
  said,
} from '../../proof/chats.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';

const chat = mutantsOf('chat');

const ANSWER_MUTANTS: readonly Mutant[] = [
  chat(
    'object-of-completions',
    'an answer calls itself `text_completion`',
    ['chat.shape/completion'],
    said((answer) => ({ ...answer, object: 'text_completion' })),
  ),
  chat(
    'no-id',
    'an answer has no id',
    ['chat.shape/completion'],
    said(({ id: _, ...answer }) => answer),
  ),
  chat(
    'created-in-milliseconds',
    'the time is in milliseconds',
    ['chat.shape/created-in-seconds'],
    said((answer) => ({ ...answer, created: (answer.created as number) * 1_000 })),
  ),
  chat(
    'no-finish-reason',
    'an answer has no finish_reason',
    ['chat.shape/choice', 'chat.length/cut-says-length', 'chat.length/whole-says-stop'],
    choices(({ finish_reason: _, ...choice }) => choice),
  ),
  chat(
    'content-in-parts',
    'the content of an answer is a list of parts',
    ['chat.shape/choice'],
    choices((choice) => ({
      ...choice,
      message: { ...choice.message, content: [{ type: 'text', text: choice.message.content }] },
    })),
  ),
  chat(
    'total-of-completion',
    'the total of a usage leaves the prompt out',
    ['chat.shape/usage-sum'],
    charged((usage) => ({ ...usage, total_tokens: usage.completion_tokens })),
  ),
  chat(
    'no-usage',
    'an answer has no usage',
    ['chat.shape/completion', 'chat.shape/usage-sum'],
    said(({ usage: _, ...answer }) => answer),
  ),
  chat(
    'model-of-its-own',
    'an answer names the model as the server calls it',
    ['chat.shape/model-echoed', 'chat.alias/echoed'],
    said((answer) => ({ ...answer, model: 'kimi-k2-instruct-0905' })),
  ),
  chat(
    'alias-resolved',
    'an answer names the model that the alias stands for',
    ['chat.alias/echoed'],
    said((answer) => ({ ...answer, model: 'kimi-k2-0905-preview' })),
  ),
  chat(
    'alias-unknown',
    'the short name of the model is unknown',
    ['chat.alias/accepted'],
    askedFor('model', (model: string) => (model === 'kimi-k2-0905' ? 'kimi-k2-none' : model)),
  ),
  chat(
    'cached-zero',
    'a usage says that 0 tokens were cached',
    ['chat.cache/tokens-sound'],
    charged((usage) => ({ ...usage, cached_tokens: 0 })),
  ),
  chat(
    'cached-in-blocks',
    'cached tokens are rounded up to blocks, beyond the prompt',
    ['chat.cache/tokens-sound'],
    charged((usage) => ({ ...usage, cached_tokens: Math.ceil((usage.prompt_tokens + 1) / 256) * 256 })),
  ),
  chat(
    'cache-key-unknown',
    'a request with a field that the server does not know is refused',
    ['chat.cache/key-accepted'],
    askedFor('prompt_cache_key', () => 7),
  ),
  chat(
    'last-message-only',
    'the model reads the last message only',
    ['chat.history/system-read', 'chat.history/earlier-read', 'tools.result/read'],
    history((messages, { tools }) => (tools ? messages.filter(({ role }) => role === 'user') : messages.slice(-1))),
  ),
  chat(
    'system-dropped',
    'system messages do not reach the model',
    ['chat.history/system-read'],
    history((messages) => messages.filter(({ role }) => role !== 'system')),
  ),
  chat('remembers', 'requests of one key are one conversation', ['chat.history/nothing-kept'], () => {
    const earlier: unknown[] = [];
    return onChat((body, forward) => {
      const messages = Array.isArray(body.messages) ? body.messages : [];
      earlier.push(...messages);
      return forward({ body: messages.length > 0 ? { ...body, messages: earlier } : body });
    })();
  }),
  chat(
    'empty-history-greeted',
    'a request without messages is answered all the same',
    ['chat.messages/none-refused'],
    history((messages) => (messages.length === 0 ? [{ role: 'user', content: 'Hello' }] : messages)),
  ),
  chat(
    'any-role',
    'a role that does not exist is taken for the user',
    ['chat.messages/unknown-role-refused'],
    history((messages) =>
      messages.map((message) => (message.role === 'robot' ? { ...message, role: 'user' } : message)),
    ),
  ),
  chat(
    'choices-unnumbered',
    'every choice has the index 0',
    ['chat.n/numbered'],
    choices((choice) => ({ ...choice, index: 0 })),
  ),
  chat(
    'prompt-per-choice',
    'the prompt is charged for each choice',
    ['chat.n-usage/prompt-once'],
    charged((usage, answer) => {
      const prompt_tokens = usage.prompt_tokens * (answer.choices as Choice[]).length;
      return { ...usage, prompt_tokens, total_tokens: prompt_tokens + usage.completion_tokens };
    }),
  ),
  chat(
    'first-choice-charged',
    'only the first of several answers is charged',
    ['chat.n-usage/answers-summed'],
    charged((usage, answer) => {
      const completion_tokens = Math.floor(usage.completion_tokens / (answer.choices as Choice[]).length);
      return { ...usage, completion_tokens, total_tokens: usage.prompt_tokens + completion_tokens };
    }),
  ),
];

interface Format {
  type: string;
}

const formats = (edit: (format: Format) => Format | undefined) => askedFor('response_format', edit);

const plain = ({ partial: _, ...message }: Message): Message => message as Message;

const begun = (messages: unknown): Message | undefined =>
  Array.isArray(messages) ? messages.find(({ partial }: Message) => partial === true) : undefined;

const FORMAT_MUTANTS: readonly Mutant[] = [
  chat(
    'partial-ignored',
    'a partial message is a message like any other',
    ['chat.partial/continuation-only', 'chat.partial/after-length'],
    history((messages) => messages.map(plain)),
  ),
  chat(
    'partial-repeated',
    'a continuation begins with what it continues',
    ['chat.partial/continuation-only'],
    choices((choice, { messages }) => ({
      ...choice,
      message: { ...choice.message, content: `${begun(messages)?.content ?? ''}${choice.message.content}` },
    })),
  ),
  chat(
    'partial-trimmed',
    'a continuation loses its first character',
    ['chat.partial/after-length'],
    choices((choice, { messages }) =>
      begun(messages)
        ? { ...choice, message: { ...choice.message, content: choice.message.content.slice(1) } }
        : choice,
    ),
  ),
  chat(
    'partial-unnamed',
    'a partial message must not have a name',
    ['chat.partial/name-accepted'],
    onChat((body, forward) => (begun(body.messages)?.name === undefined ? forward() : refuses())),
  ),
  chat(
    'partial-anywhere',
    'partial is ignored before the last message',
    ['chat.partial/elsewhere-refused'],
    history((messages) => messages.map((message, index) => (index < messages.length - 1 ? plain(message) : message))),
  ),
  chat(
    'format-ignored',
    'response formats do nothing',
    ['chat.json/object-valid', 'chat.json/schema-fitted'],
    formats(({ type }) => (type.startsWith('json') ? { type: 'text' } : { type })),
  ),
  chat(
    'json-fenced',
    'JSON comes in a code block',
    ['chat.json/object-valid', 'chat.json/schema-fitted'],
    choices((choice, { response_format }) =>
      response_format
        ? { ...choice, message: { ...choice.message, content: `\`\`\`json\n${choice.message.content}\n\`\`\`` } }
        : choice,
    ),
  ),
  chat(
    'any-object',
    'a schema is taken for any object',
    ['chat.json/schema-fitted'],
    formats((format) => (format.type === 'json_schema' ? { type: 'json_object' } : format)),
  ),
  chat(
    'any-format',
    'a response format that does not exist is taken for text',
    ['chat.json/unknown-refused'],
    formats((format) => (format.type === 'yaml' ? { type: 'text' } : format)),
  ),
  chat(
    'text-refused',
    'the response format that is the default cannot be asked for',
    ['chat.json/text-accepted'],
    formats((format) => (format.type === 'text' ? { type: 'plain' } : format)),
  ),
];

/** Without a field, as if the server did not know it. */
const ignoring = (...fields: string[]) =>
  asked((body) => Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name))));

const stops = (edit: (stop: string | string[]) => unknown) => askedFor('stop', edit);

const listed = (edit: (stop: string[]) => unknown) => stops((stop) => (Array.isArray(stop) ? edit(stop) : stop));

const RANGES: [field: string, owner: string, least: number, most: number][] = [
  ['temperature', 'chat.temperature', 0, 1],
  ['top_p', 'chat.top-p', 0, 1],
  ['presence_penalty', 'chat.presence-penalty', -2, 2],
  ['frequency_penalty', 'chat.frequency-penalty', -2, 2],
];

function ofRange([field, owner, least, most]: (typeof RANGES)[number]): Mutant[] {
  const changed = (edit: (value: number) => number): (() => Handler) =>
    askedFor(field, (value: unknown) => (typeof value === 'number' ? edit(value) : value));
  return [
    chat(
      `${field}-upper-open`,
      `${field} beyond its most is accepted`,
      [`${owner}/more-refused`],
      changed((value) => Math.min(value, most)),
    ),
    chat(
      `${field}-lower-open`,
      `${field} below its least is accepted`,
      [`${owner}/less-refused`],
      changed((value) => Math.max(value, least)),
    ),
    chat(
      `${field}-exclusive`,
      `the bounds of ${field} are refused`,
      [`${owner}/bounds-accepted`],
      changed((value) => (value === most ? most + 1 : value)),
    ),
  ];
}

const PARAMETER_MUTANTS: readonly Mutant[] = [
  ...RANGES.flatMap(ofRange),
  chat(
    'unbounded',
    'the answer is bounded by nothing that is asked for',
    ['chat.length/max-tokens-bounds', 'chat.length/max-completion-tokens-bounds', 'chat.length/cut-says-length'],
    ignoring('max_tokens', 'max_completion_tokens'),
  ),
  chat(
    'old-name-only',
    'max_completion_tokens is not known',
    ['chat.length/max-completion-tokens-bounds'],
    ignoring('max_completion_tokens'),
  ),
  chat('new-name-only', 'max_tokens is not known', ['chat.length/max-tokens-bounds'], ignoring('max_tokens')),
  chat(
    'one-token-more',
    'an answer takes one token more than it may',
    ['chat.length/max-tokens-bounds', 'chat.length/max-completion-tokens-bounds', 'chat.window/exact-accepted'],
    asked((body) => more(body, 1)),
  ),
  chat(
    'cut-says-stop',
    'an answer that was cut says that it stopped',
    ['chat.length/cut-says-length'],
    choices((choice) => ({ ...choice, finish_reason: 'stop' })),
  ),
  chat(
    'bounded-says-length',
    'every answer that is bounded says that it was cut',
    ['chat.length/whole-says-stop'],
    choices((choice) => ({ ...choice, finish_reason: 'length' })),
  ),
  chat(
    'window-plus-one',
    'one token more than the window is accepted',
    ['chat.window/one-more-refused'],
    asked((body) => more(body, -1)),
  ),
  chat(
    'answer-cut-to-fit',
    'what does not fit the window makes the answer shorter instead',
    ['chat.window/one-more-refused'],
    onChat(async (body, forward) => {
      const response = await forward();
      const message = response.status === 400 ? await response.clone().text() : '';
      return message.includes('exceeded model token limit') ? forward({ body: { ...body, max_tokens: 16 } }) : response;
    }),
  ),
  chat('stop-ignored', 'stop strings do nothing', ['chat.stop/string-ends', 'chat.stop/list-ends'], ignoring('stop')),
  chat(
    'first-stop-only',
    'only the first stop string counts',
    ['chat.stop/list-ends'],
    listed((stop) => stop.slice(0, 1)),
  ),
  chat(
    'stop-delivered',
    'the stop string is part of the answer',
    ['chat.stop/string-ends', 'chat.stop/list-ends'],
    choices((choice, { stop }) =>
      stop ? { ...choice, message: { ...choice.message, content: `${choice.message.content}HALT` } } : choice,
    ),
  ),
  chat(
    'stop-says-length',
    'an answer that a string has stopped says that it was cut',
    ['chat.stop/string-ends'],
    choices((choice, { stop }) => (stop ? { ...choice, finish_reason: 'length' } : choice)),
  ),
  chat(
    'four-stops',
    'a fifth stop string is refused',
    ['chat.stop-limits/most-accepted'],
    listed((stop) => (stop.length > 4 ? [...stop, 'more'] : stop)),
  ),
  chat(
    'stops-cut',
    'stop strings beyond the fifth are ignored',
    ['chat.stop-limits/one-more-refused'],
    listed((stop) => stop.slice(0, 5)),
  ),
  chat(
    'stop-cut',
    'a stop string that is too long is cut',
    ['chat.stop-limits/longer-refused'],
    listed((stop) => stop.map((text) => text.slice(0, 32))),
  ),
  chat(
    'stop-in-characters',
    'stop strings are measured in characters',
    ['chat.stop-limits/bytes-counted'],
    stops((stop) => (typeof stop === 'string' && stop.length <= 32 ? stop.slice(0, 10) : stop)),
  ),
  chat(
    'four-choices',
    'a fifth choice is refused',
    ['chat.n/most-accepted'],
    askedFor('n', (n: number) => (n === 5 ? 6 : n)),
  ),
  chat(
    'choices-cut',
    'more than five choices are answered with five',
    ['chat.n/one-more-refused'],
    askedFor('n', (n: number) => Math.min(n, 5)),
  ),
  chat(
    'no-choice-is-one',
    'no choice at all is answered with one',
    ['chat.n/none-refused'],
    askedFor('n', (n: number) => Math.max(n, 1)),
  ),
  chat(
    'choices-alike',
    'several choices are made at temperature 0',
    ['chat.n/near-zero-refused'],
    askedFor('temperature', (temperature: number, { n }) => (n === 2 ? 0.6 : temperature)),
  ),
  chat(
    'zero-refused',
    'temperature 0 is refused for a single choice too',
    ['chat.n/near-zero-single-accepted'],
    askedFor('temperature', (temperature: number, { n }) => (n === 1 ? -1 : temperature)),
  ),
];

function more(body: Json, tokens: number): Json {
  const name = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens';
  return typeof body[name] === 'number' ? { ...body, [name]: body[name] + tokens } : body;
}

export const CHAT_MUTANTS: readonly Mutant[] = [...ANSWER_MUTANTS, ...PARAMETER_MUTANTS, ...FORMAT_MUTANTS];
