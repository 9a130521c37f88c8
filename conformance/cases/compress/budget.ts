import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { createSession, getSession, windowOf } from '../../wire/dialect.ts';
import { tokensIn } from '../../wire/groups.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

export const compressBudget = defineCase({
  id: 'compress.budget',
  title: 'what is left is never more than the ratio allows',
  needs: ['sessions', 'sessions.append', 'sessions.compress'],
  checks: {
    'a-little': 'compress.budget',
    'not-whole': 'compress.budget',
    'four-by-default': 'compress.default-ratio',
    'a-lot': 'compress.budget',
    'usage-of-what-is-listed': 'compress.answer',
  },
  cost: () => ({ requests: 80 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const compress = async (check: 'a-little' | 'not-whole' | 'four-by-default' | 'a-lot', ratio?: number) => {
      const { usage } = await getSession(api, id);
      const reply = await api.post(`/sessions/${id}/compress`, ratio === undefined ? {} : { ratio });
      await trial.check(check, async () => {
        answered(reply, SessionCompression);
        const most = Math.floor(usage.total_tokens / (ratio ?? 4));
        const left = (await getSession(api, id)).usage.total_tokens;
        holds(left <= most, `of ${usage.total_tokens} tokens at most ${most} are left, not ${left}`);
        holds(left > 0, 'something is left');
      });
    };
    await appendFacts(trial, id, facts(40));
    await compress('a-little', 1.25);
    await compress('not-whole', 2.75);
    await appendFacts(trial, id, facts(20));
    await compress('four-by-default');
    await appendFacts(trial, id, facts(40));
    await compress('a-lot', 8);
    await trial.check('usage-of-what-is-listed', async () => {
      const { usage } = await getSession(api, id);
      const messages = await windowOf(api, id);
      equal([usage.total_tokens, usage.messages], [tokensIn(messages), messages.length], 'total_tokens and messages');
    });
  },
});
