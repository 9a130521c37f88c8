import { listOf } from '../../../contract/lists.ts';
import { SessionDeleted } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, readMessages, user } from '../../wire/dialect.ts';

export const snapshotLists = defineCase({
  id: 'snapshots.lists',
  title: 'snapshots are listed by session and by account, newest first',
  needs: ['sessions', 'sessions.snapshot'],
  checks: {
    'of-the-session': 'snapshots.lists',
    'of-the-account': 'snapshots.lists',
    'of-a-deleted-session': 'snapshots.survives-session',
    'session-gone': 'snapshots.survives-session',
  },
  async run(trial) {
    const { api } = trial;
    const [one, two] = [await createSession(api), await createSession(api)];
    const first = await createSnapshot(api, one.id);
    const second = await createSnapshot(api, two.id);
    const third = await createSnapshot(api, one.id);
    const list = async (path: string) => answered(await api.get(path), listOf(Snapshot)).data;
    // The account may hold others.
    const ours = async () => {
      const known = [first.id, second.id, third.id];
      return (await list('/snapshots?limit=100')).filter(({ id }) => known.includes(id));
    };
    await trial.check('of-the-session', async () => {
      equal(await list(`/sessions/${one.id}/snapshots`), [third, first], 'the snapshots of the session');
    });
    await trial.check('of-the-account', async () =>
      equal(await ours(), [third, second, first], 'those of the account'),
    );
    answered(await api.delete(`/sessions/${one.id}`), SessionDeleted);
    await trial.check('of-a-deleted-session', async () => {
      equal(await ours(), [third, second, first], 'the snapshots of the account after a session is deleted');
    });
    await trial.check('session-gone', async () => {
      refused(await api.get(`/sessions/${one.id}/snapshots`), 'session_not_found');
      refused(await api.post(`/sessions/${one.id}/snapshots`), 'session_not_found');
    });
  },
});

export const snapshotHidden = defineCase({
  id: 'snapshots.hidden',
  title: 'to another account a snapshot does not exist',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'not-read': 'snapshots.hidden',
    'messages-not-read': 'snapshots.hidden',
    'not-deleted': 'snapshots.hidden',
    'not-listed': 'snapshots.hidden',
    'none-taken': 'snapshots.hidden',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const { id: session } = await createSession(api);
    await append(api, session, user('Ours alone.'));
    const taken = await createSnapshot(api, session);
    const path = `/snapshots/${taken.id}`;
    await trial.check('not-read', async () => void refused(await other.get(path), 'snapshot_not_found'));
    await trial.check('messages-not-read', async () => {
      refused(await other.get(`${path}/messages`), 'snapshot_not_found');
      refused(await other.get(`${path}/messages?scope=archived`), 'snapshot_not_found');
    });
    await trial.check('not-deleted', async () => {
      refused(await other.delete(path), 'snapshot_not_found');
      equal(answered(await api.get(path), Snapshot), taken, 'the snapshot of its owner');
      equal((await readMessages(api, `${path}/messages`)).length, 1, 'messages that its owner sees');
    });
    await trial.check('not-listed', async () => {
      const { data } = answered(await other.get('/snapshots?limit=100'), listOf(Snapshot));
      equal(
        data.filter(({ id }) => id === taken.id),
        [],
        'our snapshot in the list of the other account',
      );
    });
    await trial.check('none-taken', async () => {
      refused(await other.post(`/sessions/${session}/snapshots`), 'session_not_found');
      refused(await other.get(`/sessions/${session}/snapshots`), 'session_not_found');
    });
  },
});
