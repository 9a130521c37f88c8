import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { stateOf, unchanged, windowOf } from '../../wire/dialect.ts';
import { belowMinimum, partlyRestored } from '../../wire/preserve-len.ts';

export const rollbackPreserveLen = defineCase({
  id: 'rollback.preserve-len',
  title: 'how much comes back: what the snapshot says, or what is asked for',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'tokens.estimate',
  ],
  checks: {
    'as-truncate': 'rollback.as-truncate',
    'less-on-request': 'rollback.preserve-len',
    'more-on-request': 'rollback.preserve-len',
    'all-on-request': 'rollback.all',
    'under-minimum-refused': 'rollback.minimum',
    'neither-number-nor-all-refused': 'rollback.request',
    'needs-snapshot': 'rollback.request',
    'refused-unchanged': 'rollback.refused-unchanged',
  },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { session, messages, snapshot_id, little, middle, most, kept } = await partlyRestored(trial);
    const path = `/sessions/${session.id}`;
    const rollback = async (fields: object = {}) => {
      answered(await api.post(`${path}/rollback`, { snapshot_id, ...fields }), Session);
      return windowOf(api, session.id);
    };
    succeeded(await api.post(`${path}/truncate`, { preserve_len: middle }));
    const truncated = await windowOf(api, session.id);
    holds(truncated.length < messages.length, 'a truncate to the same preserve_len cuts something');
    await trial.check('all-on-request', async () => {
      equal(await rollback({ preserve_len: 'all' }), messages, 'the window');
    });
    await trial.check('as-truncate', async () => equal(await rollback(), truncated, 'the window'));
    await trial.check('less-on-request', async () => {
      equal(await rollback({ preserve_len: little }), kept(little), `the window, at most ${little} tokens`);
    });
    await trial.check('more-on-request', async () => {
      equal(await rollback({ preserve_len: most }), kept(most), `the window, at most ${most} tokens`);
    });
    const before = await stateOf(api, session.id);
    const refuse = async (fields: object) => api.post(`${path}/rollback`, fields);
    await trial.check('under-minimum-refused', async () => {
      const reply = await refuse({ snapshot_id, preserve_len: least - 1 });
      belowMinimum(reply, least);
    });
    await trial.check('neither-number-nor-all-refused', async () => {
      for (const preserve_len of ['most', least + 0.5]) {
        refused(await refuse({ snapshot_id, preserve_len }), 'invalid_request', { param: 'preserve_len' });
      }
    });
    await trial.check('needs-snapshot', async () => {
      refused(await refuse({}), 'invalid_request', { param: 'snapshot_id' });
    });
    await trial.check('refused-unchanged', () => unchanged(api, before));
    succeeded(await api.post(`${path}/rollback`, { snapshot_id, preserve_len: least }));
  },
});
