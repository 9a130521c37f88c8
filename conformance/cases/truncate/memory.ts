import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, succeeded } from '../../core/expect.ts';
import { append, createSession, user, windowOf } from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';
import { knowsNot, recalls, tells } from '../../wire/recall.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

export const truncateMemory = defineCase({
  id: 'truncate.memory',
  title: 'the model reads what stays, and nothing of what was cut away',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate', 'chat'],
  checks: { 'cut-away-unknown': 'truncate.model-forgets', 'kept-known': 'truncate.model-forgets' },
  cost: ({ min_preserve_tokens }) => ({ promptTokens: 4 * (min_preserve_tokens + 300), completionTokens: 4 * 32 }),
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const [gone, kept] = [trial.nonce(), trial.nonce()];
    const { id } = await createSession(api);
    await append(api, id, user(tells(gone, 'garden')));
    await fillWindow(trial, id, 2 * least, Math.floor(least / 4));
    await append(api, id, user(tells(kept)));
    succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
    await trial.check('cut-away-unknown', () => knowsNot(trial, { session_id: id }, gone, 'garden'));
    await trial.check('kept-known', () => recalls(trial, { session_id: id }, kept));
  },
});

export const truncateSummary = defineCase({
  id: 'truncate.summary',
  title: 'an earlier summary is cut away like any message',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.compress', 'tokens.estimate'],
  checks: { 'summary-goes': 'truncate.summary-goes' },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(40));
    const { summary, after } = answered(await api.post(`/sessions/${id}/compress`), SessionCompression);
    holds(summary !== null, 'something is compressed');
    await fillWindow(trial, id, after.total_tokens + least, Math.floor(least / 4));
    await trial.check('summary-goes', async () => {
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
      const left = (await windowOf(api, id)).filter((message) => message.summary);
      equal(left, [], 'summaries after newer messages have filled preserve_len');
    });
  },
});
