import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { append, createSession, snapshotsOf, stateOf, unchanged, user } from '../../wire/dialect.ts';

/** Less than this is not worth a summary. */
const LEAST_REPLACED = 64;

export const compressNoOp = defineCase({
  id: 'compress.no-op',
  title: 'with little to replace it does nothing',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'one-token-less-is-left': 'compress.no-op',
    'achieved-is-one': 'compress.no-op',
    'no-snapshot': 'compress.no-op',
    'from-64-on-it-acts': 'compress.no-op',
    'pins-are-not-replaceable': 'compress.no-op',
    'empty-window-succeeds': 'compress.no-op',
  },
  async run(trial) {
    const { api, texts } = trial;
    const compress = async (id: string) => api.post(`/sessions/${id}/compress`, { ratio: 1.01 });
    const holding = async (tokens: number, pinned: number) => {
      const { id } = await createSession(api);
      if (pinned > 0) await append(api, id, { ...user(await texts.exactly(pinned)), pinned: true });
      await append(api, id, user(await texts.exactly(tokens)));
      return stateOf(api, id);
    };
    const before = await holding(LEAST_REPLACED - 1, 0);
    const { id } = before.session;
    const reply = await compress(id);
    await trial.check('one-token-less-is-left', async () => {
      answered(reply, SessionCompression);
      await unchanged(api, before);
    });
    await trial.check('achieved-is-one', () => {
      const { ratio, summary, before: first, after } = answered(reply, SessionCompression);
      equal([ratio.achieved, summary, after], [1, null, first], 'achieved, summary and after');
    });
    await trial.check('no-snapshot', async () => {
      equal(answered(reply, SessionCompression).snapshot_id, null, 'snapshot_id');
      equal(await snapshotsOf(api, id), [], 'the snapshots');
    });
    await trial.check('pins-are-not-replaceable', async () => {
      const pinned = await holding(LEAST_REPLACED - 1, LEAST_REPLACED);
      answered(await compress(pinned.session.id), SessionCompression);
      await unchanged(api, pinned);
    });
    await trial.check('from-64-on-it-acts', async () => {
      // A pin makes the window large enough for a summary; where there is none that small, that is to be said.
      const { session } = await holding(LEAST_REPLACED, LEAST_REPLACED);
      const acted = await compress(session.id);
      if (acted.status === 400) refused(acted, 'compress_infeasible', { param: 'ratio' });
      else holds(answered(acted, SessionCompression).summary !== null, 'a success comes with a summary');
    });
    await trial.check('empty-window-succeeds', async () => {
      const empty = await createSession(api);
      const { ratio, version } = answered(await compress(empty.id), SessionCompression);
      equal([ratio.achieved, version], [1, empty.version], 'achieved and version of an empty window');
    });
  },
});
