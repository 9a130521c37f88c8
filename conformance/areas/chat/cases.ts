import { z } from 'zod';
import { FinishReason } from '../../../contract/chat.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectTrue } from '../../core/expect.ts';
import {
  askCodeWord,
  codeWordQuestion,
  codeWordText,
  completeChat,
  costOfChats,
  expectChatError,
  expectRecall,
  expectUsage,
  replyExactly,
  sendChat,
  textOf,
  withinThreeTries,
} from '../../wire/chat.ts';
import { user } from '../../wire/sessions.ts';
import { FRAME_TOKENS } from '../../wire/tokens.ts';
import type { WireRuleId } from '../rules.ts';

/** Enough for a block to be cached. */
const WORDS = 600;

const chatCache = defineCase({
  id: 'chat.cache',
  title: 'cached_tokens is correct',
  needs: ['chat'],
  checks: { 'tokens-sound': 'chat.cached-tokens', 'key-accepted': 'chat.prompt-cache-key' },
  cost: costOfChats(4, { promptTokens: 2_000 }),
  async run({ check, nonce }, context) {
    const beginning = nonce() + ' river'.repeat(WORDS);
    const messages = [user(`${beginning}\nReply with exactly: OK`)];
    await check('tokens-sound', async () => {
      for (const body of [{}, { messages }, { messages }]) {
        const { usage } = await completeChat(context, body);
        const { prompt_tokens } = expectUsage(usage, 'usage');
        const { cached_tokens: cached } = usage as { cached_tokens?: unknown };
        const sound = typeof cached === 'number' && Number.isInteger(cached) && cached >= 1 && cached <= prompt_tokens;
        expectTrue(cached === undefined || sound, `of ${prompt_tokens} prompt tokens ${cached} are said to be cached`);
      }
    });
    await check('key-accepted', () => completeChat(context, { prompt_cache_key: nonce() }));
  },
});

const MOST = 5;

const chatN = defineCase({
  id: 'chat.n',
  title: 'up to five choices, numbered, and charged together',
  needs: ['chat'],
  checks: {
    'most-accepted numbered one-more-refused none-refused': 'chat.n',
    'near-zero-refused near-zero-single-accepted': 'chat.n-near-zero',
  },
  cost: costOfChats(6, { completionTokens: 16 * 64 }),
  async run({ check, require }, context) {
    await check('one-more-refused', () => expectChatError(context, { n: MOST + 1 }));
    await check('none-refused', () => expectChatError(context, { n: 0 }));
    await check('near-zero-refused', () => expectChatError(context, { n: 2, temperature: 0 }));
    await check('near-zero-single-accepted', () => completeChat(context, { n: 1, temperature: 0 }));
    await require('most-accepted', async () => {
      const { choices } = await completeChat(context, { n: MOST });
      expectEqual(choices.length, MOST, 'choices');
    });
    await check('numbered', async () => {
      const { choices } = await completeChat(context, { n: 2 });
      expectEqual(choices.map(({ index }) => index).sort(), [0, 1], 'indices of the choices');
    });
  },
});

const chatNUsage = defineCase({
  id: 'chat.n-usage',
  title: 'the usage of two choices counts both answers and the prompt once',
  needs: ['chat', 'tokens.estimate'],
  checks: { 'prompt-once answers-summed': 'chat.n-usage' },
  cost: costOfChats(4, { requests: 6 }),
  async run({ texts, check }, context) {
    const single = expectUsage((await completeChat(context)).usage, 'usage of one choice');
    const { choices, usage } = await completeChat(context, { n: 2 });
    const both = expectUsage(usage, 'usage of two choices');
    await check('prompt-once', () => expectEqual(both.prompt_tokens, single.prompt_tokens, 'prompt_tokens'));
    await check('answers-summed', async () => {
      let tokens = 0;
      for (const choice of choices) tokens += (await texts.tokensOf(textOf(choice))) - FRAME_TOKENS;
      expectEqual(both.completion_tokens, tokens, 'completion_tokens');
    });
  },
});

const chatHistory = defineCase({
  id: 'chat.history',
  title: 'the model reads all messages of the request and no others',
  needs: ['chat'],
  checks: { 'system-read earlier-read': 'chat.history', 'nothing-kept': 'chat.stateless' },
  cost: costOfChats(7),
  async run({ check, nonce }, context) {
    const word = nonce();
    await check('system-read', () => {
      const messages = [{ role: 'system', content: codeWordText(word) }, codeWordQuestion()];
      return expectRecall(context, { messages }, word);
    });
    await check('earlier-read', () => {
      const messages = [user(codeWordText(word)), { role: 'assistant', content: 'Noted.' }, codeWordQuestion()];
      return expectRecall(context, { messages }, word);
    });
    await check('nothing-kept', async () => {
      const said = await askCodeWord(context, {});
      expectTrue(!said.includes(word), 'the model knows a word that only an earlier request had');
    });
  },
});

const chatMessages = defineCase({
  id: 'chat.messages',
  title: 'a request needs a message, of a role that exists',
  needs: ['chat'],
  checks: { 'none-refused': 'chat.messages-needed', 'unknown-role-refused': 'chat.roles' },
  cost: costOfChats(2),
  async run({ check }, context) {
    await check('none-refused', () => expectChatError(context, { messages: [] }));
    await check('unknown-role-refused', () =>
      expectChatError(context, { messages: [{ role: 'robot', content: 'Hello' }] }),
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
  title: 'answers in JSON when requested',
  needs: ['chat', 'chat.json'],
  checks: {
    'object-valid': 'chat.json-object',
    'schema-fitted': 'chat.json-schema',
    'text-accepted unknown-refused': 'chat.response-format',
  },
  cost: costOfChats(4),
  async run({ check, nonce }, context) {
    const question = 'What is the code word of the project, and how many characters has it? Reply in JSON.';
    const messages = [user(`${codeWordText(nonce())} ${question}`)];
    const jsonIn = async (response_format: object) => {
      const { text, reply } = await completeChat(context, { messages, response_format });
      try {
        return { value: JSON.parse(text) as unknown, what: reply.what };
      } catch {
        return { value: text, what: `${reply.what}: content that is not JSON` };
      }
    };
    await check('object-valid', async () => {
      const { value, what } = await jsonIn({ type: 'json_object' });
      expectShape(z.looseObject({}), value, what);
    });
    await check('schema-fitted', async () => {
      const json_schema = { name: 'code_word', schema: SCHEMA, strict: true };
      const { value, what } = await jsonIn({ type: 'json_schema', json_schema });
      expectShape(Fitting, value, what);
    });
    await check('unknown-refused', () => expectChatError(context, { response_format: { type: 'yaml' } }));
    await check('text-accepted', () => completeChat(context, { response_format: { type: 'text' } }));
  },
});

const FEW = 5;

const chatLength = defineCase({
  id: 'chat.length',
  title: 'the answer is limited and says whether it was cut',
  needs: ['chat'],
  checks: {
    'max-tokens-bounds max-completion-tokens-bounds': 'chat.max-tokens',
    'cut-says-length whole-says-stop': 'chat.length',
  },
  cost: costOfChats(5),
  async run({ check, nonce }, context) {
    const phrase = [nonce(), nonce(), nonce()].join(' ');
    const messages = replyExactly(phrase);
    const cut = await completeChat(context, { messages, max_tokens: FEW });
    await check('max-tokens-bounds', () => atMost(FEW, cut.usage));
    await check('cut-says-length', () => expectEqual(cut.choice.finish_reason, 'length', 'finish_reason'));
    await check('max-completion-tokens-bounds', async () => {
      // `undefined` leaves `max_tokens` out.
      const { usage } = await completeChat(context, { messages, max_tokens: undefined, max_completion_tokens: FEW });
      atMost(FEW, usage);
    });
    await check('whole-says-stop', () =>
      withinThreeTries(async () => {
        const { text, choice } = await completeChat(context, { messages });
        if (text.includes(phrase)) return finishedBy(choice.finish_reason, 'stop');
        return `the model does not say what was requested: ${text}`;
      }),
    );
  },
});

function finishedBy(reason: unknown, due: string): string | undefined {
  return reason === due ? undefined : `finish_reason: expected ${due}, got ${reason}`;
}

function atMost(most: number, usage: unknown): void {
  const { completion_tokens: tokens } = expectShape(
    z.looseObject({ completion_tokens: z.int().min(1) }),
    usage,
    'usage',
  );
  expectTrue(tokens <= most, `an answer of at most ${most} tokens takes ${tokens}`);
}

const chatWindow = defineCase({
  id: 'chat.window',
  title: 'prompt plus max_tokens can fill the window exactly',
  needs: ['chat'],
  checks: { 'exact-accepted': 'chat.window', 'one-more-refused': 'errors.window' },
  cost: ({ window_tokens }) => costOfChats(3, { completionTokens: 2 * window_tokens })(),
  async run({ limits, check }, context) {
    const { usage } = await completeChat(context);
    const { prompt_tokens } = expectUsage(usage, 'usage');
    const rest = limits.window_tokens - prompt_tokens;
    await check('one-more-refused', async () => {
      expectError(await sendChat(context, { max_tokens: rest + 1 }), 'context_window_exceeded', { bare: true });
    });
    await check('exact-accepted', () => completeChat(context, { max_tokens: rest }));
  },
});

const FEWPartial = 8;

const chatPartial = defineCase({
  id: 'chat.partial',
  title: 'a partial message is continued',
  needs: ['chat', 'chat.partial'],
  checks: {
    'continuation-only': 'chat.partial',
    'name-accepted': 'chat.partial-name',
    'after-length': 'chat.partial-after-length',
    'elsewhere-refused': 'chat.partial-last',
  },
  cost: costOfChats(11),
  async run({ check, nonce }, context) {
    const [first, second, third] = [nonce(), nonce(), nonce()];
    const messages = replyExactly(`${first} ${second}`);
    const begun = { role: 'assistant', content: first, partial: true };
    await check('continuation-only', () =>
      withinThreeTries(async () => {
        const { text } = await completeChat(context, { messages: [...messages, begun] });
        if (text.includes(first)) return `the answer repeats its beginning: ${text}`;
        return text.includes(second) ? undefined : `the answer does not go on: ${text}`;
      }),
    );
    await check('name-accepted', () =>
      completeChat(context, { messages: [...messages, { ...begun, name: 'Kelvin' }] }),
    );
    await check('after-length', () =>
      withinThreeTries(async () => {
        const phrase = `${first} ${second} ${third}`;
        const cut = await completeChat(context, { messages: replyExactly(phrase), max_tokens: FEWPartial });
        if (cut.choice.finish_reason !== 'length') return `${FEWPartial} tokens do not cut the answer: ${cut.text}`;
        const rest = await completeChat(context, {
          messages: [...replyExactly(phrase), { ...begun, content: cut.text }],
        });
        if (rest.text.includes(phrase)) return `the answer begins anew: ${rest.text}`;
        const joined = cut.text + rest.text;
        return joined.includes(phrase) ? undefined : `the parts do not join: ${JSON.stringify([cut.text, rest.text])}`;
      }),
    );
    await check('elsewhere-refused', () =>
      expectChatError(context, { messages: [...messages, begun, user('Go on.')] }),
    );
  },
});

interface Range {
  field: string;
  rule: WireRuleId;
  least: number;
  most: number;
}

const RANGES: readonly Range[] = [
  { field: 'temperature', rule: 'chat.temperature', least: 0, most: 1 },
  { field: 'top_p', rule: 'chat.top-p', least: 0, most: 1 },
  { field: 'presence_penalty', rule: 'chat.presence-penalty', least: -2, most: 2 },
  { field: 'frequency_penalty', rule: 'chat.frequency-penalty', least: -2, most: 2 },
];

const BEYOND = 0.1;

/** One case for each parameter that has a range. */
const chatRanges: readonly Case[] = RANGES.map(({ field, rule, least, most }) =>
  defineCase({
    id: rule,
    title: `${field} is ${least} to ${most}`,
    needs: ['chat'],
    checks: {
      'bounds-accepted': rule,
      'more-refused': rule,
      'less-refused': rule,
    },
    cost: costOfChats(4),
    async run({ check }, context) {
      await check('more-refused', () => expectChatError(context, { [field]: most + BEYOND }));
      await check('less-refused', () => expectChatError(context, { [field]: least - BEYOND }));
      await check('bounds-accepted', async () => {
        for (const bound of [least, most]) await completeChat(context, { [field]: bound });
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

/** From 2001 to 2286: a time in milliseconds, or not a time at all, lies outside. */
const UnixSeconds = z.int().min(1_000_000_000).max(9_999_999_999);

const chatShape = defineCase({
  id: 'chat.shape',
  title: 'an answer has the captured fields',
  needs: ['chat'],
  checks: {
    completion: 'chat.completion',
    'created-in-seconds': 'chat.created',
    choice: 'chat.choice',
    'usage-sum': 'chat.usage',
    'id-form': 'chat.id-form',
    'model-echoed': 'chat.model-echo',
  },
  cost: costOfChats(1),
  async run({ target, check, nonce }, context) {
    const { reply, choice, usage } = await completeChat(context, { messages: replyExactly(nonce()) });
    const body = (reply.json ?? {}) as Record<string, unknown>;
    await check('completion', () => expectShape(Completion, body, reply.what));
    await check('created-in-seconds', () => expectShape(UnixSeconds, body.created, 'created'));
    await check('choice', () => expectShape(Choice, choice, 'choices.0'));
    await check('usage-sum', () => expectUsage(usage, 'usage'));
    await check('id-form', () =>
      expectTrue(/^chatcmpl-[0-9a-f]{24}$/.test(String(body.id)), `the id ${body.id} is of another form`),
    );
    await check('model-echoed', () => expectEqual(body.model, target.model, 'model'));
  },
});

const chatAlias = defineCase({
  id: 'chat.alias',
  title: 'the alias means the same model',
  needs: ['chat'],
  checks: { accepted: 'chat.model-alias', echoed: 'chat.model-echo' },
  cost: costOfChats(2),
  async run({ check, require }, context) {
    const model = 'kimi-k2-0905';
    await require('accepted', () => completeChat(context, { model }));
    await check('echoed', async () => {
      const { reply } = await completeChat(context, { model });
      expectEqual((reply.json as { model?: unknown }).model, model, 'model');
    });
  },
});

const HALT = 'HALT';

const chatStop = defineCase({
  id: 'chat.stop',
  title: 'a stop string ends the answer before it',
  needs: ['chat'],
  checks: { 'string-ends list-ends': 'chat.stop' },
  cost: costOfChats(6),
  async run({ check }, context) {
    await check('string-ends', () => endsBefore(context, HALT));
    await check('list-ends', () => endsBefore(context, ['~~~', HALT]));
  },
});

async function endsBefore(context: CaseContext<string>, stop: string | string[]): Promise<void> {
  const [before, after] = [context.nonce(), context.nonce()];
  await withinThreeTries(async () => {
    const { text, choice } = await completeChat(context, {
      messages: replyExactly(`${before} ${HALT} ${after}`),
      stop,
    });
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
  checks: { 'most-accepted one-more-refused longer-refused bytes-counted': 'chat.stop-limits' },
  cost: costOfChats(5),
  async run({ check }, context) {
    const longest = Array.from({ length: MOST }, (_, index) => `${index}`.padEnd(MOST_BYTES, '#'));
    await check('one-more-refused', () => expectChatError(context, { stop: [...longest, 'one more'] }));
    await check('longer-refused', () => expectChatError(context, { stop: ['#'.repeat(MOST_BYTES + 1)] }));
    await check('bytes-counted', () => expectChatError(context, { stop: HAN.repeat(Math.floor(MOST_BYTES / 3) + 1) }));
    await check('most-accepted', () => completeChat(context, { stop: longest }));
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
