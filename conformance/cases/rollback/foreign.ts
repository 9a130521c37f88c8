import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';

export const rollbackForeign = defineCase({
  id: 'rollback.foreign',
  title: 'only snapshots of the session itself can be rolled back to',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback'],
  checks: {
    'other-session-refused': 'rollback.own-snapshots',
    'deleted-refused': 'rollback.unknown',
    'never-known-refused': 'rollback.unknown',
    'refused-unchanged': 'rollback.refused-unchanged',
  },
  async run(trial) {
    const { api } = trial;
    const [one, two] = [await createSession(api), await createSession(api)];
    await append(api, one.id, user('The first session.'));
    await append(api, two.id, user('The second session.'));
    const own = await createSnapshot(api, one.id);
    const theirs = await createSnapshot(api, two.id);
    const gone = await createSnapshot(api, one.id);
    answered(await api.delete(`/snapshots/${gone.id}`), SnapshotDeleted);
    await append(api, one.id, user('It goes on.'));
    const path = `/sessions/${one.id}/rollback`;
    const before = await stateOf(api, one.id);
    await trial.check('other-session-refused', async () => {
      refused(await api.post(path, { snapshot_id: theirs.id }), 'snapshot_mismatch', { param: 'snapshot_id' });
    });
    for (const [check, snapshot_id] of [
      ['deleted-refused', gone.id],
      ['never-known-refused', 'snap_kimiconformanceneverknown'],
    ] as const) {
      await trial.check(check, async () => {
        refused(await api.post(path, { snapshot_id }), 'snapshot_not_found', { param: 'snapshot_id' });
      });
    }
    await trial.check('refused-unchanged', () => unchanged(api, before));
    succeeded(await api.post(path, { snapshot_id: own.id }));
  },
});

export const rollbackHidden = defineCase({
  id: 'rollback.hidden',
  title: 'snapshots of another account do not exist',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback'],
  twoAccounts: true,
  checks: { 'their-snapshot-refused': 'rollback.hidden', 'their-session-refused': 'rollback.hidden' },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const [ours, theirs] = [await createSession(api), await createSession(other)];
    await append(api, ours.id, user('Ours.'));
    const snapshot = await createSnapshot(api, ours.id);
    await append(api, ours.id, user('Ours still.'));
    const before = await stateOf(api, ours.id);
    await trial.check('their-snapshot-refused', async () => {
      const reply = await other.post(`/sessions/${theirs.id}/rollback`, { snapshot_id: snapshot.id });
      refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await trial.check('their-session-refused', async () => {
      const reply = await other.post(`/sessions/${ours.id}/rollback`, { snapshot_id: snapshot.id });
      refused(reply, 'session_not_found');
      await unchanged(api, before);
    });
  },
});
