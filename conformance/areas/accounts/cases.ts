import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, unknownId, user } from '../../wire/sessions.ts';
import { fillAccount } from '../sessions/lifetime-cases.ts';
import { CROSS_ACCOUNT_CASES } from './route-cases.ts';
import { expectAsUnknown as asNeverWas } from './unknown.ts';

const Ids = listOf(Session.pick({ id: true }));

async function newest(api: Api, path: string): Promise<string[]> {
  return expectBody(await api.get(`${path}?limit=100`), Ids).data.map(idOf);
}

const accountsLists = defineCase({
  id: 'accounts.lists',
  title: 'lists show nothing of another account',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'sessions-not-listed snapshots-not-listed': 'accounts.lists',
    'session-no-cursor snapshot-no-cursor message-no-cursor': 'accounts.cursors',
  },
  async run({ api, check, secondAccount }) {
    const otherAccount = secondAccount();
    const session = await api.createSession({ messages: [user('The first message.')] });
    const snapshot = await api.createSnapshot(session.id);
    const own = await otherAccount.createSession({ messages: [user('What is mine.')] });
    await otherAccount.createSnapshot(own.id);
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
    await check('sessions-not-listed', () => listed('/sessions', session.id));
    await check('snapshots-not-listed', () => listed('/snapshots', snapshot.id));
    await check('session-no-cursor', () => noCursor('/sessions', session.id, 'session'));
    await check('snapshot-no-cursor', () => noCursor('/snapshots', snapshot.id, 'snapshot'));
    await check('message-no-cursor', async () => {
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
  async run({ limits, check, secondAccount, emptyAccount }) {
    const other = secondAccount();
    const full = await emptyAccount();
    await fillAccount(full, limits.sessions);
    expectError(await full.post('/sessions'), 'session_limit_reached');
    await check('other-creates', async () => {
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
    'session-hidden messages-hidden snapshots-hidden': 'accounts.sessions-read',
    'as-never-was': 'accounts.as-never-was',
  },
  async run({ api, check, secondAccount }) {
    const otherAccount = secondAccount();
    const { id } = await api.createSession({ messages: [user('The first message.')] });
    await api.createSnapshot(id);
    const routes = { session: '', messages: '/messages', snapshots: '/snapshots' } as const;
    for (const [name, rest] of Object.entries(routes) as [keyof typeof routes, string][]) {
      expectSuccess(await api.get(`/sessions/${id}${rest}`));
      await check(`${name}-hidden`, async () => {
        expectError(await otherAccount.get(`/sessions/${id}${rest}`), 'session_not_found');
      });
    }
    await check('as-never-was', async () => {
      const unknown = unknownId(id);
      for (const rest of Object.values(routes)) {
        const theirs = await otherAccount.get(`/sessions/${id}${rest}`);
        asNeverWas([theirs, id], [await otherAccount.get(`/sessions/${unknown}${rest}`), unknown]);
      }
    });
  },
});

const accountsSnapshots = defineCase({
  id: 'accounts.snapshots',
  title: "another account's snapshot is not there",
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'not-read messages-not-read': 'accounts.snapshots-read',
    'not-deleted unchanged': 'accounts.snapshots-changed',
    'as-never-was': 'accounts.as-never-was',
  },
  async run({ api, check, secondAccount }) {
    const otherAccount = secondAccount();
    const { id: session } = await api.createSession({ messages: [user('The first message.')] });
    const snapshot = await api.createSnapshot(session);
    const path = `/snapshots/${snapshot.id}`;
    expectSuccess(await api.get(`${path}/messages`));
    const read = await otherAccount.get(path);
    await check('not-read', () => expectError(read, 'snapshot_not_found'));
    await check('messages-not-read', async () => {
      for (const scope of ['restored', 'archived']) {
        expectError(await otherAccount.get(`${path}/messages?scope=${scope}`), 'snapshot_not_found');
      }
    });
    const deletion = await otherAccount.delete(path);
    await check('not-deleted', () => expectError(deletion, 'snapshot_not_found'));
    await check('unchanged', async () =>
      expectEqual(expectBody(await api.get(path), Snapshot), snapshot, 'the snapshot'),
    );
    await check('as-never-was', async () => {
      const unknown = unknownId(snapshot.id);
      asNeverWas([read, snapshot.id], [await otherAccount.get(`/snapshots/${unknown}`), unknown]);
      asNeverWas([deletion, snapshot.id], [await otherAccount.delete(`/snapshots/${unknown}`), unknown]);
    });
  },
});

export const ACCOUNTS_CASES: readonly Case[] = [
  accountsRead,
  accountsSnapshots,
  accountsLists,
  accountsLimit,
  ...CROSS_ACCOUNT_CASES,
];
