import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { TokenEstimate } from '../../../contract/models.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import { chats, complete, orders, soundUsage, within3 } from '../../wire/completions.ts';
import { result, user } from '../../wire/dialect.ts';
import { estimated, sendEstimate, textTokens } from '../../wire/estimates.ts';
import { ASKING_FOR_A_CALL, callsOf, declared } from '../../wire/functions.ts';
import { FRAME_TOKENS, PROMPT_TOKENS } from '../../wire/sized-texts.ts';
import { stranger } from '../../wire/strangers.ts';

const ID = 'functions.look_up:0';

const PROMPTS = {
  'of-texts': {
    messages: [
      { role: 'system', content: 'You are terse.' },
      user('你好，世界。 🌍 naïve'),
      { role: 'assistant', content: 'Hello.' },
      user('Reply with exactly: OK'),
    ],
  },
  'with-names': { messages: [{ ...user('Reply with exactly: OK'), name: 'Bartholomew the Elder' }] },
  'with-tools': { messages: orders('OK'), tools: [declared('look_up'), declared('get_news')] },
  'with-results': {
    messages: [
      user('Call look_up.'),
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: ID, type: 'function', function: { name: 'look_up', arguments: '{"at":"the end"}' } }],
      },
      result(ID, 'The answer is 7.'),
    ],
    tools: [declared('look_up')],
  },
} as const;

/** Each kind of prompt is charged as it was estimated. */
const tokensCharged = defineCase({
  id: 'tokens.charged',
  title: 'what was estimated is charged',
  needs: ['chat', 'tokens.estimate', 'chat.tools'],
  checks: {
    'of-texts': 'tokens.estimate-is-prompt',
    'with-names': 'tokens.estimate-is-prompt',
    'with-tools': 'tokens.estimate-is-prompt',
    'with-results': 'tokens.estimate-is-prompt',
  },
  cost: chats(4, { requests: 8 }),
  async run(trial) {
    for (const kind of Object.keys(PROMPTS) as (keyof typeof PROMPTS)[]) {
      await trial.check(kind, async () => {
        const body = PROMPTS[kind];
        const { usage } = await complete(trial, body);
        const { prompt_tokens } = shaped(z.looseObject({ prompt_tokens: z.int() }), usage, 'usage');
        equal(prompt_tokens, await estimated(trial, body), 'prompt_tokens, against the estimate');
      });
    }
  },
});

const tokensCompletion = defineCase({
  id: 'tokens.completion',
  title: 'what was delivered is charged',
  needs: ['chat', 'tokens.estimate', 'chat.tools'],
  checks: { 'of-text': 'tokens.completion', 'of-calls': 'tokens.completion-calls' },
  cost: chats(4, { requests: 8 }),
  async run(trial) {
    await trial.check('of-text', async () => {
      const { text, usage } = await complete(trial, { messages: orders(`${trial.nonce()} 你好 🌍`) });
      const { completion_tokens } = soundUsage(usage, 'usage');
      equal(completion_tokens, await textTokens(trial, text), 'completion_tokens, against those of the text');
    });
    await trial.check('of-calls', () => within3(() => callCharged(trial)));
  },
});

async function callCharged(trial: Trial<string>): Promise<string | undefined> {
  const { choice, usage } = await complete(trial, ASKING_FOR_A_CALL);
  if (callsOf(choice.message).length === 0) return 'the model does not call the function that it is told to call';
  const messages = [{ role: 'assistant', ...choice.message }];
  const due = (await estimated(trial, { messages })) - PROMPT_TOKENS - FRAME_TOKENS;
  const { completion_tokens } = soundUsage(usage, 'usage');
  if (completion_tokens === due) return undefined;
  throw new Mismatch(`completion_tokens of a call: expected ${due}, got ${completion_tokens}`);
}

/** One token in every vocabulary that is known. */
const ONE_TOKEN = [user('hi')];

const ONE_TOKEN_PROMPT = 8;

const UNKNOWN = 'kimi-conformance-no-such-model';

const tokensEstimate = defineCase({
  id: 'tokens.estimate',
  title: 'prompts are counted without being answered',
  needs: ['tokens.estimate'],
  checks: {
    shape: 'tokens.estimate',
    'one-token-is-eight': 'tokens.estimate-of-one',
    'over-window-counted': 'tokens.any-size',
    'unknown-model-refused': 'tokens.unknown-model',
    'no-key-refused': 'errors.no-key',
  },
  cost: () => ({ requests: 5 }),
  async run(trial) {
    await trial.check('unknown-model-refused', async () => {
      const reply = await sendEstimate(trial, { model: UNKNOWN, messages: ONE_TOKEN });
      equal(refused(reply, 'model_not_found'), LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await trial.check('no-key-refused', async () =>
      stranger(await sendEstimate(trial, { messages: ONE_TOKEN }, { key: null })),
    );
    await trial.check('shape', async () => answered(await sendEstimate(trial, { messages: ONE_TOKEN }), TokenEstimate));
    await trial.check('one-token-is-eight', async () => {
      equal(await estimated(trial, { messages: ONE_TOKEN }), ONE_TOKEN_PROMPT, 'the estimate of a one-token message');
    });
    await trial.check('over-window-counted', async () => {
      const { window_tokens } = trial.limits;
      const tokens = await estimated(trial, { messages: [user(' a'.repeat(window_tokens + 1))] });
      holds(tokens > window_tokens, `${window_tokens + 1} words count ${tokens} tokens`);
    });
  },
});

const tokensPrompt = defineCase({
  id: 'tokens.prompt',
  title: 'a one-token message is charged as a prompt of 8',
  needs: ['chat'],
  checks: { 'one-token-is-eight': 'tokens.prompt-of-one' },
  cost: chats(1),
  async run(trial) {
    await trial.check('one-token-is-eight', async () => {
      const { usage } = await complete(trial, { messages: ONE_TOKEN });
      const { prompt_tokens } = shaped(z.looseObject({ prompt_tokens: z.int() }), usage, 'usage');
      equal(prompt_tokens, ONE_TOKEN_PROMPT, 'prompt_tokens of a one-token message');
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
  title: 'prompts count what the chat template makes of them',
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
  async run(trial) {
    const text = await textTokens(trial, TEXT);
    const messageTokens = async (message: object) => (await estimated(trial, { messages: [message] })) - PROMPT_TOKENS;

    await trial.check('sum-of-messages', async () => {
      const messages = [
        { role: 'system', content: TEXT },
        user(`${TEXT} ${TEXT}`),
        { role: 'assistant', content: 'No.' },
      ];
      let sum = PROMPT_TOKENS;
      for (const message of messages) sum += await messageTokens(message);
      equal(await estimated(trial, { messages }), sum, 'tokens of three messages, against the sum of each');
    });
    await trial.check('same-frame-for-all', async () => {
      for (const role of ['system', 'user', 'assistant']) {
        equal(await messageTokens({ role, content: TEXT }), text + FRAME_TOKENS, `tokens of a message by ${role}`);
      }
    });
    await trial.check('name-for-role', async () => {
      const due = MARKERS + (await textTokens(trial, NAME)) + text;
      equal(await messageTokens({ ...user(TEXT), name: NAME }), due, 'tokens of a message with a name');
    });
    await trial.check('result-with-its-line', async () => {
      const [{ id } = { id: '' }] = CALLS;
      const due = FRAME_TOKENS + (await textTokens(trial, `## Return of ${id}\n${TEXT}`));
      equal(await messageTokens({ role: 'tool', tool_call_id: id, content: TEXT }), due, "tokens of a tool's result");
    });
    await trial.check('calls-with-their-markers', async () => {
      let due = FRAME_TOKENS + CALLS_MARKERS;
      for (const call of CALLS) {
        due += CALL_MARKERS + (await textTokens(trial, call.id)) + (await textTokens(trial, call.arguments));
      }
      const tool_calls = CALLS.map(({ id, arguments: text }) => ({
        id,
        type: 'function',
        function: { name: 'look_up', arguments: text },
      }));
      equal(await messageTokens({ role: 'assistant', content: '', tool_calls }), due, 'tokens of two calls');
    });
    await trial.check('declared-functions', async () => {
      const tools = [declared('look_up'), declared('get_news')];
      const json = JSON.stringify(tools);
      const due = MARKERS + (await textTokens(trial, 'tool_declare')) + (await textTokens(trial, json));
      const bare = await estimated(trial, { messages: [user(TEXT)] });
      equal((await estimated(trial, { messages: [user(TEXT)], tools })) - bare, due, 'tokens of two functions');
    });
    await trial.check('no-functions', async () => {
      const messages = [user(TEXT)];
      equal(await estimated(trial, { messages, tools: [] }), await estimated(trial, { messages }), 'tokens');
    });
    await trial.check('special-text-is-text', async () => {
      for (const marker of SPECIAL) {
        const tokens = await textTokens(trial, marker);
        holds(tokens > 1, `${marker} counts ${tokens} token: it is taken for the marker that it looks like`);
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
