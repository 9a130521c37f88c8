import { editEstimateRequest, type Message } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { editJson, json } from '../../proof/proxy.ts';
import { refusal } from '../../proof/sessions.ts';

const ESTIMATE = '/v1/tokenizers/estimate-token-count';

const WINDOW = 4_096;

/** Changes the messages of every prompt that is to be counted. */
const messages = (edit: (messages: Message[]) => Message[]) =>
  editEstimateRequest((body) => (Array.isArray(body.messages) ? { ...body, messages: edit(body.messages) } : body));

const each = (edit: (message: Message) => Message) => messages((all) => all.map(edit));

const mutant = mutantsOf('tokens', { each, messages });

const lengthOf = (body: Json) => JSON.stringify(body.messages).length;

const listOf = (body: Json, field: string) => (Array.isArray(body[field]) ? (body[field] as Json[]) : []);

const rolesOf = (body: Json, role: string) =>
  listOf(body, 'messages').filter((message) => message.role === role).length;

export const TOKENS_MUTANTS: readonly Mutant[] = [
  mutant('last-part-only', 'of a content of parts only the last is counted')
    .caughtBy('tokens.charged/with-parts with-parts-streamed')
    .editEstimateRequest((body) => ({
      ...body,
      messages: listOf(body, 'messages').map((message) => {
        const { content } = message as { content?: unknown };
        return Array.isArray(content) ? { ...(message as Json), content: content.slice(-1) } : message;
      }),
    })),
  mutant('streamed-prompt-short', 'the prompt of a streamed chat is charged without a token')
    .caughtBy('tokens.charged/of-texts-streamed with-names-streamed with-tools-streamed with-results-streamed')
    .editFinishChunk((chunk, usage) => {
      const [choice] = chunk.choices as Json[];
      return [{ ...chunk, choices: [{ ...choice, usage: { ...usage, prompt_tokens: usage.prompt_tokens - 1 } }] }];
    }),
  mutant('bare-total', 'an estimate stands beside `data`')
    .caughtBy('tokens.estimate/shape')
    .on('POST', ESTIMATE, async (_, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, ({ data }: { data: Json }) => data) : response;
    }),
  mutant('estimate-public', 'estimates are made for who has no key')
    .caughtBy('tokens.estimate/no-key-refused')
    .on('POST', ESTIMATE, ({ headers }, forward) =>
      forward({ headers: { authorization: 'Bearer sk-none', ...headers } }),
    ),
  mutant('prompt-left-open', 'the tokens that open the answer are not counted')
    .caughtBy('tokens.estimate/one-token-is-eight', 'tokens.charged/of-texts')
    .editEstimate((total) => total - 3),
  mutant('system-prompt-added', 'a system prompt is added to every chat')
    .caughtBy('tokens.prompt/one-token-is-eight', 'tokens.charged/of-texts with-tools')
    .editMessages((all) => (all.length > 0 ? [{ role: 'system', content: 'You are Kimi.' }, ...all] : all)),
  mutant('window-applied', 'an estimate beyond the window is refused')
    .caughtBy('tokens.estimate/over-window-counted')
    .on('POST', ESTIMATE, async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const body = (await response.json()) as { data: { total_tokens: number } };
      return body.data.total_tokens > WINDOW ? refusal('invalid_request') : json(body);
    }),
  mutant('capped-at-window', 'an estimate is never more than the window')
    .caughtBy('tokens.estimate/over-window-counted')
    .editEstimate((total) => Math.min(total, WINDOW)),
  mutant('any-model', 'a model that is not there is estimated like one that is')
    .caughtBy('tokens.estimate/unknown-model-refused')
    .editEstimateRequest((body) => (body.model ? { ...body, model: 'kimi-k2-0905' } : body)),
  mutant('by-characters', 'tokens are guessed from characters')
    .caughtBy('tokens.charged/of-texts', 'tokens.template/same-frame-for-all sum-of-messages')
    .editEstimate((_, body) => Math.ceil(lengthOf(body) / 4)),
  mutant('last-message-only', 'only the last message is counted')
    .caughtBy('tokens.template/sum-of-messages', 'tokens.charged/of-texts')
    .messages((all) => all.slice(-1)),
  mutant('frames-uncounted', 'messages count their text only')
    .caughtBy('tokens.estimate/one-token-is-eight', 'tokens.charged/of-texts')
    .editEstimate((total, body) => total - 4 * listOf(body, 'messages').length),
  mutant('assistant-unframed', 'the frame of an answer counts less than that of a question')
    .caughtBy('tokens.template/same-frame-for-all')
    .editEstimate((total, body) => total - rolesOf(body, 'assistant')),
  mutant('names-uncounted', 'names are not counted')
    .caughtBy('tokens.template/name-for-role', 'tokens.charged/with-names')
    .each(({ name: _, ...message }) => message as Message),
  mutant('name-beside-role', 'a name is counted beside the role')
    .caughtBy('tokens.template/name-for-role', 'tokens.charged/with-names')
    .editEstimate((total, body) => total + listOf(body, 'messages').filter(({ name }) => name).length),
  mutant('results-bare', 'results count their text only')
    .caughtBy('tokens.template/result-with-its-line', 'tokens.charged/with-results')
    .each((message) => (message.role === 'tool' ? { role: 'user', content: message.content } : message)),
  mutant('calls-uncounted', 'calls are not counted')
    .caughtBy('tokens.template/calls-with-their-markers', 'tokens.charged/with-results', 'tokens.completion/of-calls')
    .each(({ tool_calls: _, ...message }) => message as Message),
  mutant('call-names-uncounted', 'calls count their arguments only')
    .caughtBy('tokens.template/calls-with-their-markers')
    .each((message) =>
      Array.isArray(message.tool_calls)
        ? { ...message, tool_calls: message.tool_calls.map((call: Json) => ({ ...call, id: 'a' })) }
        : message,
    ),
  mutant('tools-uncounted', 'declared functions are not counted')
    .caughtBy('tokens.template/declared-functions', 'tokens.charged/with-tools')
    .editEstimateRequest(({ tools: _, ...body }) => body),
  mutant('tool-frame-uncounted', 'declared functions count their JSON only')
    .caughtBy('tokens.template/declared-functions')
    .editEstimate((total, body) => (listOf(body, 'tools').length > 0 ? total - 6 : total)),
  mutant('empty-declaration', 'an empty list of functions is declared')
    .caughtBy('tokens.template/no-functions')
    .editEstimate((total, body) => (Array.isArray(body.tools) && body.tools.length === 0 ? total + 6 : total)),
  mutant('markers-encoded', 'text that looks like a marker is encoded as one')
    .caughtBy('tokens.template/special-text-is-text')
    .each((message) =>
      typeof message.content === 'string'
        ? { ...message, content: message.content.replace(/<\|\w+\|>|\[EOS\]/g, 'a') }
        : message,
    ),
  mutant('end-charged', 'the end marker of an answer is charged')
    .caughtBy('tokens.completion/of-text')
    .editUsage((usage) => ({
      ...usage,
      completion_tokens: usage.completion_tokens + 1,
      total_tokens: usage.total_tokens + 1,
    })),
  mutant('calls-free', 'an answer that calls is charged its text only')
    .caughtBy('tokens.completion/of-calls')
    .editUsage((usage, { choices }) => {
      const [choice] = choices as { message: { tool_calls?: unknown } }[];
      return choice?.message.tool_calls ? { ...usage, completion_tokens: 0, total_tokens: usage.prompt_tokens } : usage;
    }),
  mutant('results-free', 'results are not charged')
    .caughtBy('tokens.charged/with-results')
    .onChat(async (body, forward) => {
      const response = await forward();
      const results = rolesOf(body, 'tool');
      return results > 0 && response.ok ? editJson(response, (answer: Json) => less(answer, 4 * results)) : response;
    }),
];

function less(answer: Json, count: number): Json {
  const usage = answer.usage as { prompt_tokens: number; total_tokens: number };
  const prompt_tokens = usage.prompt_tokens - count;
  return { ...answer, usage: { ...usage, prompt_tokens, total_tokens: usage.total_tokens - count } };
}
