import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import { chats, complete, orders, send, soundUsage, within3 } from '../../wire/completions.ts';

const FEW = 5;

export const chatLength = defineCase({
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

export const chatWindow = defineCase({
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
