import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectTrue } from '../../core/expect.ts';
import {
  completeChat,
  costOfChats,
  expectChatError,
  expectUsage,
  replyExactly,
  sendChat,
  textOf,
  withinThreeTries,
} from '../../wire/chat.ts';
import { estimateTokens } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** What parameters of a chat do, and their limits. */

const MOST = 5;

export const chatN = defineCase({
  id: 'chat.n',
  title: 'up to five choices, numbered, and charged together',
  needs: ['chat'],
  checks: {
    'most-accepted numbered one-more-refused none-refused': 'chat.n',
    'near-zero-refused near-zero-single-accepted': 'chat.n-near-zero',
  },
  cost: costOfChats(6, { completionTokens: 16 * 64, answers: 16 }),
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

export const chatNUsage = defineCase({
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
      for (const choice of choices) tokens += (await texts.tokensOf(textOf(choice))) - texts.overhead.message;
      expectEqual(both.completion_tokens, tokens, 'completion_tokens');
    });
  },
});

const FEW = 5;

export const chatLength = defineCase({
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

export const chatWindow = defineCase({
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

export const chatDefaultWindow = defineCase({
  id: 'chat.default-window',
  title: 'a chat without max_tokens reserves the default in the window',
  needs: ['chat', 'chat.stream', 'tokens.estimate'],
  checks: { whole: 'chat.default-max-tokens', streamed: 'chat.default-max-tokens' },
  cost: ({ window_tokens }) => costOfChats(2, { requests: 40, promptTokens: 2 * window_tokens })(),
  async run({ limits, texts, check }, context) {
    const { window_tokens, max_tokens } = limits;
    // The prompt fits, and the default does not fit beside it: a refusal costs nothing.
    const content = await texts.exactly(window_tokens - Math.ceil(max_tokens / 2));
    const messages = [{ role: 'user' as const, content }];
    const prompt = await estimateTokens(context, { messages });
    for (const [name, stream] of [
      ['whole', false],
      ['streamed', true],
    ] as const) {
      await check(name, async () => {
        const reply = await sendChat(context, { messages, stream, max_tokens: undefined });
        const text = LIVE_TEXT.windowExceeded(window_tokens, prompt + max_tokens);
        expectEqual(expectError(reply, 'context_window_exceeded', { bare: true }), text, 'the message');
      });
    }
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
export const chatRanges: readonly Case[] = RANGES.map(({ field, rule, least, most }) =>
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

const HALT = 'HALT';

export const chatStop = defineCase({
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

export const chatStopLimits = defineCase({
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
