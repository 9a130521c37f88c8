import { contentText } from '../../../contract/content-text.ts';
import { Session, type SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, succeeded } from '../../core/expect.ts';
import { append, createSnapshot, user, windowOf } from '../../wire/dialect.ts';
import { mixedWindow } from '../../wire/windows.ts';

export const truncateLaws = defineCase({
  id: 'truncate.laws',
  title: 'the same window is cut the same way, and a larger preserve_len keeps more',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'tokens.estimate',
  ],
  checks: { 'larger-keeps-superset': 'truncate.monotone', 'same-cut-again': 'truncate.deterministic' },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(trial);
    // Large enough that the smallest cuts go into its text, small enough that the largest leave older messages.
    await append(api, session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    await append(api, session.id, user(await texts.exactly(Math.floor(1.25 * least))));
    const { id: snapshot_id } = await createSnapshot(api, session.id);
    const cut = async (preserve_len: number) => {
      answered(await api.post(`/sessions/${session.id}/rollback`, { snapshot_id }), Session);
      succeeded(await api.post(`/sessions/${session.id}/truncate`, { preserve_len }));
      return windowOf(api, session.id);
    };
    const lengths = [1, 1.1, 1.2, 2, 3.08, 3.2, 4].map((times) => Math.floor(times * least));
    const kept: SessionMessage[][] = [];
    for (const length of lengths) kept.push(await cut(length));
    await trial.check('larger-keeps-superset', () => {
      for (const [place, larger] of kept.slice(1).entries()) {
        const [less, more] = lengths.slice(place, place + 2);
        for (const message of kept[place] ?? []) {
          const same = larger.find(({ id }) => id === message.id);
          holds(same !== undefined, `what preserve_len ${less} keeps is kept by ${more} too: ${message.id} is not`);
          const [tail, text] = [contentText(message.content), contentText(same.content)];
          holds(text.endsWith(tail), `a text that ${less} keeps the end of is at least as long under ${more}`);
        }
      }
    });
    await trial.check('same-cut-again', async () => {
      equal(await cut(lengths[1] ?? least), kept[1], 'the second cut of the same window');
    });
  },
});
