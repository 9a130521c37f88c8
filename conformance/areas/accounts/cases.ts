import type { ErrorCode } from '../../../contract/errors.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import type { Reply } from '../../wire/reply.ts';
import { fillAccount } from '../sessions/cases.ts';

/** A refusal as it reads with the id taken out, and what its headers tell. */
function toldOf({ status, text, headers }: Reply, id: string): object {
  const names = ['etag', 'x-should-retry', 'retry-after'];
  return { status, text: text.replaceAll(id, 'ID'), headers: names.map((name) => headers.get(name)) };
}

/** @throws Mismatch where an id that is somebody's is answered in another way than one that never was */
function asNeverWas(known: [reply: Reply, id: string], unknown: [reply: Reply, id: string]): void {
  equal(
    toldOf(...known),
    toldOf(...unknown),
    `${known[0].what}: the answer, compared with that for an id that never was`,
  );
}

function allRefused(replies: readonly Reply[], code: ErrorCode): void {
  for (const reply of replies) refused(reply, code);
}

const Ids = listOf(Session.pick({ id: true }));

async function newest(api: Api, path: string): Promise<string[]> {
  return answered(await api.get(`${path}?limit=100`), Ids).data.map(({ id }) => id);
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
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const session = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, session.id);
    const own = await createSession(stranger, { messages: [user('What is mine.')] });
    await createSnapshot(stranger, own.id);
    const listed = async (path: string, id: string) => {
      holds((await newest(api, path)).includes(id), `GET /v1${path}: what was just made is listed`);
      holds(!(await newest(stranger, path)).includes(id), `GET /v1${path}: what is another account's is listed`);
    };
    const noCursor = async (path: string, id: string, kind: 'session' | 'snapshot' | 'message') => {
      const reply = await stranger.get(`${path}?after=${id}`);
      refused(reply, `${kind}_not_found`, { param: 'after' });
      asNeverWas([reply, id], [await stranger.get(`${path}?after=${neverWas(id)}`), neverWas(id)]);
    };
    await trial.check('sessions-not-listed', () => listed('/sessions', session.id));
    await trial.check('snapshots-not-listed', () => listed('/snapshots', snapshot.id));
    await trial.check('session-no-cursor', () => noCursor('/sessions', session.id, 'session'));
    await trial.check('snapshot-no-cursor', () => noCursor('/snapshots', snapshot.id, 'snapshot'));
    await trial.check('message-no-cursor', async () => {
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
  async run(trial) {
    const other = trial.second();
    const full = await trial.empty();
    await fillAccount(full, trial.limits.sessions);
    refused(await full.post('/sessions'), 'session_limit_reached');
    await trial.check('other-creates', async () => {
      succeeded(await other.post('/sessions'));
      refused(await full.post('/sessions'), 'session_limit_reached');
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
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { session: id } = await layGround(trial, { finds: 'snapshot' });
    const routes = { session: '', messages: '/messages', snapshots: '/snapshots' } as const;
    for (const [name, rest] of Object.entries(routes) as [keyof typeof routes, string][]) {
      succeeded(await api.get(`/sessions/${id}${rest}`));
      await trial.check(`${name}-hidden`, async () => {
        refused(await stranger.get(`/sessions/${id}${rest}`), 'session_not_found');
      });
    }
    await trial.check('as-never-was', async () => {
      const unknown = neverWas(id);
      for (const rest of Object.values(routes)) {
        const theirs = await stranger.get(`/sessions/${id}${rest}`);
        asNeverWas([theirs, id], [await stranger.get(`/sessions/${unknown}${rest}`), unknown]);
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
    async run(trial) {
      const stranger = trial.second();
      const ground = await layGround(trial, change);
      const before = await stateOf(trial.api, ground.session);
      const reply = await sendChange(trial, change, ground, {}, stranger);
      await trial.check('not-found', () => {
        refused(reply, 'session_not_found', change.chats ? { param: 'session_id' } : {});
      });
      await trial.check('unchanged', () => unchanged(trial.api, before));
      const unknown = neverWas(ground.session);
      await trial.check('as-never-was', async () => {
        const nothing = { session: unknown, message: neverWas(ground.message), snapshot: neverWas(ground.snapshot) };
        const other = await sendChange(trial, change, nothing, {}, stranger);
        asNeverWas([reply, ground.session], [other, unknown]);
        succeeded(await sendChange(trial, change, ground));
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
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const before = await stateOf(api, id);
    const path = `/sessions/${id}`;
    const snapshot = await stranger.post(`${path}/snapshots`);
    await trial.check('snapshot-not-found', () => refused(snapshot, 'session_not_found'));
    const deletion = await stranger.delete(path);
    await trial.check('delete-not-found', () => refused(deletion, 'session_not_found'));
    await trial.check('unchanged', () => unchanged(api, before));
    await trial.check('as-never-was', async () => {
      const unknown = neverWas(id);
      asNeverWas([deletion, id], [await stranger.delete(`/sessions/${unknown}`), unknown]);
      asNeverWas([snapshot, id], [await stranger.post(`/sessions/${unknown}/snapshots`), unknown]);
      await createSnapshot(api, id);
      succeeded(await api.delete(path));
    });
  },
});

const accountsNothingTold = defineCase({
  id: 'accounts.nothing-told',
  title: 'no order of refusals tells of a session of another account',
  needs: ['sessions', 'sessions.append', 'idempotency', 'versioning'],
  twoAccounts: true,
  checks: { 'not-its-version': 'accounts.nothing-told', 'not-its-keys': 'accounts.nothing-told' },
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const key = { 'Idempotency-Key': trial.nonce() };
    succeeded(await api.post(path, user('Once.'), { headers: key }));
    await trial.check('not-its-version', async () => {
      for (const version of ['"1"', '"999999"']) {
        refused(await stranger.post(path, user('x'), { headers: { 'If-Match': version } }), 'session_not_found');
      }
    });
    await trial.check('not-its-keys', async () => {
      refused(await stranger.post(path, user('Once.'), { headers: key }), 'session_not_found');
      refused(await stranger.post(path, user('Twice.'), { headers: key }), 'session_not_found');
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
