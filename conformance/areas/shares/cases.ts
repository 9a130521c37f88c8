import { setTimeout as wait } from 'node:timers/promises';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { SharedSnapshot, Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectShape, expectSuccess, expectTrue } from '../../core/expect.ts';
import { isPinnedMessage, user } from '../../wire/sessions.ts';
import { contentOf, OTHER_TOOL, partlyRestored } from '../../wire/windows.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share', 'sessions.fork'] as const;

/** Waits between the polls of a share of one second. Servers count whole seconds, so that it may take two. */
const POLLS_MS = [400, 650, 1_300];

const sharesEnds = defineCase({
  id: 'shares.ends',
  title: 'a share ends when it is revoked, or its snapshot deleted; forks live on',
  needs: NEEDS,
  twoAccounts: true,
  checks: {
    'revoked-not-read revoked-not-forked': 'shares.revoked',
    'revoked-fork-lives-on': 'shares.forks-live-on',
    'deleted-not-read deleted-not-forked': 'shares.deleted',
    'deleted-fork-lives-on': 'shares.forks-live-on',
  },
  async run({ api, check, secondAccount }) {
    const other = secondAccount();
    const { id: session } = await api.createSession();
    await api.append(session, user('To be shared.'));
    for (const how of ['revoked', 'deleted'] as const) {
      const { id } = await api.createSnapshot(session);
      const share_id = await api.share(id);
      expectSuccess(await other.get(`/shares/${share_id}`));
      const fork = await other.createSession({ share_id });
      const before = await other.stateOf(fork.id);
      if (how === 'revoked') expectBody(await api.delete(`/snapshots/${id}/share`), Snapshot);
      else expectBody(await api.delete(`/snapshots/${id}`), SnapshotDeleted);
      await check(`${how}-not-read`, async () => {
        for (const reader of [other, api]) expectError(await reader.get(`/shares/${share_id}`), 'share_not_found');
      });
      await check(`${how}-not-forked`, async () => {
        expectError(await other.post('/sessions', { share_id }), 'share_not_found', { param: 'share_id' });
      });
      await check(`${how}-fork-lives-on`, async () => {
        await other.expectUnchanged(before);
        const { usage } = await other.append(fork.id, user('It goes on.'));
        expectEqual(usage.messages, before.messages.length + 1, 'messages after one more');
      });
    }
  },
});

const sharesExpiry = defineCase({
  id: 'shares.expiry',
  title: 'a share ends when it expires, and can be renewed',
  needs: NEEDS,
  twoAccounts: true,
  checks: { 'expired-not-read expired-not-forked renewed': 'shares.expired' },
  async run({ api, check, secondAccount }) {
    const other = secondAccount();
    const { id: session } = await api.createSession();
    const { id } = await api.createSnapshot(session);
    const share_id = await api.share(id, { expires_in: 3_600 });
    const path = `/shares/${share_id}`;
    expectSuccess(await other.get(path));
    await api.share(id, { expires_in: 1 });
    let reply = await other.get(path);
    for (const milliseconds of POLLS_MS) {
      if (reply.status !== 200) break;
      await wait(milliseconds);
      reply = await other.get(path);
    }
    await check('expired-not-read', () => void expectError(reply, 'share_not_found'));
    await check('expired-not-forked', async () => {
      expectError(await other.post('/sessions', { share_id }), 'share_not_found', { param: 'share_id' });
    });
    await check('renewed', async () => {
      expectEqual(await api.share(id, { expires_in: 3_600 }), share_id, 'the share_id');
      expectSuccess(await other.get(path));
      await other.createSession({ share_id });
    });
  },
});

const sharesForks = defineCase({
  id: 'shares.forks',
  title: "another account can fork what a share restores; the owner's objects do not change",
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
    'what-is-restored tools-and-pins': 'shares.fork',
    'names-the-share': 'shares.origin',
    'less-on-request never-more': 'shares.never-more',
    'under-minimum-refused': 'shares.minimum',
    'session-unchanged snapshot-unchanged': 'shares.isolated',
  },
  async run({ api, limits, check, require, secondAccount }, context) {
    const other = secondAccount();
    const least = limits.min_preserve_tokens;
    const { session, messages, snapshot_id: id, little, most, kept } = await partlyRestored(context);
    const owned = { session, messages };
    const share_id = await api.share(id);
    const restored = await api.readMessages(`/snapshots/${id}/messages`);
    const fork = (fields: object = {}) => other.createSession({ share_id, ...fields });
    const window = async (preserve_len?: number) => other.windowOf((await fork({ preserve_len })).id);
    const first = await fork();
    const forked = await other.windowOf(first.id);
    await require('what-is-restored', () =>
      expectEqual(forked.map(contentOf), restored.map(contentOf), 'the window of the fork'));
    await check('tools-and-pins', () => {
      expectEqual(first.tools, session.tools, 'the tools');
      expectEqual(forked.map(isPinnedMessage), restored.map(isPinnedMessage), 'pinned of each message');
    });
    await check('names-the-share', async () => {
      const reply = await other.get(`/sessions/${first.id}`);
      expectEqual(expectBody(reply, Session).forked_from, { share_id }, 'forked_from');
      expectTrue(!reply.text.includes(id) && !reply.text.includes(session.id), 'no id of the owner’s is shown');
    });
    await check('less-on-request', async () => {
      expectEqual((await window(little)).map(contentOf), kept(little)?.map(contentOf), 'the window of the fork');
    });
    await check('never-more', async () => {
      expectEqual((await window(most)).map(contentOf), restored.map(contentOf), 'the window of the fork');
    });
    await check('under-minimum-refused', async () => {
      const reply = await other.post('/sessions', { share_id, preserve_len: least - 1 });
      expectError(reply, 'preserve_len_too_small', { param: 'preserve_len' });
    });
    await other.append(first.id, user('Only in the fork.'));
    expectBody(await other.post(`/sessions/${first.id}`, { tools: [OTHER_TOOL] }), Session);
    expectSuccess(await other.post(`/sessions/${first.id}/truncate`, { preserve_len: little }));
    expectBody(await other.delete(`/sessions/${first.id}`), SessionDeleted);
    await check('session-unchanged', () => api.expectUnchanged(owned));
    await check('snapshot-unchanged', async () => {
      expectEqual(await api.readMessages(`/snapshots/${id}/messages`), restored, 'what the snapshot restores');
    });
  },
});

const sharesPreview = defineCase({
  id: 'shares.preview',
  title: 'another account sees the share and nothing else of the owner',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share'],
  twoAccounts: true,
  checks: {
    'read-by-another read-by-its-owner': 'shares.preview',
    'session-hidden metadata-hidden archive-hidden': 'shares.hides',
    'outlives-session': 'shares.survives-session',
  },
  async run({ api, check, require, nonce, secondAccount }) {
    const other = secondAccount();
    const secret = nonce();
    const { id: session } = await api.createSession();
    await api.append(session, user('To be shared.'));
    const { id } = await api.createSnapshot(session, { name: 'for others', metadata: { secret } });
    const share_id = await api.share(id);
    const owned = (await api.get(`/snapshots/${id}`)).json;
    const path = `/shares/${share_id}`;
    const reply = await other.get(path);
    const expected = expectShape(SharedSnapshot, owned, 'the snapshot of the owner');
    await require('read-by-another', () => expectEqual(expectBody(reply, SharedSnapshot), expected, reply.what));
    await check('read-by-its-owner', async () => {
      expectEqual(expectBody(await api.get(path), SharedSnapshot), expected, reply.what);
    });
    const shown = reply.json as object;
    await check('session-hidden', () => {
      expectTrue(!('session_id' in shown) && !reply.text.includes(session), 'the id of the session is not shown');
    });
    await check('metadata-hidden', () => {
      expectTrue(!('metadata' in shown) && !reply.text.includes(secret), 'the metadata is not shown');
    });
    await check('archive-hidden', () => expectTrue(!('archived' in shown), 'the size of the archive is not shown'));
    expectBody(await api.delete(`/sessions/${session}`), SessionDeleted);
    await check('outlives-session', async () => {
      expectEqual(expectBody(await other.get(path), SharedSnapshot), expected, reply.what);
    });
  },
});

const sharesReadOnly = defineCase({
  id: 'shares.read-only',
  title: 'a share gives no access to the snapshot itself',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share', 'sessions.fork', 'sessions.rollback'],
  twoAccounts: true,
  checks: {
    'snapshot-not-read messages-not-read not-deleted not-shared-on not-unshared': 'shares.read-only',
    'not-rolled-back-to not-listed': 'shares.read-only',
    'ids-not-exchanged': 'shares.no-id-but-its-own',
    'session-not-read': 'shares.read-only',
  },
  async run({ api, check, secondAccount }) {
    const other = secondAccount();
    const { id: session } = await api.createSession();
    await api.append(session, user('Ours.'));
    const { id } = await api.createSnapshot(session);
    const share_id = await api.share(id);
    const path = `/snapshots/${id}`;
    const before = (await api.get(path)).json;
    const same = async () => expectEqual((await api.get(path)).json, before, 'the snapshot of the owner');
    const fork = await other.createSession({ share_id });
    await check('snapshot-not-read', async () => void expectError(await other.get(path), 'snapshot_not_found'));
    await check('messages-not-read', async () => {
      expectError(await other.get(`${path}/messages?scope=archived`), 'snapshot_not_found');
      expectError(await other.get(`/snapshots/${share_id}/messages`), 'snapshot_not_found');
    });
    await check('not-deleted', async () => {
      expectError(await other.delete(path), 'snapshot_not_found');
      expectError(await other.delete(`/snapshots/${share_id}`), 'snapshot_not_found');
      await same();
    });
    await check('not-shared-on', async () => {
      expectError(await other.post(`${path}/share`, { expires_in: 3_600 }), 'snapshot_not_found');
      await same();
    });
    await check('not-unshared', async () => {
      expectError(await other.delete(`${path}/share`), 'snapshot_not_found');
      await same();
    });
    await check('not-rolled-back-to', async () => {
      const reply = await other.post(`/sessions/${fork.id}/rollback`, { snapshot_id: id });
      expectError(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await check('not-listed', async () => {
      const { text } = expectSuccess(await other.get('/snapshots?limit=100'));
      expectTrue(
        !text.includes(id) && !text.includes(share_id),
        'the shared snapshot is not in the list of another account',
      );
    });
    await check('ids-not-exchanged', async () => {
      expectError(await other.get(`/shares/${id}`), 'share_not_found');
      expectError(await other.post('/sessions', { share_id: id }), 'share_not_found', { param: 'share_id' });
      expectError(await other.post('/sessions', { snapshot_id: share_id }), 'snapshot_not_found', {
        param: 'snapshot_id',
      });
    });
    await check('session-not-read', async () => {
      const state = await api.stateOf(session);
      expectError(await other.get(`/sessions/${session}`), 'session_not_found');
      expectError(await other.post(`/sessions/${session}/messages`, user('Theirs.')), 'session_not_found');
      await api.expectUnchanged(state);
    });
  },
});

/** Longer than any run of a case, so that "from now" needs no local clock. */
const WHILE_S = 600;

const sharesSharing = defineCase({
  id: 'shares.sharing',
  title: 'a snapshot is shared, shared again and unshared',
  needs: ['sessions', 'sessions.snapshot', 'sessions.share'],
  checks: {
    'not-shared-before shared told-when-read': 'shares.share',
    'no-expiry-by-default': 'shares.expires-at',
    'same-id-again new-expiry': 'shares.same-id',
    'expires-from-now': 'shares.expires-at',
    'wrong-expiry-refused': 'shares.expires-in',
    unshared: 'shares.unshare',
    'never-known-refused': 'shares.unknown',
  },
  async run({ api, check, require }) {
    const { id: session } = await api.createSession();
    await api.append(session, user('To be shared.'));
    const plain = await api.createSnapshot(session, { name: 'shared' });
    const path = `/snapshots/${plain.id}`;
    const share = async (fields: object = {}) => expectBody(await api.post(`${path}/share`, fields), Snapshot);
    const read = async () => expectBody(await api.get(path), Snapshot);
    await check('not-shared-before', () => expectEqual(plain.share, null, 'share of a new snapshot'));
    const first = await share();
    const share_id = first.share?.share_id;
    await require('shared', () => {
      expectTrue(share_id !== undefined && share_id !== '', 'the answer tells the share_id');
      expectEqual({ ...first, share: null }, plain, 'the rest of the snapshot');
    });
    await check('told-when-read', async () => {
      expectEqual(await read(), first, 'the snapshot');
      for (const list of [`/sessions/${session}/snapshots`, '/snapshots?limit=5']) {
        const { data } = expectBody(await api.get(list), listOf(Snapshot));
        expectEqual(
          data.find(({ id }) => id === plain.id),
          first,
          `the snapshot in ${list}`,
        );
      }
    });
    await check('no-expiry-by-default', () => expectEqual(first.share?.expires_at, null, 'expires_at'));
    const soon = await share({ expires_in: 3_600 });
    const late = await share({ expires_in: 36_000 });
    await check('same-id-again', () => {
      expectEqual([soon.share?.share_id, late.share?.share_id], [share_id, share_id], 'the share_id');
    });
    await check('new-expiry', async () => {
      expectTrue(Number(late.share?.expires_at) > Number(soon.share?.expires_at), 'the later expiry is stated');
      expectEqual(await read(), late, 'the snapshot');
      const preview = expectBody(await api.get(`/shares/${share_id}`), SharedSnapshot);
      expectEqual(preview.share, late.share, 'the share, as read by its own id');
      expectEqual((await share()).share, { share_id, expires_at: null }, 'the share without an expiry');
    });
    await check('expires-from-now', () => {
      const seconds = Number(soon.share?.expires_at) - plain.created_at;
      expectTrue(
        seconds >= 3_600 && seconds <= 3_600 + WHILE_S,
        `expires 3600 seconds from now, not ${seconds} from the snapshot`,
      );
    });
    await check('wrong-expiry-refused', async () => {
      for (const expires_in of [0, -1, 1.5, 'tomorrow']) {
        expectError(await api.post(`${path}/share`, { expires_in }), 'invalid_request', { param: 'expires_in' });
      }
      expectEqual((await read()).share, { share_id, expires_at: null }, 'the share after the refusals');
    });
    await check('unshared', async () => {
      const ended = expectBody(await api.delete(`${path}/share`), Snapshot);
      expectEqual([ended, await read()], [plain, plain], 'the snapshot as answered and as read');
      expectError(await api.delete(`${path}/share`), 'share_not_found');
    });
    await check('never-known-refused', async () => {
      const never = 'shr_kimiconformanceneverknown';
      expectError(await api.get(`/shares/${never}`), 'share_not_found');
      expectError(await api.post('/sessions', { share_id: never }), 'share_not_found', { param: 'share_id' });
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
