import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { share } from '../../wire/shares.ts';

export const sharesReadOnly = defineCase({
  id: 'shares.read-only',
  title: 'a share lets nobody at the snapshot itself',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share', 'sessions.fork', 'sessions.rollback'],
  twoAccounts: true,
  checks: {
    'snapshot-not-read': 'shares.read-only',
    'messages-not-read': 'shares.read-only',
    'not-deleted': 'shares.read-only',
    'not-shared-on': 'shares.read-only',
    'not-unshared': 'shares.read-only',
    'not-rolled-back-to': 'shares.read-only',
    'not-listed': 'shares.read-only',
    'ids-not-exchanged': 'shares.no-id-but-its-own',
    'session-not-read': 'shares.read-only',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const { id: session } = await createSession(api);
    await append(api, session, user('Ours.'));
    const { id } = await createSnapshot(api, session);
    const share_id = await share(api, id);
    const path = `/snapshots/${id}`;
    const before = (await api.get(path)).json;
    const same = async () => equal((await api.get(path)).json, before, 'the snapshot of the owner');
    const fork = await createSession(other, { share_id });
    await trial.check('snapshot-not-read', async () => void refused(await other.get(path), 'snapshot_not_found'));
    await trial.check('messages-not-read', async () => {
      refused(await other.get(`${path}/messages?scope=archived`), 'snapshot_not_found');
      refused(await other.get(`/snapshots/${share_id}/messages`), 'snapshot_not_found');
    });
    await trial.check('not-deleted', async () => {
      refused(await other.delete(path), 'snapshot_not_found');
      refused(await other.delete(`/snapshots/${share_id}`), 'snapshot_not_found');
      await same();
    });
    await trial.check('not-shared-on', async () => {
      refused(await other.post(`${path}/share`, { expires_in: 3_600 }), 'snapshot_not_found');
      await same();
    });
    await trial.check('not-unshared', async () => {
      refused(await other.delete(`${path}/share`), 'snapshot_not_found');
      await same();
    });
    await trial.check('not-rolled-back-to', async () => {
      const reply = await other.post(`/sessions/${fork.id}/rollback`, { snapshot_id: id });
      refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await trial.check('not-listed', async () => {
      const { text } = succeeded(await other.get('/snapshots?limit=100'));
      holds(
        !text.includes(id) && !text.includes(share_id),
        'the shared snapshot is not in the list of another account',
      );
    });
    await trial.check('ids-not-exchanged', async () => {
      refused(await other.get(`/shares/${id}`), 'share_not_found');
      refused(await other.post('/sessions', { share_id: id }), 'share_not_found', { param: 'share_id' });
      refused(await other.post('/sessions', { snapshot_id: share_id }), 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await trial.check('session-not-read', async () => {
      const state = await stateOf(api, session);
      refused(await other.get(`/sessions/${session}`), 'session_not_found');
      refused(await other.post(`/sessions/${session}/messages`, user('Theirs.')), 'session_not_found');
      await unchanged(api, state);
    });
  },
});
