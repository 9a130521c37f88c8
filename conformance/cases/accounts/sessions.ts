import { defineCase } from '../../core/case.ts';
import { refused, succeeded } from '../../core/expect.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { asNeverWas } from './hidden.ts';

export const accountsRead = defineCase({
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
export const accountsChanges = SESSION_CHANGES.filter(({ name }) => name !== 'append-several').map((change) =>
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

export const accountsDelete = defineCase({
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

export const accountsNothingTold = defineCase({
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
