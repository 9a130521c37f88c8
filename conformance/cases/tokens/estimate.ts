import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { TokenEstimate } from '../../../contract/models.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped } from '../../core/expect.ts';
import { chats, complete } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import { estimated, sendEstimate } from '../../wire/estimates.ts';
import { stranger } from '../../wire/strangers.ts';

/** One token in every vocabulary that is known. */
const ONE_TOKEN = [user('hi')];
const ONE_TOKEN_PROMPT = 8;
const UNKNOWN = 'kimi-conformance-no-such-model';

export const tokensEstimate = defineCase({
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

export const tokensPrompt = defineCase({
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
