import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { chats, complete, refusedChat, soundUsage, textOf } from '../../wire/completions.ts';
import { FRAME_TOKENS } from '../../wire/sized-texts.ts';

const MOST = 5;

export const chatN = defineCase({
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

export const chatNUsage = defineCase({
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
