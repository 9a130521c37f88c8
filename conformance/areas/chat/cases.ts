import { z } from 'zod';
import { FinishReason } from '../../../contract/chat.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectShape, expectTrue } from '../../core/expect.ts';
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
  withinThreeTries,
} from '../../wire/chat.ts';
import { user } from '../../wire/sessions.ts';
import {
  chatDefaultWindow,
  chatLength,
  chatN,
  chatNUsage,
  chatRanges,
  chatStop,
  chatStopLimits,
  chatWindow,
} from './parameter-cases.ts';

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

const FEWPartial = 8;
/** Tokens that a random word may take. */
const WORD_TOKENS = 16;

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
  // A cut answer has a word more for each token of what it takes besides its text, and so has the rest of it.
  cost: costOfChats(11, { answers: 4 + 3 * (2 + WORD_TOKENS) }),
  async run({ check, nonce }, context) {
    const [first, second] = [nonce(), nonce()];
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
        const { answer } = context.texts.overhead;
        const most = FEWPartial + answer;
        // Longer where part of the budget may be left for it.
        const phrase = Array.from({ length: 3 + answer }, nonce).join(' ');
        const cut = await completeChat(context, { messages: replyExactly(phrase), max_tokens: most });
        if (cut.choice.finish_reason !== 'length') return `${most} tokens do not cut the answer: ${cut.text}`;
        const rest = await completeChat(context, {
          messages: [...replyExactly(phrase), { ...begun, content: cut.text }],
          max_tokens: most + WORD_TOKENS * (3 + answer),
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
  checks: { accepted: 'chat.model-alias', echoed: 'chat.model-alias' },
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

export const CHAT_CASES: readonly Case[] = [
  chatShape,
  chatAlias,
  chatHistory,
  chatMessages,
  chatLength,
  chatWindow,
  chatDefaultWindow,
  chatStop,
  chatStopLimits,
  ...chatRanges,
  chatN,
  chatNUsage,
  chatPartial,
  chatJson,
  chatCache,
];
