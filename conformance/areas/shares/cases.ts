import { setTimeout as wait } from 'node:timers/promises';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { SharedSnapshot, Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import {
  append,
  createSession,
  createSnapshot,
  readMessages,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { said } from '../../wire/groups.ts';
import { partlyRestored } from '../../wire/preserve-len.ts';
import { share } from '../../wire/shares.ts';
import { OTHER_TOOL } from '../../wire/windows.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share', 'sessions.fork'] as const;

/** Waits between the polls of a share of one second. Servers count whole seconds, so that it may take two. */
const POLLS_MS = [400, 650, 1_300];

const sharesEnds = defineCase({
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

const sharesExpiry = defineCase({
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

const sharesForks = defineCase({
  id: 'shares.forks',
  title: 'another account forks what is restored, and nothing of the owner’s changes',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.snapshot',
    'sessions.share',
    'sessions.fork',
    'sessions.truncate',
    'tokens.estimate',
  ],
  twoAccounts: true,
  checks: {
    'what-is-restored': 'shares.fork',
    'tools-and-pins': 'shares.fork',
    'names-the-share': 'shares.origin',
    'less-on-request': 'shares.never-more',
    'never-more': 'shares.never-more',
    'under-minimum-refused': 'shares.minimum',
    'session-unchanged': 'shares.isolated',
    'snapshot-unchanged': 'shares.isolated',
  },
  async run(trial) {
    const { api, limits } = trial;
    const other = trial.second();
    const least = limits.min_preserve_tokens;
    const { session, messages, snapshot_id: id, little, most, kept } = await partlyRestored(trial);
    const owned = { session, messages };
    const share_id = await share(api, id);
    const restored = await readMessages(api, `/snapshots/${id}/messages`);
    const fork = (fields: object = {}) => createSession(other, { share_id, ...fields });
    const window = async (preserve_len?: number) => windowOf(other, (await fork({ preserve_len })).id);
    const first = await fork();
    const forked = await windowOf(other, first.id);
    await trial.need('what-is-restored', () => equal(forked.map(said), restored.map(said), 'the window of the fork'));
    await trial.check('tools-and-pins', () => {
      equal(first.tools, session.tools, 'the tools');
      equal(
        forked.map(({ pinned }) => pinned),
        restored.map(({ pinned }) => pinned),
        'pinned of each message',
      );
    });
    await trial.check('names-the-share', async () => {
      const reply = await other.get(`/sessions/${first.id}`);
      equal(answered(reply, Session).forked_from, { share_id }, 'forked_from');
      holds(!reply.text.includes(id) && !reply.text.includes(session.id), 'no id of the owner’s is shown');
    });
    await trial.check('less-on-request', async () => {
      equal((await window(little)).map(said), kept(little)?.map(said), 'the window of the fork');
    });
    await trial.check('never-more', async () => {
      equal((await window(most)).map(said), restored.map(said), 'the window of the fork');
    });
    await trial.check('under-minimum-refused', async () => {
      const reply = await other.post('/sessions', { share_id, preserve_len: least - 1 });
      refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
    });
    await append(other, first.id, user('Only in the fork.'));
    answered(await other.post(`/sessions/${first.id}`, { tools: [OTHER_TOOL] }), Session);
    succeeded(await other.post(`/sessions/${first.id}/truncate`, { preserve_len: little }));
    answered(await other.delete(`/sessions/${first.id}`), SessionDeleted);
    await trial.check('session-unchanged', () => unchanged(api, owned));
    await trial.check('snapshot-unchanged', async () => {
      equal(await readMessages(api, `/snapshots/${id}/messages`), restored, 'what the snapshot restores');
    });
  },
});

const sharesPreview = defineCase({
  id: 'shares.preview',
  title: 'another account sees what is shared, and nothing that is the owner’s',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share'],
  twoAccounts: true,
  checks: {
    'read-by-another': 'shares.preview',
    'read-by-its-owner': 'shares.preview',
    'session-hidden': 'shares.hides',
    'metadata-hidden': 'shares.hides',
    'archive-hidden': 'shares.hides',
    'outlives-session': 'shares.survives-session',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const secret = trial.nonce();
    const { id: session } = await createSession(api);
    await append(api, session, user('To be shared.'));
    const { id } = await createSnapshot(api, session, { name: 'for others', metadata: { secret } });
    const share_id = await share(api, id);
    const owned = (await api.get(`/snapshots/${id}`)).json;
    const path = `/shares/${share_id}`;
    const reply = await other.get(path);
    const expected = shaped(SharedSnapshot, owned, 'the snapshot of the owner');
    await trial.need('read-by-another', () => equal(answered(reply, SharedSnapshot), expected, reply.what));
    await trial.check('read-by-its-owner', async () => {
      equal(answered(await api.get(path), SharedSnapshot), expected, reply.what);
    });
    const shown = reply.json as object;
    await trial.check('session-hidden', () => {
      holds(!('session_id' in shown) && !reply.text.includes(session), 'the id of the session is not shown');
    });
    await trial.check('metadata-hidden', () => {
      holds(!('metadata' in shown) && !reply.text.includes(secret), 'the metadata is not shown');
    });
    await trial.check('archive-hidden', () => holds(!('archived' in shown), 'the size of the archive is not shown'));
    answered(await api.delete(`/sessions/${session}`), SessionDeleted);
    await trial.check('outlives-session', async () => {
      equal(answered(await other.get(path), SharedSnapshot), expected, reply.what);
    });
  },
});

const sharesReadOnly = defineCase({
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

/** More than any run of a case takes, so that "from now" can be told without a clock of ours. */
const WHILE_S = 600;

const sharesSharing = defineCase({
  id: 'shares.sharing',
  title: 'a snapshot is shared, shared again and unshared',
  needs: ['sessions', 'sessions.snapshot', 'sessions.share'],
  checks: {
    'not-shared-before': 'shares.share',
    shared: 'shares.share',
    'told-when-read': 'shares.share',
    'no-expiry-by-default': 'shares.expires-at',
    'same-id-again': 'shares.same-id',
    'new-expiry': 'shares.same-id',
    'expires-from-now': 'shares.expires-at',
    'wrong-expiry-refused': 'shares.expires-in',
    unshared: 'shares.unshare',
    'never-known-refused': 'shares.unknown',
  },
  async run(trial) {
    const { api } = trial;
    const { id: session } = await createSession(api);
    await append(api, session, user('To be shared.'));
    const plain = await createSnapshot(api, session, { name: 'shared' });
    const path = `/snapshots/${plain.id}`;
    const share = async (fields: object = {}) => answered(await api.post(`${path}/share`, fields), Snapshot);
    const read = async () => answered(await api.get(path), Snapshot);
    await trial.check('not-shared-before', () => equal(plain.share, null, 'share of a new snapshot'));
    const first = await share();
    const share_id = first.share?.share_id;
    await trial.need('shared', () => {
      holds(share_id !== undefined && share_id !== '', 'the answer tells the share_id');
      equal({ ...first, share: null }, plain, 'the rest of the snapshot');
    });
    await trial.check('told-when-read', async () => equal(await read(), first, 'the snapshot'));
    await trial.check('no-expiry-by-default', () => equal(first.share?.expires_at, null, 'expires_at'));
    const soon = await share({ expires_in: 3_600 });
    const late = await share({ expires_in: 36_000 });
    await trial.check('same-id-again', () => {
      equal([soon.share?.share_id, late.share?.share_id], [share_id, share_id], 'the share_id');
    });
    await trial.check('new-expiry', async () => {
      holds(Number(late.share?.expires_at) > Number(soon.share?.expires_at), 'the later expiry is told');
      equal(await read(), late, 'the snapshot');
      equal((await share()).share, { share_id, expires_at: null }, 'the share without an expiry');
    });
    await trial.check('expires-from-now', () => {
      const seconds = Number(soon.share?.expires_at) - plain.created_at;
      holds(
        seconds >= 3_600 && seconds <= 3_600 + WHILE_S,
        `expires 3600 seconds from now, not ${seconds} from the snapshot`,
      );
    });
    await trial.check('wrong-expiry-refused', async () => {
      for (const expires_in of [0, -1, 1.5, 'tomorrow']) {
        refused(await api.post(`${path}/share`, { expires_in }), 'invalid_request', { param: 'expires_in' });
      }
      equal((await read()).share, { share_id, expires_at: null }, 'the share after the refusals');
    });
    await trial.check('unshared', async () => {
      const ended = answered(await api.delete(`${path}/share`), Snapshot);
      equal([ended, await read()], [plain, plain], 'the snapshot as answered and as read');
    });
    await trial.check('never-known-refused', async () => {
      const never = 'shr_kimiconformanceneverknown';
      refused(await api.get(`/shares/${never}`), 'share_not_found');
      refused(await api.post('/sessions', { share_id: never }), 'share_not_found', { param: 'share_id' });
    });
  },
});

export const SHARES_CASES: readonly Case[] = [
  sharesSharing,
  sharesPreview,
  sharesForks,
  sharesReadOnly,
  sharesEnds,
  sharesExpiry,
];
