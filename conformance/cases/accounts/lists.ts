import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, holds, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { createSession, createSnapshot, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { fillAccount } from '../sessions/capacity.ts';
import { asNeverWas } from './hidden.ts';

const Ids = listOf(Session.pick({ id: true }));

async function newest(api: Api, path: string): Promise<string[]> {
  return answered(await api.get(`${path}?limit=100`), Ids).data.map(({ id }) => id);
}

export const accountsLists = defineCase({
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

export const accountsLimit = defineCase({
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
