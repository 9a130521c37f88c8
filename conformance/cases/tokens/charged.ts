import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import { chats, complete, orders, soundUsage, within3 } from '../../wire/completions.ts';
import { result, user } from '../../wire/dialect.ts';
import { estimated, textTokens } from '../../wire/estimates.ts';
import { ASKING_FOR_A_CALL, callsOf, declared } from '../../wire/functions.ts';
import { FRAME_TOKENS, PROMPT_TOKENS } from '../../wire/sized-texts.ts';

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
export const tokensCharged = defineCase({
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

export const tokensCompletion = defineCase({
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
