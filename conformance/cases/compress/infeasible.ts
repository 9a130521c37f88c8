import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import { append, createSession, snapshotsOf, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { appendFacts, facts } from '../../wire/windows.ts';

export const compressInfeasible = defineCase({
  id: 'compress.infeasible',
  title: 'a ratio that pins do not leave room for is refused, naming the largest that works',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    refused: 'compress.infeasible',
    'named-ratio-works': 'compress.infeasible',
    'a-larger-one-does-not': 'compress.infeasible',
    'refused-unchanged': 'compress.refused-unchanged',
  },
  async run(trial) {
    const { api, texts } = trial;
    const { id } = await createSession(api);
    await append(api, id, { ...user(await texts.exactly(200)), pinned: true });
    await appendFacts(trial, id, facts(24));
    const path = `/sessions/${id}/compress`;
    const before = await stateOf(api, id);
    let message = '';
    await trial.need('refused', async () => {
      message = refused(await api.post(path, { ratio: 20 }), 'compress_infeasible', { param: 'ratio' });
    });
    await trial.check('refused-unchanged', async () => {
      await unchanged(api, before);
      equal(await snapshotsOf(api, id), [], 'the snapshots');
    });
    const named = await largestNamed(message, async (ratio) => {
      return (await api.post(path, { ratio, dry_run: true })).status < 300;
    });
    await trial.check('a-larger-one-does-not', async () => {
      const reply = await api.post(path, { ratio: 1.05 * (named ?? 1) });
      if (named === undefined) throw new Mismatch(`the refusal names the largest ratio that works: ${message}`);
      refused(reply, 'compress_infeasible', { param: 'ratio' });
    });
    await trial.check('named-ratio-works', async () => {
      if (named === undefined) throw new Mismatch(`the refusal names a ratio that works: ${message}`);
      const { after } = answered(await api.post(path, { ratio: named }), SessionCompression);
      const most = Math.floor(before.session.usage.total_tokens / named);
      holds(after.total_tokens <= most, `at most ${most} tokens are left, not ${after.total_tokens}`);
    });
  },
});

/** The largest number in the message that is a ratio and works. */
async function largestNamed(message: string, works: (ratio: number) => Promise<boolean>): Promise<number | undefined> {
  const numbers = [...message.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));
  for (const ratio of numbers.filter((number) => number > 1 && number < 20).toSorted((a, b) => b - a)) {
    if (await works(ratio)) return ratio;
  }
  return undefined;
}
