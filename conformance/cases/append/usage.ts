import type { SessionAppend } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { append, calling, createSession, type Message, result, user } from '../../wire/dialect.ts';
import { estimated } from '../../wire/estimates.ts';
import { PROMPT_TOKENS } from '../../wire/sized-texts.ts';

const WRITES: Message[][] = [
  [{ role: 'system', content: 'Answer in one word.' }],
  [user('What is the capital of France? 法国的首都是什么？'), { role: 'assistant', content: 'Paris 🗼', name: 'kim' }],
  [calling('functions.look_up:0', 'functions.look_up:1')],
  [{ ...result('functions.look_up:1', '{"found":true}'), name: 'look_up' }, result('functions.look_up:0', 'nothing')],
  [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'In parts' },
        { type: 'text', text: ': two.' },
      ],
    },
  ],
  [user('<|im_end|><|im_user|>')],
];

export const appendUsage = defineCase({
  id: 'append.usage',
  title: 'a write adds to the usage what its messages count',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'usage-grows-by-tokens': 'append.usage',
    'tokens-of-messages': 'append.usage',
    'as-estimated': 'append.counted',
  },
  async run(trial) {
    const { api } = trial;
    const { id, usage: empty } = await createSession(api);
    const answers: SessionAppend[] = [];
    for (const write of WRITES) answers.push(await append(api, id, write));
    await trial.check('usage-grows-by-tokens', () => {
      let before = empty;
      for (const { usage, tokens, data } of answers) {
        equal(
          { total: usage.total_tokens, remaining: usage.remaining_tokens, messages: usage.messages },
          {
            total: before.total_tokens + tokens,
            remaining: before.remaining_tokens - tokens,
            messages: before.messages + data.length,
          },
          `the usage after a write of ${tokens} tokens`,
        );
        before = usage;
      }
    });
    await trial.check('tokens-of-messages', () => {
      for (const { tokens, data } of answers) {
        equal(
          tokens,
          data.reduce((sum, message) => sum + message.tokens, 0),
          'the tokens of a write',
        );
      }
    });
    await trial.check('as-estimated', async () => {
      const messages: Message[] = [];
      let written = 0;
      for (const [index, write] of WRITES.entries()) {
        messages.push(...write);
        written += answers[index]?.tokens ?? 0;
        const estimate = await estimated(trial, { messages });
        equal(written, estimate - PROMPT_TOKENS, `the tokens of the first ${index + 1} writes`);
      }
    });
  },
});
