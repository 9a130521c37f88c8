import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { TokenEstimate } from '../../../contract/models.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import {
  expectBody,
  expectEqual,
  expectError,
  expectShape,
  expectTrue,
  expectUnauthenticated,
} from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import {
  completeChat,
  costOfChats,
  expectUsage,
  FORECAST_REQUEST,
  finishing,
  functionTool,
  replyExactly,
  streamChat,
  toolCallsOf,
  withinThreeTries,
} from '../../wire/chat.ts';
import { toolResult, user } from '../../wire/sessions.ts';
import { estimateTokens, sendEstimate, textTokens } from '../../wire/windows.ts';

const ID = 'functions.look_up:0';

/** Room for an answer that thinks before. */
const ANSWER_TOKENS = 128;

const PROMPTS = {
  'of-texts': {
    messages: [
      { role: 'system', content: 'You are terse.' },
      user('你好，世界。 🌍 naïve'),
      { role: 'assistant', content: 'Hello.' },
      user('Reply with exactly: OK'),
    ],
  },
  'with-parts': {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Two parts are counted:' },
          { type: 'text', text: ' both of them.' },
        ],
      },
      user('Reply with exactly: OK'),
    ],
  },
  'with-names': { messages: [{ ...user('Reply with exactly: OK'), name: 'Bartholomew the Elder' }] },
  'with-tools': { messages: replyExactly('OK'), tools: [functionTool('look_up'), functionTool('get_news')] },
  'with-results': {
    messages: [
      user('Call look_up.'),
      {
        role: 'assistant',
        content: '',
        reasoning_content: '',
        tool_calls: [{ id: ID, type: 'function', function: { name: 'look_up', arguments: '{"at":"the end"}' } }],
      },
      toolResult(ID, 'The answer is 7.'),
    ],
    tools: [functionTool('look_up')],
  },
} as const;

/** Each kind of prompt is charged as it was estimated. */
const tokensCharged = defineCase({
  id: 'tokens.charged',
  title: 'the estimate is what is charged',
  needs: ['chat', 'chat.stream', 'tokens.estimate', 'chat.tools'],
  checks: {
    'of-texts with-parts with-names with-tools with-results': 'tokens.estimate-is-prompt',
    'of-texts-streamed with-parts-streamed with-names-streamed with-tools-streamed with-results-streamed':
      'tokens.estimate-is-prompt',
  },
  cost: costOfChats(10, { requests: 20, completionTokens: 10 * ANSWER_TOKENS }),
  async run({ check }, context) {
    for (const kind of Object.keys(PROMPTS) as (keyof typeof PROMPTS)[]) {
      await check(kind, async () => {
        const body = PROMPTS[kind];
        // An estimate is of a chat that thinks, where the model does so by itself.
        const { usage } = await completeChat(context, { ...body, thinking: undefined, max_tokens: ANSWER_TOKENS });
        const { prompt_tokens } = expectShape(z.looseObject({ prompt_tokens: z.int() }), usage, 'usage');
        expectEqual(prompt_tokens, await estimateTokens(context, body), 'prompt_tokens, against the estimate');
      });
      await check(`${kind}-streamed`, async () => {
        const body = PROMPTS[kind];
        const { chunks } = await streamChat(context, { ...body, thinking: undefined, max_tokens: ANSWER_TOKENS });
        const [last] = finishing(chunks).flatMap(({ choices }) => choices as { usage?: unknown }[]);
        const { prompt_tokens } = expectShape(z.looseObject({ prompt_tokens: z.int() }), last?.usage, 'usage');
        expectEqual(prompt_tokens, await estimateTokens(context, body), 'prompt_tokens, against the estimate');
      });
    }
  },
});

const tokensCompletion = defineCase({
  id: 'tokens.completion',
  title: 'completion tokens are those of the delivered text',
  needs: ['chat', 'tokens.estimate', 'chat.tools'],
  checks: { 'of-text': 'tokens.completion', 'of-calls': 'tokens.completion-calls' },
  cost: costOfChats(4, { requests: 8 }),
  async run({ check, nonce }, context) {
    await check('of-text', async () => {
      const { text, usage } = await completeChat(context, { messages: replyExactly(`${nonce()} 你好 🌍`) });
      const { completion_tokens } = expectUsage(usage, 'usage');
      expectEqual(completion_tokens, await textTokens(context, text), 'completion_tokens, against those of the text');
    });
    await check('of-calls', () => withinThreeTries(() => callCharged(context)));
  },
});

async function callCharged(context: CaseContext<string>): Promise<string | undefined> {
  const { choice, usage } = await completeChat(context, FORECAST_REQUEST);
  if (toolCallsOf(choice.message).length === 0) return 'the model does not call the function that it must call';
  const messages = [{ role: 'assistant', ...choice.message }];
  const { estimate, reply } = context.texts.overhead;
  const due = (await estimateTokens(context, { messages })) - estimate - reply;
  const { completion_tokens } = expectUsage(usage, 'usage');
  if (completion_tokens === due) return undefined;
  throw new Mismatch(`completion_tokens of a call: expected ${due}, got ${completion_tokens}`);
}

/** One token in every vocabulary that is known. */
const ONE_TOKEN = [user('hi')];

const ONE_TOKEN_PROMPT = 8;

const UNKNOWN = 'kimi-conformance-no-such-model';

const tokensEstimate = defineCase({
  id: 'tokens.estimate',
  title: 'prompts can be estimated',
  needs: ['tokens.estimate'],
  checks: {
    shape: 'tokens.estimate',
    'one-token-is-eight': 'tokens.estimate-of-one',
    'over-window-counted': 'tokens.any-size',
    'unknown-model-refused': 'tokens.unknown-model',
    'no-key-refused': 'errors.no-key',
  },
  cost: () => ({ requests: 5 }),
  async run({ limits, check }, context) {
    await check('unknown-model-refused', async () => {
      const reply = await sendEstimate(context, { model: UNKNOWN, messages: ONE_TOKEN });
      expectEqual(expectError(reply, 'model_not_found'), LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await check('no-key-refused', async () =>
      expectUnauthenticated(await sendEstimate(context, { messages: ONE_TOKEN }, { key: null })),
    );
    await check('shape', async () => expectBody(await sendEstimate(context, { messages: ONE_TOKEN }), TokenEstimate));
    await check('one-token-is-eight', async () => {
      expectEqual(
        await estimateTokens(context, { messages: ONE_TOKEN }),
        ONE_TOKEN_PROMPT,
        'the estimate of a one-token message',
      );
    });
    await check('over-window-counted', async () => {
      const { window_tokens } = limits;
      const tokens = await estimateTokens(context, { messages: [user(' a'.repeat(window_tokens + 1))] });
      expectTrue(tokens > window_tokens, `${window_tokens + 1} words count ${tokens} tokens`);
    });
  },
});

const tokensPrompt = defineCase({
  id: 'tokens.prompt',
  title: 'a one-token message is charged as a prompt of 8',
  needs: ['chat'],
  checks: { 'one-token-is-eight': 'tokens.prompt-of-one' },
  cost: costOfChats(1),
  async run({ check }, context) {
    await check('one-token-is-eight', async () => {
      const { usage } = await completeChat(context, { messages: ONE_TOKEN });
      const { prompt_tokens } = expectShape(z.looseObject({ prompt_tokens: z.int() }), usage, 'usage');
      expectEqual(prompt_tokens, ONE_TOKEN_PROMPT, 'prompt_tokens of a one-token message');
    });
  },
});

const TEXT = 'The river runs past 3 gardens; 河水。';

const MARKERS = 3;

const CALLS_MARKERS = 2;

const CALL_MARKERS = 3;

const NAME = 'Bartholomew the Elder';

/** What a vocabulary that let special texts through would count as one token. */
const SPECIAL = ['<|im_end|>', '<|im_user|>', '<|im_middle|>', '<|tool_call_begin|>', '[EOS]', '<|endoftext|>'];

const CALLS = [
  { id: 'functions.look_up:0', arguments: '{"at":"the end"}' },
  { id: 'functions.look_up:1', arguments: '{}' },
];

const tokensTemplate = defineCase({
  id: 'tokens.template',
  title: 'prompts are counted by the chat template',
  needs: ['tokens.estimate'],
  checks: {
    'sum-of-messages': 'tokens.sum',
    'same-frame-for-all': 'tokens.frame',
    'name-for-role': 'tokens.name',
    'result-with-its-line': 'tokens.tool-result',
    'calls-with-their-markers': 'tokens.tool-calls',
    'declared-functions': 'tokens.tools',
    'no-functions': 'tokens.no-tools',
    'special-text-is-text': 'tokens.special-text',
  },
  cost: () => ({ requests: 32 }),
  async run({ texts, check }, context) {
    const { overhead } = texts;
    const text = await textTokens(context, TEXT);
    const messageTokens = async (message: object) =>
      (await estimateTokens(context, { messages: [message] })) - overhead.estimate;

    await check('sum-of-messages', async () => {
      const messages = [
        { role: 'system', content: TEXT },
        user(`${TEXT} ${TEXT}`),
        { role: 'assistant', content: 'No.' },
      ];
      let sum = overhead.estimate;
      for (const message of messages) sum += await messageTokens(message);
      expectEqual(
        await estimateTokens(context, { messages }),
        sum,
        'tokens of three messages, against the sum of each',
      );
    });
    await check('same-frame-for-all', async () => {
      for (const role of ['system', 'user', 'assistant']) {
        expectEqual(
          await messageTokens({ role, content: TEXT }),
          text + overhead.message,
          `tokens of a message by ${role}`,
        );
      }
    });
    await check('name-for-role', async () => {
      const due = MARKERS + (await textTokens(context, NAME)) + text;
      expectEqual(await messageTokens({ ...user(TEXT), name: NAME }), due, 'tokens of a message with a name');
    });
    await check('result-with-its-line', async () => {
      const [{ id } = { id: '' }] = CALLS;
      const due = overhead.message + (await textTokens(context, `## Return of ${id}\n${TEXT}`));
      expectEqual(
        await messageTokens({ role: 'tool', tool_call_id: id, content: TEXT }),
        due,
        "tokens of a tool's result",
      );
    });
    await check('calls-with-their-markers', async () => {
      let due = overhead.message + CALLS_MARKERS;
      for (const call of CALLS) {
        due += CALL_MARKERS + (await textTokens(context, call.id)) + (await textTokens(context, call.arguments));
      }
      const tool_calls = CALLS.map(({ id, arguments: text }) => ({
        id,
        type: 'function',
        function: { name: 'look_up', arguments: text },
      }));
      expectEqual(await messageTokens({ role: 'assistant', content: '', tool_calls }), due, 'tokens of two calls');
    });
    await check('declared-functions', async () => {
      const tools = [functionTool('look_up'), functionTool('get_news')];
      const json = JSON.stringify(tools);
      const due = MARKERS + (await textTokens(context, 'tool_declare')) + (await textTokens(context, json));
      const bare = await estimateTokens(context, { messages: [user(TEXT)] });
      expectEqual(
        (await estimateTokens(context, { messages: [user(TEXT)], tools })) - bare,
        due,
        'tokens of two functions',
      );
    });
    await check('no-functions', async () => {
      const messages = [user(TEXT)];
      expectEqual(
        await estimateTokens(context, { messages, tools: [] }),
        await estimateTokens(context, { messages }),
        'tokens',
      );
    });
    await check('special-text-is-text', async () => {
      for (const marker of SPECIAL) {
        const tokens = await textTokens(context, marker);
        expectTrue(tokens > 1, `${marker} counts ${tokens} token: it is taken for the marker that it looks like`);
      }
    });
  },
});

export const TOKENS_CASES: readonly Case[] = [
  tokensEstimate,
  tokensPrompt,
  tokensTemplate,
  tokensCharged,
  tokensCompletion,
];
