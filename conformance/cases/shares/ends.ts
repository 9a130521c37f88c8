import { setTimeout as wait } from 'node:timers/promises';
import { Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { share } from '../../wire/shares.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share', 'sessions.fork'] as const;
/** Waits between the polls of a share of one second. Servers count whole seconds, so that it may take two. */
const POLLS_MS = [400, 650, 1_300];

export const sharesEnds = defineCase({
  id: 'shares.ends',
  title: 'a share ends when it is revoked, or its snapshot deleted; forks live on',
  needs: NEEDS,
  twoAccounts: true,
  checks: {
    'revoked-not-read': 'shares.revoked',
    'revoked-not-forked': 'shares.revoked',
    'revoked-fork-lives-on': 'shares.forks-live-on',
    'deleted-not-read': 'shares.deleted',
    'deleted-not-forked': 'shares.deleted',
    'deleted-fork-lives-on': 'shares.forks-live-on',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const { id: session } = await createSession(api);
    await append(api, session, user('To be shared.'));
    for (const how of ['revoked', 'deleted'] as const) {
      const { id } = await createSnapshot(api, session);
      const share_id = await share(api, id);
      succeeded(await other.get(`/shares/${share_id}`));
      const fork = await createSession(other, { share_id });
      const before = await stateOf(other, fork.id);
      if (how === 'revoked') answered(await api.delete(`/snapshots/${id}/share`), Snapshot);
      else answered(await api.delete(`/snapshots/${id}`), SnapshotDeleted);
      await trial.check(`${how}-not-read`, async () => {
        for (const reader of [other, api]) refused(await reader.get(`/shares/${share_id}`), 'share_not_found');
      });
      await trial.check(`${how}-not-forked`, async () => {
        refused(await other.post('/sessions', { share_id }), 'share_not_found', { param: 'share_id' });
      });
      await trial.check(`${how}-fork-lives-on`, async () => {
        await unchanged(other, before);
        const { usage } = await append(other, fork.id, user('It goes on.'));
        equal(usage.messages, before.messages.length + 1, 'messages after one more');
      });
    }
  },
});

export const sharesExpiry = defineCase({
  id: 'shares.expiry',
  title: 'a share ends when it expires, and can be renewed',
  needs: NEEDS,
  twoAccounts: true,
  checks: {
    'expired-not-read': 'shares.expired',
    'expired-not-forked': 'shares.expired',
    renewed: 'shares.expired',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const { id: session } = await createSession(api);
    const { id } = await createSnapshot(api, session);
    const share_id = await share(api, id, { expires_in: 3_600 });
    const path = `/shares/${share_id}`;
    succeeded(await other.get(path));
    await share(api, id, { expires_in: 1 });
    let reply = await other.get(path);
    for (const milliseconds of POLLS_MS) {
      if (reply.status !== 200) break;
      await wait(milliseconds);
      reply = await other.get(path);
    }
    await trial.check('expired-not-read', () => void refused(reply, 'share_not_found'));
    await trial.check('expired-not-forked', async () => {
      refused(await other.post('/sessions', { share_id }), 'share_not_found', { param: 'share_id' });
    });
    await trial.check('renewed', async () => {
      equal(await share(api, id, { expires_in: 3_600 }), share_id, 'the share_id');
      succeeded(await other.get(path));
      await createSession(other, { share_id });
    });
  },
});
