import { type Choice, editField, editRequest, type Message, onChat, refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler, Json } from '../../proof/proxy.ts';

const mutant = mutantsOf('chat', { editNumber, formats, ignoring, listed, stops });

const ANSWER_MUTANTS = [
  mutant('object-of-completions', 'an answer calls itself `text_completion`')
    .caughtBy('chat.shape/completion')
    .editAnswer((answer) => ({ ...answer, object: 'text_completion' })),
  mutant('no-id', 'an answer has no id')
    .caughtBy('chat.shape/completion')
    .editAnswer(({ id: _, ...answer }) => answer),
  mutant('created-in-milliseconds', 'the time is in milliseconds')
    .caughtBy('chat.shape/created-in-seconds')
    .editAnswer((answer) => ({ ...answer, created: (answer.created as number) * 1_000 })),
  mutant('no-finish-reason', 'an answer has no finish_reason')
    .caughtBy('chat.shape/choice', 'chat.length/cut-says-length whole-says-stop')
    .editChoices(({ finish_reason: _, ...choice }) => choice),
  mutant('content-in-parts', 'the content of an answer is a list of parts')
    .caughtBy('chat.shape/choice')
    .editChoices((choice) => ({
      ...choice,
      message: { ...choice.message, content: [{ type: 'text', text: choice.message.content }] },
    })),
  mutant('total-of-completion', 'the total of a usage leaves the prompt out')
    .caughtBy('chat.shape/usage-sum')
    .editUsage((usage) => ({ ...usage, total_tokens: usage.completion_tokens })),
  mutant('no-usage', 'an answer has no usage')
    .caughtBy('chat.shape/completion usage-sum')
    .editAnswer(({ usage: _, ...answer }) => answer),
  mutant('model-of-its-own', 'an answer names the model as the server calls it')
    .caughtBy('chat.shape/model-echoed', 'chat.alias/echoed')
    .editAnswer((answer) => ({ ...answer, model: 'kimi-k2-instruct-0905' })),
  mutant('alias-resolved', 'an answer names the model that the alias stands for')
    .caughtBy('chat.alias/echoed')
    .editAnswer((answer) => ({ ...answer, model: 'kimi-k2-0905-preview' })),
  mutant('alias-unknown', 'the short name of the model is unknown')
    .caughtBy('chat.alias/accepted')
    .editField('model', (model: string) => (model === 'kimi-k2-0905' ? 'kimi-k2-none' : model)),
  mutant('cached-zero', 'a usage says that 0 tokens were cached')
    .caughtBy('chat.cache/tokens-sound')
    .editUsage((usage) => ({ ...usage, cached_tokens: 0 })),
  mutant('cached-in-blocks', 'cached tokens are rounded up to blocks, beyond the prompt')
    .caughtBy('chat.cache/tokens-sound')
    .editUsage((usage) => ({ ...usage, cached_tokens: Math.ceil((usage.prompt_tokens + 1) / 256) * 256 })),
  mutant('cache-key-unknown', 'a request with a field that the server does not know is refused')
    .caughtBy('chat.cache/key-accepted')
    .editField('prompt_cache_key', () => 7),
  mutant('last-message-only', 'the model reads the last message only')
    .caughtBy('chat.history/system-read earlier-read', 'tools.result/read')
    .editMessages((messages, { tools }) =>
      tools ? messages.filter(({ role }) => role === 'user') : messages.slice(-1),
    ),
  mutant('system-dropped', 'system messages do not reach the model')
    .caughtBy('chat.history/system-read')
    .editMessages((messages) => messages.filter(({ role }) => role !== 'system')),
  mutant('remembers', 'requests of one key are one conversation')
    .caughtBy('chat.history/nothing-kept')
    .proxy(() => {
      const earlier: unknown[] = [];
      return onChat((body, forward) => {
        const messages = Array.isArray(body.messages) ? body.messages : [];
        earlier.push(...messages);
        return forward({ body: messages.length > 0 ? { ...body, messages: earlier } : body });
      });
    }),
  mutant('empty-history-greeted', 'a request without messages is answered all the same')
    .caughtBy('chat.messages/none-refused')
    .editMessages((messages) => (messages.length === 0 ? [{ role: 'user', content: 'Hello' }] : messages)),
  mutant('any-role', 'a role that does not exist is taken for the user')
    .caughtBy('chat.messages/unknown-role-refused')
    .editMessages((messages) =>
      messages.map((message) => (message.role === 'robot' ? { ...message, role: 'user' } : message)),
    ),
  mutant('choices-unnumbered', 'every choice has the index 0')
    .caughtBy('chat.n/numbered')
    .editChoices((choice) => ({ ...choice, index: 0 })),
  mutant('prompt-per-choice', 'the prompt is charged for each choice')
    .caughtBy('chat.n-usage/prompt-once')
    .editUsage((usage, answer) => {
      const prompt_tokens = usage.prompt_tokens * (answer.choices as Choice[]).length;
      return { ...usage, prompt_tokens, total_tokens: prompt_tokens + usage.completion_tokens };
    }),
  mutant('first-choice-charged', 'only the first of several answers is charged')
    .caughtBy('chat.n-usage/answers-summed')
    .editUsage((usage, answer) => {
      const completion_tokens = Math.floor(usage.completion_tokens / (answer.choices as Choice[]).length);
      return { ...usage, completion_tokens, total_tokens: usage.prompt_tokens + completion_tokens };
    }),
];

interface Format {
  type: string;
}

function formats(edit: (format: Format) => Format | undefined): Handler {
  return editField('response_format', edit);
}

const plain = ({ partial: _, ...message }: Message): Message => message as Message;

const begun = (messages: unknown): Message | undefined =>
  Array.isArray(messages) ? messages.find(({ partial }: Message) => partial === true) : undefined;

const FORMAT_MUTANTS = [
  mutant('partial-ignored', 'a partial message is a message like any other')
    .caughtBy('chat.partial/continuation-only after-length')
    .editMessages((messages) => messages.map(plain)),
  mutant('partial-repeated', 'a continuation begins with what it continues')
    .caughtBy('chat.partial/continuation-only')
    .editChoices((choice, { messages }) => ({
      ...choice,
      message: { ...choice.message, content: `${begun(messages)?.content ?? ''}${choice.message.content}` },
    })),
  mutant('partial-trimmed', 'a continuation loses its first character')
    .caughtBy('chat.partial/after-length')
    .editChoices((choice, { messages }) =>
      begun(messages)
        ? { ...choice, message: { ...choice.message, content: choice.message.content.slice(1) } }
        : choice,
    ),
  mutant('partial-unnamed', 'a partial message must not have a name')
    .caughtBy('chat.partial/name-accepted')
    .onChat((body, forward) => (begun(body.messages)?.name === undefined ? forward() : refuse())),
  mutant('partial-anywhere', 'partial is ignored before the last message')
    .caughtBy('chat.partial/elsewhere-refused')
    .editMessages((messages) =>
      messages.map((message, index) => (index < messages.length - 1 ? plain(message) : message)),
    ),
  mutant('format-ignored', 'response formats do nothing')
    .caughtBy('chat.json/object-valid schema-fitted')
    .formats(({ type }) => (type.startsWith('json') ? { type: 'text' } : { type })),
  mutant('json-fenced', 'JSON comes in a code block')
    .caughtBy('chat.json/object-valid schema-fitted')
    .editChoices((choice, { response_format }) =>
      response_format
        ? { ...choice, message: { ...choice.message, content: `\`\`\`json\n${choice.message.content}\n\`\`\`` } }
        : choice,
    ),
  mutant('any-object', 'a schema is taken for any object')
    .caughtBy('chat.json/schema-fitted')
    .formats((format) => (format.type === 'json_schema' ? { type: 'json_object' } : format)),
  mutant('any-format', 'a response format that does not exist is taken for text')
    .caughtBy('chat.json/unknown-refused')
    .formats((format) => (format.type === 'yaml' ? { type: 'text' } : format)),
  mutant('text-refused', 'the response format that is the default cannot be asked for')
    .caughtBy('chat.json/text-accepted')
    .formats((format) => (format.type === 'text' ? { type: 'plain' } : format)),
];

/** Without a field, as if the server did not know it. */
function ignoring(...fields: string[]): Handler {
  return editRequest((body) => Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name))));
}

function stops(edit: (stop: string | string[]) => unknown): Handler {
  return editField('stop', edit);
}

function listed(edit: (stop: string[]) => unknown): Handler {
  return stops((stop) => (Array.isArray(stop) ? edit(stop) : stop));
}

const RANGES: [field: string, owner: string, least: number, most: number][] = [
  ['temperature', 'chat.temperature', 0, 1],
  ['top_p', 'chat.top-p', 0, 1],
  ['presence_penalty', 'chat.presence-penalty', -2, 2],
  ['frequency_penalty', 'chat.frequency-penalty', -2, 2],
];

function editNumber(field: string, edit: (value: number) => number): Handler {
  return editField(field, (value: unknown) => (typeof value === 'number' ? edit(value) : value));
}

function ofRange([field, owner, least, most]: (typeof RANGES)[number]): Mutant[] {
  return [
    mutant(`${field}-upper-open`, `${field} beyond its most is accepted`)
      .caughtBy(`${owner}/more-refused`)
      .editNumber(field, (value) => Math.min(value, most)),
    mutant(`${field}-lower-open`, `${field} below its least is accepted`)
      .caughtBy(`${owner}/less-refused`)
      .editNumber(field, (value) => Math.max(value, least)),
    mutant(`${field}-exclusive`, `the bounds of ${field} are refused`)
      .caughtBy(`${owner}/bounds-accepted`)
      .editNumber(field, (value) => (value === most ? most + 1 : value)),
  ];
}

const PARAMETER_MUTANTS = [
  ...RANGES.flatMap(ofRange),
  mutant('unbounded', 'the answer is bounded by nothing that is asked for')
    .caughtBy('chat.length/max-tokens-bounds max-completion-tokens-bounds cut-says-length')
    .ignoring('max_tokens', 'max_completion_tokens'),
  mutant('old-name-only', 'max_completion_tokens is not known')
    .caughtBy('chat.length/max-completion-tokens-bounds')
    .ignoring('max_completion_tokens'),
  mutant('new-name-only', 'max_tokens is not known').caughtBy('chat.length/max-tokens-bounds').ignoring('max_tokens'),
  mutant('one-token-more', 'an answer takes one token more than it may')
    .caughtBy('chat.length/max-tokens-bounds max-completion-tokens-bounds', 'chat.window/exact-accepted')
    .editRequest((body) => more(body, 1)),
  mutant('cut-says-stop', 'an answer that was cut says that it stopped')
    .caughtBy('chat.length/cut-says-length')
    .editChoices((choice) => ({ ...choice, finish_reason: 'stop' })),
  mutant('bounded-says-length', 'every answer that is bounded says that it was cut')
    .caughtBy('chat.length/whole-says-stop')
    .editChoices((choice) => ({ ...choice, finish_reason: 'length' })),
  mutant('window-plus-one', 'one token more than the window is accepted')
    .caughtBy('chat.window/one-more-refused')
    .editRequest((body) => more(body, -1)),
  mutant('answer-cut-to-fit', 'what does not fit the window makes the answer shorter instead')
    .caughtBy('chat.window/one-more-refused')
    .onChat(async (body, forward) => {
      const response = await forward();
      const message = response.status === 400 ? await response.clone().text() : '';
      return message.includes('exceeded model token limit') ? forward({ body: { ...body, max_tokens: 16 } }) : response;
    }),
  mutant('stop-ignored', 'stop strings do nothing').caughtBy('chat.stop/string-ends list-ends').ignoring('stop'),
  mutant('first-stop-only', 'only the first stop string counts')
    .caughtBy('chat.stop/list-ends')
    .listed((stop) => stop.slice(0, 1)),
  mutant('stop-delivered', 'the stop string is part of the answer')
    .caughtBy('chat.stop/string-ends list-ends')
    .editChoices((choice, { stop }) =>
      stop ? { ...choice, message: { ...choice.message, content: `${choice.message.content}HALT` } } : choice,
    ),
  mutant('stop-says-length', 'an answer that a string has stopped says that it was cut')
    .caughtBy('chat.stop/string-ends')
    .editChoices((choice, { stop }) => (stop ? { ...choice, finish_reason: 'length' } : choice)),
  mutant('four-stops', 'a fifth stop string is refused')
    .caughtBy('chat.stop-limits/most-accepted')
    .listed((stop) => (stop.length > 4 ? [...stop, 'more'] : stop)),
  mutant('stops-cut', 'stop strings beyond the fifth are ignored')
    .caughtBy('chat.stop-limits/one-more-refused')
    .listed((stop) => stop.slice(0, 5)),
  mutant('stop-cut', 'a stop string that is too long is cut')
    .caughtBy('chat.stop-limits/longer-refused')
    .listed((stop) => stop.map((text) => text.slice(0, 32))),
  mutant('stop-in-characters', 'stop strings are measured in characters')
    .caughtBy('chat.stop-limits/bytes-counted')
    .stops((stop) => (typeof stop === 'string' && stop.length <= 32 ? stop.slice(0, 10) : stop)),
  mutant('four-choices', 'a fifth choice is refused')
    .caughtBy('chat.n/most-accepted')
    .editField('n', (n: number) => (n === 5 ? 6 : n)),
  mutant('choices-cut', 'more than five choices are answered with five')
    .caughtBy('chat.n/one-more-refused')
    .editField('n', (n: number) => Math.min(n, 5)),
  mutant('no-choice-is-one', 'no choice at all is answered with one')
    .caughtBy('chat.n/none-refused')
    .editField('n', (n: number) => Math.max(n, 1)),
  mutant('choices-alike', 'several choices are made at temperature 0')
    .caughtBy('chat.n/near-zero-refused')
    .editField('temperature', (temperature: number, { n }) => (n === 2 ? 0.6 : temperature)),
  mutant('zero-refused', 'temperature 0 is refused for a single choice too')
    .caughtBy('chat.n/near-zero-single-accepted')
    .editField('temperature', (temperature: number, { n }) => (n === 1 ? -1 : temperature)),
  mutant('default-small', 'a chat without max_tokens reserves 7 tokens in the window')
    .caughtBy('chat.default-window/whole streamed')
    .editRequest((body) =>
      body.max_tokens == null && body.max_completion_tokens == null ? { ...body, max_tokens: 7 } : body,
    ),
];

function more(body: Json, tokens: number): Json {
  const name = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens';
  return typeof body[name] === 'number' ? { ...body, [name]: body[name] + tokens } : body;
}

export const CHAT_MUTANTS: readonly Mutant[] = [...ANSWER_MUTANTS, ...PARAMETER_MUTANTS, ...FORMAT_MUTANTS];
