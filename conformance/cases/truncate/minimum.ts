import { SessionTruncation } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';
import { belowMinimum } from '../../wire/preserve-len.ts';

export const truncateMinimum = defineCase({
  id: 'truncate.minimum',
  title: 'preserve_len of the minimum is accepted, one less is refused',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: { 'minimum-accepted': 'truncate.keeps-within', 'less-refused': 'truncate.minimum' },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const session = await createSession(api);
    await fillWindow(trial, session.id, 2 * least, Math.floor(least / 4));
    const path = `/sessions/${session.id}/truncate`;
    const before = await stateOf(api, session.id);
    await trial.check('less-refused', async () => {
      belowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
      await unchanged(api, before);
    });
    await trial.check('minimum-accepted', async () => {
      const cut = answered(await api.post(path, { preserve_len: least }), SessionTruncation);
      holds(cut.after.total_tokens <= least, `at most ${least} tokens stay, not ${cut.after.total_tokens}`);
      const { messages } = await stateOf(api, session.id);
      equal(messages, before.messages.slice(-messages.length), 'the messages that stay');
      holds(
        cut.after.total_tokens + (before.messages.at(-messages.length - 1)?.tokens ?? 0) > least,
        'one more would not fit',
      );
      await append(api, session.id, user('Noted.'));
    });
  },
});
