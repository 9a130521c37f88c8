import { z } from 'zod';
import { FinishReason } from '../../../contract/chat.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { chats, complete, orders, refusedChat, send, soundUsage, textOf, within3 } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import { asks, recalled, recalls, tells } from '../../wire/recall.ts';
import { FRAME_TOKENS } from '../../wire/sized-texts.ts';
import type { WireRuleId } from '../rules.ts';

/** Enough for a block to be cached. */
const WORDS = 600;

const chatCache = defineCase({
  id: 'chat.cache',
  title: 'what was cached is told truly',
  needs: ['chat'],
  checks: { 'tokens-sound': 'chat.cached-tokens', 'key-accepted': 'chat.prompt-cache-key' },
  cost: chats(4, { promptTokens: 2_000 }),
  async run(trial) {
    const beginning = trial.nonce() + ' river'.repeat(WORDS);
    const messages = [user(`${beginning}\nReply with exactly: OK`)];
    await trial.check('tokens-sound', async () => {
      for (const body of [{}, { messages }, { messages }]) {
        const { usage } = await complete(trial, body);
        const { prompt_tokens } = soundUsage(usage, 'usage');
        const { cached_tokens: cached } = usage as { cached_tokens?: unknown };
        const sound = typeof cached === 'number' && Number.isInteger(cached) && cached >= 1 && cached <= prompt_tokens;
        holds(cached === undefined || sound, `of ${prompt_tokens} prompt tokens ${cached} are said to be cached`);
      }
    });
    await trial.check('key-accepted', () => complete(trial, { prompt_cache_key: trial.nonce() }));
  },
});

const MOST = 5;

const chatN = defineCase({
  id: 'chat.n',
  title: 'up to five choices, numbered, and charged together',
  needs: ['chat'],
  checks: {
    'most-accepted': 'chat.n',
    numbered: 'chat.n',
    'one-more-refused': 'chat.n',
    'none-refused': 'chat.n',
    'near-zero-refused': 'chat.n-near-zero',
    'near-zero-single-accepted': 'chat.n-near-zero',
  },
  cost: chats(6, { completionTokens: 16 * 64 }),
  async run(trial) {
    await trial.check('one-more-refused', () => refusedChat(trial, { n: MOST + 1 }));
    await trial.check('none-refused', () => refusedChat(trial, { n: 0 }));
    await trial.check('near-zero-refused', () => refusedChat(trial, { n: 2, temperature: 0 }));
    await trial.check('near-zero-single-accepted', () => complete(trial, { n: 1, temperature: 0 }));
    await trial.need('most-accepted', async () => {
      const { choices } = await complete(trial, { n: MOST });
      equal(choices.length, MOST, 'choices');
    });
    await trial.check('numbered', async () => {
      const { choices } = await complete(trial, { n: 2 });
      equal(choices.map(({ index }) => index).sort(), [0, 1], 'indices of the choices');
    });
  },
});

const chatNUsage = defineCase({
  id: 'chat.n-usage',
  title: 'the usage of two choices counts both answers and the prompt once',
  needs: ['chat', 'tokens.estimate'],
  checks: { 'prompt-once': 'chat.n-usage', 'answers-summed': 'chat.n-usage' },
  cost: chats(4, { requests: 6 }),
  async run(trial) {
    const single = soundUsage((await complete(trial)).usage, 'usage of one choice');
    const { choices, usage } = await complete(trial, { n: 2 });
    const both = soundUsage(usage, 'usage of two choices');
    await trial.check('prompt-once', () => equal(both.prompt_tokens, single.prompt_tokens, 'prompt_tokens'));
    await trial.check('answers-summed', async () => {
      let tokens = 0;
      for (const choice of choices) tokens += (await trial.texts.tokensOf(textOf(choice))) - FRAME_TOKENS;
      equal(both.completion_tokens, tokens, 'completion_tokens');
    });
  },
});

const chatHistory = defineCase({
  id: 'chat.history',
  title: 'the model reads all messages of the request, and of no other',
  needs: ['chat'],
  checks: { 'system-read': 'chat.history', 'earlier-read': 'chat.history', 'nothing-kept': 'chat.stateless' },
  cost: chats(7),
  async run(trial) {
    const word = trial.nonce();
    await trial.check('system-read', () => {
      const messages = [{ role: 'system', content: tells(word) }, asks()];
      return recalls(trial, { messages }, word);
    });
    await trial.check('earlier-read', () => {
      const messages = [user(tells(word)), { role: 'assistant', content: 'Noted.' }, asks()];
      return recalls(trial, { messages }, word);
    });
    await trial.check('nothing-kept', async () => {
      const said = await recalled(trial, {});
      holds(!said.includes(word), 'the model knows what only an earlier request has told');
    });
  },
});

const chatMessages = defineCase({
  id: 'chat.messages',
  title: 'a request needs a message, of a role that exists',
  needs: ['chat'],
  checks: { 'none-refused': 'chat.messages-needed', 'unknown-role-refused': 'chat.roles' },
  cost: chats(2),
  async run(trial) {
    await trial.check('none-refused', () => refusedChat(trial, { messages: [] }));
    await trial.check('unknown-role-refused', () =>
      refusedChat(trial, { messages: [{ role: 'robot', content: 'Hello' }] }),
    );
  },
});

const SCHEMA = {
  type: 'object',
  properties: { code_word: { type: 'string' }, characters: { type: 'integer' } },
  required: ['code_word', 'characters'],
  additionalProperties: false,
};

const Fitting = z.strictObject({ code_word: z.string(), characters: z.int() });

const chatJson = defineCase({
  id: 'chat.json',
  title: 'JSON where JSON is asked for',
  needs: ['chat', 'chat.json'],
  checks: {
    'object-valid': 'chat.json-object',
    'schema-fitted': 'chat.json-schema',
    'text-accepted': 'chat.response-format',
    'unknown-refused': 'chat.response-format',
  },
  cost: chats(4),
  async run(trial) {
    const question = 'What is the code word of the project, and how many characters has it? Reply in JSON.';
    const messages = [user(`${tells(trial.nonce())} ${question}`)];
    const jsonIn = async (response_format: object) => {
      const { text, reply } = await complete(trial, { messages, response_format });
      try {
        return { value: JSON.parse(text) as unknown, what: reply.what };
      } catch {
        return { value: text, what: `${reply.what}: a content that is no JSON` };
      }
    };
    await trial.check('object-valid', async () => {
      const { value, what } = await jsonIn({ type: 'json_object' });
      shaped(z.looseObject({}), value, what);
    });
    await trial.check('schema-fitted', async () => {
      const json_schema = { name: 'code_word', schema: SCHEMA, strict: true };
      const { value, what } = await jsonIn({ type: 'json_schema', json_schema });
      shaped(Fitting, value, what);
    });
    await trial.check('unknown-refused', () => refusedChat(trial, { response_format: { type: 'yaml' } }));
    await trial.check('text-accepted', () => complete(trial, { response_format: { type: 'text' } }));
  },
});

const FEW = 5;

const chatLength = defineCase({
  id: 'chat.length',
  title: 'the answer is bounded, and says whether it was cut',
  needs: ['chat'],
  checks: {
    'max-tokens-bounds': 'chat.max-tokens',
    'max-completion-tokens-bounds': 'chat.max-tokens',
    'cut-says-length': 'chat.length',
    'whole-says-stop': 'chat.length',
  },
  cost: chats(5),
  async run(trial) {
    const phrase = [trial.nonce(), trial.nonce(), trial.nonce()].join(' ');
    const messages = orders(phrase);
    const cut = await complete(trial, { messages, max_tokens: FEW });
    await trial.check('max-tokens-bounds', () => atMost(FEW, cut.usage));
    await trial.check('cut-says-length', () => equal(cut.choice.finish_reason, 'length', 'finish_reason'));
    await trial.check('max-completion-tokens-bounds', async () => {
      // `undefined` leaves `max_tokens` out.
      const { usage } = await complete(trial, { messages, max_tokens: undefined, max_completion_tokens: FEW });
      atMost(FEW, usage);
    });
    await trial.check('whole-says-stop', () =>
      within3(async () => {
        const { text, choice } = await complete(trial, { messages });
        if (text.includes(phrase)) return finishedBy(choice.finish_reason, 'stop');
        return `the model does not say what it is told to: ${text}`;
      }),
    );
  },
});

function finishedBy(reason: unknown, due: string): string | undefined {
  return reason === due ? undefined : `finish_reason: expected ${due}, got ${reason}`;
}

function atMost(most: number, usage: unknown): void {
  const { completion_tokens: tokens } = shaped(z.looseObject({ completion_tokens: z.int().min(1) }), usage, 'usage');
  holds(tokens <= most, `an answer of at most ${most} tokens takes ${tokens}`);
}

const chatWindow = defineCase({
  id: 'chat.window',
  title: 'prompt and answer may fill the window, and not one token more',
  needs: ['chat'],
  checks: { 'exact-accepted': 'chat.window', 'one-more-refused': 'errors.window' },
  cost: ({ window_tokens }) => chats(3, { completionTokens: 2 * window_tokens })(),
  async run(trial) {
    const { usage } = await complete(trial);
    const { prompt_tokens } = soundUsage(usage, 'usage');
    const rest = trial.limits.window_tokens - prompt_tokens;
    await trial.check('one-more-refused', async () => {
      refused(await send(trial, { max_tokens: rest + 1 }), 'context_window_exceeded', { bare: true });
    });
    await trial.check('exact-accepted', () => complete(trial, { max_tokens: rest }));
  },
});

const FEWPartial = 8;

const chatPartial = defineCase({
  id: 'chat.partial',
  title: 'an answer that is begun is gone on with',
  needs: ['chat', 'chat.partial'],
  checks: {
    'continuation-only': 'chat.partial',
    'name-accepted': 'chat.partial-name',
    'after-length': 'chat.partial-after-length',
    'elsewhere-refused': 'chat.partial-last',
  },
  cost: chats(11),
  async run(trial) {
    const [first, second, third] = [trial.nonce(), trial.nonce(), trial.nonce()];
    const messages = orders(`${first} ${second}`);
    const begun = { role: 'assistant', content: first, partial: true };
    await trial.check('continuation-only', () =>
      within3(async () => {
        const { text } = await complete(trial, { messages: [...messages, begun] });
        if (text.includes(first)) return `the answer repeats its beginning: ${text}`;
        return text.includes(second) ? undefined : `the answer does not go on: ${text}`;
      }),
    );
    await trial.check('name-accepted', () =>
      complete(trial, { messages: [...messages, { ...begun, name: 'Kelvin' }] }),
    );
    await trial.check('after-length', () =>
      within3(async () => {
        const phrase = `${first} ${second} ${third}`;
        const cut = await complete(trial, { messages: orders(phrase), max_tokens: FEWPartial });
        if (cut.choice.finish_reason !== 'length') return `${FEWPartial} tokens do not cut the answer: ${cut.text}`;
        const rest = await complete(trial, { messages: [...orders(phrase), { ...begun, content: cut.text }] });
        if (rest.text.includes(phrase)) return `the answer begins anew: ${rest.text}`;
        const joined = cut.text + rest.text;
        return joined.includes(phrase) ? undefined : `the parts do not join: ${JSON.stringify([cut.text, rest.text])}`;
      }),
    );
    await trial.check('elsewhere-refused', () =>
      refusedChat(trial, { messages: [...messages, begun, user('Go on.')] }),
    );
  },
});

interface Range {
  field: string;
  clause: WireRuleId;
  least: number;
  most: number;
}

const RANGES: readonly Range[] = [
  { field: 'temperature', clause: 'chat.temperature', least: 0, most: 1 },
  { field: 'top_p', clause: 'chat.top-p', least: 0, most: 1 },
  { field: 'presence_penalty', clause: 'chat.presence-penalty', least: -2, most: 2 },
  { field: 'frequency_penalty', clause: 'chat.frequency-penalty', least: -2, most: 2 },
];

const BEYOND = 0.1;

/** One case for each parameter that has a range. */
const chatRanges: readonly Case[] = RANGES.map(({ field, clause, least, most }) =>
  defineCase({
    id: clause,
    title: `${field} is ${least} to ${most}`,
    needs: ['chat'],
    checks: { 'bounds-accepted': clause, 'more-refused': clause, 'less-refused': clause },
    cost: chats(4),
    async run(trial) {
      await trial.check('more-refused', () => refusedChat(trial, { [field]: most + BEYOND }));
      await trial.check('less-refused', () => refusedChat(trial, { [field]: least - BEYOND }));
      await trial.check('bounds-accepted', async () => {
        for (const bound of [least, most]) await complete(trial, { [field]: bound });
      });
    },
  }),
);

const Completion = z.object({
  id: z.string().min(1),
  object: z.literal('chat.completion'),
  model: z.string().min(1),
  choices: z.array(z.unknown()).length(1),
  usage: z.object(),
});

const Choice = z.object({
  index: z.literal(0),
  message: z.object({ role: z.literal('assistant'), content: z.string() }),
  finish_reason: FinishReason,
});

/** From 2001 to 2286: whatever is no number of seconds lies outside. */
const UnixSeconds = z.int().min(1_000_000_000).max(9_999_999_999);

const chatShape = defineCase({
  id: 'chat.shape',
  title: 'an answer has the captured members',
  needs: ['chat'],
  checks: {
    completion: 'chat.completion',
    'created-in-seconds': 'chat.created',
    choice: 'chat.choice',
    'usage-sum': 'chat.usage',
    'id-form': 'chat.id-form',
    'model-echoed': 'chat.model-echo',
  },
  cost: chats(1),
  async run(trial) {
    const { reply, choice, usage } = await complete(trial, { messages: orders(trial.nonce()) });
    const body = (reply.json ?? {}) as Record<string, unknown>;
    await trial.check('completion', () => shaped(Completion, body, reply.what));
    await trial.check('created-in-seconds', () => shaped(UnixSeconds, body.created, 'created'));
    await trial.check('choice', () => shaped(Choice, choice, 'choices.0'));
    await trial.check('usage-sum', () => soundUsage(usage, 'usage'));
    await trial.check('id-form', () =>
      holds(/^chatcmpl-[0-9a-f]{24}$/.test(String(body.id)), `the id ${body.id} is of another form`),
    );
    await trial.check('model-echoed', () => equal(body.model, trial.target.model, 'model'));
  },
});

const chatAlias = defineCase({
  id: 'chat.alias',
  title: 'the short name of the model means the same model',
  needs: ['chat'],
  checks: { accepted: 'chat.model-alias', echoed: 'chat.model-echo' },
  cost: chats(2),
  async run(trial) {
    const model = 'kimi-k2-0905';
    await trial.need('accepted', () => complete(trial, { model }));
    await trial.check('echoed', async () => {
      const { reply } = await complete(trial, { model });
      equal((reply.json as { model?: unknown }).model, model, 'model');
    });
  },
});

const HALT = 'HALT';

const chatStop = defineCase({
  id: 'chat.stop',
  title: 'a stop string ends the answer before it',
  needs: ['chat'],
  checks: { 'string-ends': 'chat.stop', 'list-ends': 'chat.stop' },
  cost: chats(6),
  async run(trial) {
    await trial.check('string-ends', () => endsBefore(trial, HALT));
    await trial.check('list-ends', () => endsBefore(trial, ['~~~', HALT]));
  },
});

async function endsBefore(trial: Trial<string>, stop: string | string[]): Promise<void> {
  const [before, after] = [trial.nonce(), trial.nonce()];
  await within3(async () => {
    const { text, choice } = await complete(trial, { messages: orders(`${before} ${HALT} ${after}`), stop });
    if (text.includes(HALT) || text.includes(after)) return `the answer goes on: ${text}`;
    if (!text.includes(before)) return `the answer ends too soon: ${text}`;
    return choice.finish_reason === 'stop' ? undefined : `finish_reason: expected stop, got ${choice.finish_reason}`;
  });
}

const MOST_BYTES = 32;

/** Three bytes each in UTF-8. */
const HAN = '停';

const chatStopLimits = defineCase({
  id: 'chat.stop-limits',
  title: 'five stop strings of 32 bytes are accepted, more and longer ones refused',
  needs: ['chat'],
  checks: {
    'most-accepted': 'chat.stop-limits',
    'one-more-refused': 'chat.stop-limits',
    'longer-refused': 'chat.stop-limits',
    'bytes-counted': 'chat.stop-limits',
  },
  cost: chats(5),
  async run(trial) {
    const longest = Array.from({ length: MOST }, (_, index) => `${index}`.padEnd(MOST_BYTES, '#'));
    await trial.check('one-more-refused', () => refusedChat(trial, { stop: [...longest, 'one more'] }));
    await trial.check('longer-refused', () => refusedChat(trial, { stop: ['#'.repeat(MOST_BYTES + 1)] }));
    await trial.check('bytes-counted', () => refusedChat(trial, { stop: HAN.repeat(Math.floor(MOST_BYTES / 3) + 1) }));
    await trial.check('most-accepted', () => complete(trial, { stop: longest }));
  },
});

export const CHAT_CASES: readonly Case[] = [
  chatShape,
  chatAlias,
  chatHistory,
  chatMessages,
  chatLength,
  chatWindow,
  chatStop,
  chatStopLimits,
  ...chatRanges,
  chatN,
  chatNUsage,
  chatPartial,
  chatJson,
  chatCache,
];
