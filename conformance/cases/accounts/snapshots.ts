import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused, succeeded } from '../../core/expect.ts';
import { createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { allRefused, asNeverWas } from './hidden.ts';

export const accountsSnapshots = defineCase({
  id: 'accounts.snapshots',
  title: "another account's snapshot is not there",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'not-read': 'accounts.snapshots-read',
    'messages-not-read': 'accounts.snapshots-read',
    'not-deleted': 'accounts.snapshots-changed',
    unchanged: 'accounts.snapshots-changed',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { id: session } = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, session);
    const path = `/snapshots/${snapshot.id}`;
    succeeded(await api.get(`${path}/messages`));
    const read = await stranger.get(path);
    await trial.check('not-read', () => refused(read, 'snapshot_not_found'));
    await trial.check('messages-not-read', async () => {
      for (const scope of ['restored', 'archived']) {
        refused(await stranger.get(`${path}/messages?scope=${scope}`), 'snapshot_not_found');
      }
    });
    const deletion = await stranger.delete(path);
    await trial.check('not-deleted', () => refused(deletion, 'snapshot_not_found'));
    await trial.check('unchanged', async () =>
      equal(answered(await api.get(path), Snapshot), snapshot, 'the snapshot'),
    );
    await trial.check('as-never-was', async () => {
      const unknown = neverWas(snapshot.id);
      asNeverWas([read, snapshot.id], [await stranger.get(`/snapshots/${unknown}`), unknown]);
      asNeverWas([deletion, snapshot.id], [await stranger.delete(`/snapshots/${unknown}`), unknown]);
    });
  },
});

export const accountsShares = defineCase({
  id: 'accounts.shares',
  title: "another account's snapshot is neither shared nor unshared",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share'],
  twoAccounts: true,
  checks: {
    'not-shared': 'accounts.snapshots-changed',
    'not-unshared': 'accounts.snapshots-changed',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { id: session } = await createSession(api, { messages: [user('The first message.')] });
    const { id } = await createSnapshot(api, session);
    const path = `/snapshots/${id}`;
    const share = async () => answered(await api.get(path), Snapshot).share;
    const shared = await stranger.post(`${path}/share`);
    await trial.check('not-shared', async () => {
      refused(shared, 'snapshot_not_found');
      equal(await share(), null, 'the share of the snapshot');
    });
    const own = answered(await api.post(`${path}/share`), Snapshot);
    await trial.check('not-unshared', async () => {
      refused(await stranger.delete(`${path}/share`), 'snapshot_not_found');
      equal(await share(), own.share, 'the share of the snapshot');
    });
    await trial.check('as-never-was', async () => {
      const unknown = neverWas(id);
      asNeverWas([shared, id], [await stranger.post(`/snapshots/${unknown}/share`), unknown]);
    });
  },
});

export const accountsRestores = defineCase({
  id: 'accounts.restores',
  title: "another account's snapshot is neither forked nor rolled back to",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'sessions.rollback'],
  twoAccounts: true,
  checks: {
    'not-forked': 'accounts.snapshots-restored',
    'not-rolled-back-to': 'accounts.snapshots-restored',
    unchanged: 'accounts.snapshots-restored',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { id: session } = await createSession(api, { messages: [user('What is secret.')] });
    const { id } = await createSnapshot(api, session);
    const own = await createSession(stranger, { messages: [user('What is mine.')] });
    const before = await stateOf(stranger, own.id);
    const fork = (snapshot_id: string) => stranger.post('/sessions', { snapshot_id });
    const rollback = (snapshot_id: string) => stranger.post(`/sessions/${own.id}/rollback`, { snapshot_id });
    const replies = [await fork(id), await rollback(id)] as const;
    await trial.check('not-forked', () => refused(replies[0], 'snapshot_not_found'));
    await trial.check('not-rolled-back-to', () => refused(replies[1], 'snapshot_not_found'));
    await trial.check('unchanged', () => unchanged(stranger, before));
    await trial.check('as-never-was', async () => {
      const unknown = neverWas(id);
      asNeverWas([replies[0], id], [await fork(unknown), unknown]);
      asNeverWas([replies[1], id], [await rollback(unknown), unknown]);
      allRefused([await rollback(unknown)], 'snapshot_not_found');
      succeeded(await api.post('/sessions', { snapshot_id: id }));
    });
  },
});
