import type { ErrorCode } from '../../../contract/errors.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { CHAT_COST, SESSION_CHANGES, sendChange, setUpChange } from '../../wire/changes.ts';
import type { Reply } from '../../wire/reply.ts';
import { createSession, createSnapshot, expectUnchanged, stateOf, unknownId, user } from '../../wire/sessions.ts';
import { fillAccount } from '../sessions/lifetime-cases.ts';

/** A refusal as it reads with the id taken out, and what its headers tell. */
function toldOf({ status, text, headers }: Reply, id: string): object {
  const names = ['etag', 'x-should-retry', 'retry-after'];
  return { status, text: text.replaceAll(id, 'ID'), headers: names.map((name) => headers.get(name)) };
}

/** @throws Mismatch where an id that is somebody's is answered in another way than one that never was */
function asNeverWas(known: [reply: Reply, id: string], unknown: [reply: Reply, id: string]): void {
  expectEqual(
    toldOf(...known),
    toldOf(...unknown),
    `${known[0].what}: the answer, compared with that for an id that never was`,
  );
}

function allRefused(replies: readonly Reply[], code: ErrorCode): void {
  for (const reply of replies) expectError(reply, code);
}

const Ids = listOf(Session.pick({ id: true }));

async function newest(api: Api, path: string): Promise<string[]> {
  return expectBody(await api.get(`${path}?limit=100`), Ids).data.map(({ id }) => id);
}

const accountsLists = defineCase({
  id: 'accounts.lists',
  title: 'lists show nothing of another account',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'sessions-not-listed': 'accounts.lists',
    'snapshots-not-listed': 'accounts.lists',
    'session-no-cursor': 'accounts.cursors',
    'snapshot-no-cursor': 'accounts.cursors',
    'message-no-cursor': 'accounts.cursors',
  },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const session = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, session.id);
    const own = await createSession(otherAccount, { messages: [user('What is mine.')] });
    await createSnapshot(otherAccount, own.id);
    const listed = async (path: string, id: string) => {
      expectTrue((await newest(api, path)).includes(id), `GET /v1${path}: what was just made is listed`);
      expectTrue(
        !(await newest(otherAccount, path)).includes(id),
        `GET /v1${path}: what is another account's is listed`,
      );
    };
    const noCursor = async (path: string, id: string, kind: 'session' | 'snapshot' | 'message') => {
      const reply = await otherAccount.get(`${path}?after=${id}`);
      expectError(reply, `${kind}_not_found`, { param: 'after' });
      asNeverWas([reply, id], [await otherAccount.get(`${path}?after=${unknownId(id)}`), unknownId(id)]);
    };
    await context.check('sessions-not-listed', () => listed('/sessions', session.id));
    await context.check('snapshots-not-listed', () => listed('/snapshots', snapshot.id));
    await context.check('session-no-cursor', () => noCursor('/sessions', session.id, 'session'));
    await context.check('snapshot-no-cursor', () => noCursor('/snapshots', snapshot.id, 'snapshot'));
    await context.check('message-no-cursor', async () => {
      const [message] = await newest(api, `/sessions/${session.id}/messages`);
      await noCursor(`/sessions/${own.id}/messages`, message ?? '', 'message');
    });
  },
});

const accountsLimit = defineCase({
  id: 'accounts.limit',
  title: 'a full account leaves room in another',
  needs: ['sessions'],
  scope: 'account',
  twoAccounts: true,
  checks: { 'other-creates': 'accounts.own-limit' },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run(context) {
    const other = context.secondAccount();
    const full = await context.emptyAccount();
    await fillAccount(full, context.limits.sessions);
    expectError(await full.post('/sessions'), 'session_limit_reached');
    await context.check('other-creates', async () => {
      expectSuccess(await other.post('/sessions'));
      expectError(await full.post('/sessions'), 'session_limit_reached');
    });
  },
});

const accountsRead = defineCase({
  id: 'accounts.read',
  title: "another account's session is not there to be read",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'session-hidden': 'accounts.sessions-read',
    'messages-hidden': 'accounts.sessions-read',
    'snapshots-hidden': 'accounts.sessions-read',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { session: id } = await setUpChange(context, { requires: 'snapshot' });
    const routes = { session: '', messages: '/messages', snapshots: '/snapshots' } as const;
    for (const [name, rest] of Object.entries(routes) as [keyof typeof routes, string][]) {
      expectSuccess(await api.get(`/sessions/${id}${rest}`));
      await context.check(`${name}-hidden`, async () => {
        expectError(await otherAccount.get(`/sessions/${id}${rest}`), 'session_not_found');
      });
    }
    await context.check('as-never-was', async () => {
      const unknown = unknownId(id);
      for (const rest of Object.values(routes)) {
        const theirs = await otherAccount.get(`/sessions/${id}${rest}`);
        asNeverWas([theirs, id], [await otherAccount.get(`/sessions/${unknown}${rest}`), unknown]);
      }
    });
  },
});

/** One case for each route that changes a session, so that each is asked of targets that offer it. */
const accountsChanges = SESSION_CHANGES.filter(({ name }) => name !== 'append-several').map((change) =>
  defineCase({
    id: `accounts.${change.name}`,
    title: `another account's session takes no ${change.name}`,
    needs: ['sessions', 'sessions.append', ...change.needs],
    twoAccounts: true,
    checks: {
      'not-found': change.chats ? 'accounts.chat' : 'accounts.sessions-changed',
      unchanged: change.chats ? 'accounts.chat' : 'accounts.sessions-changed',
      'as-never-was': 'accounts.as-never-was',
    },
    cost: () => (change.chats ? CHAT_COST : {}),
    async run(context) {
      const otherAccount = context.secondAccount();
      const ground = await setUpChange(context, change);
      const before = await stateOf(context.api, ground.session);
      const reply = await sendChange(context, change, ground, {}, otherAccount);
      await context.check('not-found', () => {
        expectError(reply, 'session_not_found', change.chats ? { param: 'session_id' } : {});
      });
      await context.check('unchanged', () => expectUnchanged(context.api, before));
      const unknown = unknownId(ground.session);
      await context.check('as-never-was', async () => {
        const nothing = { session: unknown, message: unknownId(ground.message), snapshot: unknownId(ground.snapshot) };
        const other = await sendChange(context, change, nothing, {}, otherAccount);
        asNeverWas([reply, ground.session], [other, unknown]);
        expectSuccess(await sendChange(context, change, ground));
      });
    },
  }),
);

const accountsDelete = defineCase({
  id: 'accounts.delete',
  title: "another account's session is neither deleted nor snapshotted",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'delete-not-found': 'accounts.sessions-changed',
    'snapshot-not-found': 'accounts.sessions-changed',
    unchanged: 'accounts.sessions-changed',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const before = await stateOf(api, id);
    const path = `/sessions/${id}`;
    const snapshot = await otherAccount.post(`${path}/snapshots`);
    await context.check('snapshot-not-found', () => expectError(snapshot, 'session_not_found'));
    const deletion = await otherAccount.delete(path);
    await context.check('delete-not-found', () => expectError(deletion, 'session_not_found'));
    await context.check('unchanged', () => expectUnchanged(api, before));
    await context.check('as-never-was', async () => {
      const unknown = unknownId(id);
      asNeverWas([deletion, id], [await otherAccount.delete(`/sessions/${unknown}`), unknown]);
      asNeverWas([snapshot, id], [await otherAccount.post(`/sessions/${unknown}/snapshots`), unknown]);
      await createSnapshot(api, id);
      expectSuccess(await api.delete(path));
    });
  },
});

const accountsNothingTold = defineCase({
  id: 'accounts.nothing-told',
  title: 'the order of refusals reveals no session of another account',
  needs: ['sessions', 'sessions.append', 'idempotency', 'versioning'],
  twoAccounts: true,
  checks: { 'not-its-version': 'accounts.nothing-told', 'not-its-keys': 'accounts.nothing-told' },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const key = { 'Idempotency-Key': context.nonce() };
    expectSuccess(await api.post(path, user('Once.'), { headers: key }));
    await context.check('not-its-version', async () => {
      for (const version of ['"1"', '"999999"']) {
        expectError(
          await otherAccount.post(path, user('x'), { headers: { 'If-Match': version } }),
          'session_not_found',
        );
      }
    });
    await context.check('not-its-keys', async () => {
      expectError(await otherAccount.post(path, user('Once.'), { headers: key }), 'session_not_found');
      expectError(await otherAccount.post(path, user('Twice.'), { headers: key }), 'session_not_found');
    });
  },
});

const accountsSnapshots = defineCase({
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
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { id: session } = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, session);
    const path = `/snapshots/${snapshot.id}`;
    expectSuccess(await api.get(`${path}/messages`));
    const read = await otherAccount.get(path);
    await context.check('not-read', () => expectError(read, 'snapshot_not_found'));
    await context.check('messages-not-read', async () => {
      for (const scope of ['restored', 'archived']) {
        expectError(await otherAccount.get(`${path}/messages?scope=${scope}`), 'snapshot_not_found');
      }
    });
    const deletion = await otherAccount.delete(path);
    await context.check('not-deleted', () => expectError(deletion, 'snapshot_not_found'));
    await context.check('unchanged', async () =>
      expectEqual(expectBody(await api.get(path), Snapshot), snapshot, 'the snapshot'),
    );
    await context.check('as-never-was', async () => {
      const unknown = unknownId(snapshot.id);
      asNeverWas([read, snapshot.id], [await otherAccount.get(`/snapshots/${unknown}`), unknown]);
      asNeverWas([deletion, snapshot.id], [await otherAccount.delete(`/snapshots/${unknown}`), unknown]);
    });
  },
});

const accountsShares = defineCase({
  id: 'accounts.shares',
  title: "another account's snapshot is neither shared nor unshared",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share'],
  twoAccounts: true,
  checks: {
    'not-shared': 'accounts.snapshots-changed',
    'not-unshared': 'accounts.snapshots-changed',
    'as-never-was': 'accounts.as-never-was',
  },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { id: session } = await createSession(api, { messages: [user('The first message.')] });
    const { id } = await createSnapshot(api, session);
    const path = `/snapshots/${id}`;
    const share = async () => expectBody(await api.get(path), Snapshot).share;
    const shared = await otherAccount.post(`${path}/share`);
    await context.check('not-shared', async () => {
      expectError(shared, 'snapshot_not_found');
      expectEqual(await share(), null, 'the share of the snapshot');
    });
    const own = expectBody(await api.post(`${path}/share`), Snapshot);
    await context.check('not-unshared', async () => {
      expectError(await otherAccount.delete(`${path}/share`), 'snapshot_not_found');
      expectEqual(await share(), own.share, 'the share of the snapshot');
    });
    await context.check('as-never-was', async () => {
      const unknown = unknownId(id);
      asNeverWas([shared, id], [await otherAccount.post(`/snapshots/${unknown}/share`), unknown]);
    });
  },
});

const accountsRestores = defineCase({
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
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const { id: session } = await createSession(api, { messages: [user('What is secret.')] });
    const { id } = await createSnapshot(api, session);
    const own = await createSession(otherAccount, { messages: [user('What is mine.')] });
    const before = await stateOf(otherAccount, own.id);
    const fork = (snapshot_id: string) => otherAccount.post('/sessions', { snapshot_id });
    const rollback = (snapshot_id: string) => otherAccount.post(`/sessions/${own.id}/rollback`, { snapshot_id });
    const replies = [await fork(id), await rollback(id)] as const;
    await context.check('not-forked', () => expectError(replies[0], 'snapshot_not_found'));
    await context.check('not-rolled-back-to', () => expectError(replies[1], 'snapshot_not_found'));
    await context.check('unchanged', () => expectUnchanged(otherAccount, before));
    await context.check('as-never-was', async () => {
      const unknown = unknownId(id);
      asNeverWas([replies[0], id], [await fork(unknown), unknown]);
      asNeverWas([replies[1], id], [await rollback(unknown), unknown]);
      allRefused([await rollback(unknown)], 'snapshot_not_found');
      expectSuccess(await api.post('/sessions', { snapshot_id: id }));
    });
  },
});

export const ACCOUNTS_CASES: readonly Case[] = [
  accountsRead,
  ...accountsChanges,
  accountsDelete,
  accountsNothingTold,
  accountsSnapshots,
  accountsShares,
  accountsRestores,
  accountsLists,
  accountsLimit,
];
