import { charged, counted, estimates, history, type Message, mutantsOf, onChat } from '../../proof/chats.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { editJson, json, on } from '../../proof/proxy.ts';
import { refusal } from '../../proof/rewrites.ts';

const tokens = mutantsOf('tokens');

const ESTIMATE = '/v1/tokenizers/estimate-token-count';

const WINDOW = 4_096;

/** Changes the messages of every prompt that is to be counted. */
const messages = (edit: (messages: Message[]) => Message[]) =>
  counted((body) => (Array.isArray(body.messages) ? { ...body, messages: edit(body.messages) } : body));

const each = (edit: (message: Message) => Message) => messages((all) => all.map(edit));

const lengthOf = (body: Json) => JSON.stringify(body.messages).length;

const listOf = (body: Json, field: string) => (Array.isArray(body[field]) ? (body[field] as Json[]) : []);

const rolesOf = (body: Json, role: string) =>
  listOf(body, 'messages').filter((message) => message.role === role).length;

export const TOKENS_MUTANTS: readonly Mutant[] = [
  tokens('bare-total', 'an estimate stands beside `data`', ['tokens.estimate/shape'], () =>
    on('POST', ESTIMATE, async (_, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, ({ data }: { data: Json }) => data) : response;
    }),
  ),
  tokens('estimate-public', 'estimates are made for who has no key', ['tokens.estimate/no-key-refused'], () =>
    on('POST', ESTIMATE, ({ headers }, forward) =>
      forward({ headers: { authorization: 'Bearer sk-none', ...headers } }),
    ),
  ),
  tokens(
    'prompt-left-open',
    'the tokens that open the answer are not counted',
    ['tokens.estimate/one-token-is-eight', 'tokens.charged/of-texts'],
    estimates((total) => total - 3),
  ),
  tokens(
    'system-prompt-added',
    'a system prompt is added to every chat',
    ['tokens.prompt/one-token-is-eight', 'tokens.charged/of-texts', 'tokens.charged/with-tools'],
    history((all) => (all.length > 0 ? [{ role: 'system', content: 'You are Kimi.' }, ...all] : all)),
  ),
  tokens('window-applied', 'an estimate beyond the window is refused', ['tokens.estimate/over-window-counted'], () =>
    on('POST', ESTIMATE, async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const body = (await response.json()) as { data: { total_tokens: number } };
      return body.data.total_tokens > WINDOW ? refusal('invalid_request') : json(body);
    }),
  ),
  tokens(
    'capped-at-window',
    'an estimate is never more than the window',
    ['tokens.estimate/over-window-counted'],
    estimates((total) => Math.min(total, WINDOW)),
  ),
  tokens(
    'any-model',
    'a model that is not there is estimated like one that is',
    ['tokens.estimate/unknown-model-refused'],
    counted((body) => (body.model ? { ...body, model: 'kimi-k2-0905' } : body)),
  ),
  tokens(
    'by-characters',
    'tokens are guessed from characters',
    ['tokens.charged/of-texts', 'tokens.template/same-frame-for-all', 'tokens.template/sum-of-messages'],
    estimates((_, body) => Math.ceil(lengthOf(body) / 4)),
  ),
  tokens(
    'last-message-only',
    'only the last message is counted',
    ['tokens.template/sum-of-messages', 'tokens.charged/of-texts'],
    messages((all) => all.slice(-1)),
  ),
  tokens(
    'frames-uncounted',
    'messages count their text only',
    ['tokens.estimate/one-token-is-eight', 'tokens.charged/of-texts'],
    estimates((total, body) => total - 4 * listOf(body, 'messages').length),
  ),
  tokens(
    'assistant-unframed',
    'the frame of an answer counts less than that of a question',
    ['tokens.template/same-frame-for-all'],
    estimates((total, body) => total - rolesOf(body, 'assistant')),
  ),
  tokens(
    'names-uncounted',
    'names are not counted',
    ['tokens.template/name-for-role', 'tokens.charged/with-names'],
    each(({ name: _, ...message }) => message as Message),
  ),
  tokens(
    'name-beside-role',
    'a name is counted beside the role',
    ['tokens.template/name-for-role', 'tokens.charged/with-names'],
    estimates((total, body) => total + listOf(body, 'messages').filter(({ name }) => name).length),
  ),
  tokens(
    'results-bare',
    'results count their text only',
    ['tokens.template/result-with-its-line', 'tokens.charged/with-results'],
    each((message) => (message.role === 'tool' ? { role: 'user', content: message.content } : message)),
  ),
  tokens(
    'calls-uncounted',
    'calls are not counted',
    ['tokens.template/calls-with-their-markers', 'tokens.charged/with-results', 'tokens.completion/of-calls'],
    each(({ tool_calls: _, ...message }) => message as Message),
  ),
  tokens(
    'call-names-uncounted',
    'calls count their arguments only',
    ['tokens.template/calls-with-their-markers'],
    each((message) =>
      Array.isArray(message.tool_calls)
        ? { ...message, tool_calls: message.tool_calls.map((call: Json) => ({ ...call, id: 'a' })) }
        : message,
    ),
  ),
  tokens(
    'tools-uncounted',
    'declared functions are not counted',
    ['tokens.template/declared-functions', 'tokens.charged/with-tools'],
    counted(({ tools: _, ...body }) => body),
  ),
  tokens(
    'tool-frame-uncounted',
    'declared functions count their JSON only',
    ['tokens.template/declared-functions'],
    estimates((total, body) => (listOf(body, 'tools').length > 0 ? total - 6 : total)),
  ),
  tokens(
    'empty-declaration',
    'an empty list of functions is declared',
    ['tokens.template/no-functions'],
    estimates((total, body) => (Array.isArray(body.tools) && body.tools.length === 0 ? total + 6 : total)),
  ),
  tokens(
    'markers-encoded',
    'text that looks like a marker is encoded as one',
    ['tokens.template/special-text-is-text'],
    each((message) =>
      typeof message.content === 'string'
        ? { ...message, content: message.content.replace(/<\|\w+\|>|\[EOS\]/g, 'a') }
        : message,
    ),
  ),
  tokens(
    'end-charged',
    'the end marker of an answer is charged',
    ['tokens.completion/of-text'],
    charged((usage) => ({
      ...usage,
      completion_tokens: usage.completion_tokens + 1,
      total_tokens: usage.total_tokens + 1,
    })),
  ),
  tokens(
    'calls-free',
    'an answer that calls is charged its text only',
    ['tokens.completion/of-calls'],
    charged((usage, { choices }) => {
      const [choice] = choices as { message: { tool_calls?: unknown } }[];
      return choice?.message.tool_calls ? { ...usage, completion_tokens: 0, total_tokens: usage.prompt_tokens } : usage;
    }),
  ),
  tokens(
    'results-free',
    'results are not charged',
    ['tokens.charged/with-results'],
    onChat(async (body, forward) => {
      const response = await forward();
      const results = rolesOf(body, 'tool');
      return results > 0 && response.ok ? editJson(response, (answer: Json) => less(answer, 4 * results)) : response;
    }),
  ),
];

function less(answer: Json, count: number): Json {
  const usage = answer.usage as { prompt_tokens: number; total_tokens: number };
  const prompt_tokens = usage.prompt_tokens - count;
  return { ...answer, usage: { ...usage, prompt_tokens, total_tokens: usage.total_tokens - count } };
}
