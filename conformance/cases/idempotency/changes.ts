import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { append, createSession, createSnapshot, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { marked, sameAnswer } from './replays.ts';

const Ids = listOf(Session.pick({ id: true }));

/** What leaves another state when it is done again. */
const REPEATABLE = new Set(['append', 'append-several', 'rollback', 'chat']);

/** One case for each route that changes a session, so that each is asked of targets that offer it. */
export const idempotencyChanges = SESSION_CHANGES.map((change) =>
  defineCase<string>({
    id: `idempotency.${change.name}`,
    title: `${change.name}, sent again under its key`,
    needs: ['sessions', 'sessions.append', 'idempotency', ...change.needs],
    checks: {
      'same-answer': 'idempotency.same-answer',
      marked: 'idempotency.replayed-header',
      ...(REPEATABLE.has(change.name) && { once: 'idempotency.once' }),
    },
    cost: () => (change.chats ? CHAT_COST : {}),
    async run(trial) {
      const { api } = trial;
      const ground = await layGround(trial, change);
      const send = { headers: { 'Idempotency-Key': trial.nonce() } };
      const first = await sendChange(trial, change, ground, send);
      await append(api, ground.session, user('Written in between.'));
      const after = await stateOf(api, ground.session);
      // A third time as well: what is stored is not used up by the first replay.
      const again = [await sendChange(trial, change, ground, send), await sendChange(trial, change, ground, send)];
      await trial.check('same-answer', () => again.forEach((reply) => void sameAnswer(first, reply)));
      await trial.check('marked', () => again.forEach((reply) => void marked(first, reply)));
      if (REPEATABLE.has(change.name)) await trial.check('once', () => unchanged(api, after));
    },
  }),
);

export const idempotencyCreate = defineCase({
  id: 'idempotency.create',
  title: 'a creation, sent again under its key',
  needs: ['sessions', 'sessions.list', 'idempotency'],
  scope: 'account',
  checks: { 'same-answer': 'idempotency.same-answer', marked: 'idempotency.replayed-header', once: 'idempotency.once' },
  async run(trial) {
    const api = await trial.empty();
    const create = (headers: Record<string, string>) => api.post('/sessions', { title: 'Once' }, { headers });
    const key = { 'Idempotency-Key': trial.nonce() };
    const first = await create(key);
    const again = await create(key);
    await trial.check('same-answer', () => sameAnswer(first, again));
    await trial.check('marked', () => marked(first, again));
    await trial.check('once', async () => {
      const { data } = answered(await api.get('/sessions?limit=100'), Ids);
      equal(
        data.map(({ id }) => id),
        [answered(first, Session).id],
        'the sessions of the account',
      );
    });
  },
});

export const idempotencySnapshot = defineCase({
  id: 'idempotency.snapshot',
  title: 'a snapshot, taken again under its key',
  needs: ['sessions', 'sessions.snapshot', 'idempotency'],
  checks: { 'same-answer': 'idempotency.same-answer', marked: 'idempotency.replayed-header', once: 'idempotency.once' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const path = `/sessions/${id}/snapshots`;
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const first = await api.post(path, { name: 'Once' }, send);
    const again = await api.post(path, { name: 'Once' }, send);
    await trial.check('same-answer', () => sameAnswer(first, again));
    await trial.check('marked', () => marked(first, again));
    await trial.check('once', async () =>
      equal(answered(await api.get(path), Ids).data.length, 1, 'the number of snapshots'),
    );
  },
});

export const idempotencyDelete = defineCase({
  id: 'idempotency.delete',
  title: 'deletions, sent again under their keys',
  needs: ['sessions', 'sessions.snapshot', 'idempotency'],
  checks: {
    'session-same-answer': 'idempotency.delete',
    'session-marked': 'idempotency.replayed-header',
    'session-without-key': 'idempotency.delete',
    'snapshot-same-answer': 'idempotency.delete',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, id);
    const twice = async (path: string) => {
      const send = { headers: { 'Idempotency-Key': trial.nonce() } };
      return [await api.delete(path, send), await api.delete(path, send)] as const;
    };
    const session = await twice(`/sessions/${id}`);
    await trial.check('session-same-answer', () => {
      equal(answered(session[0], SessionDeleted).id, id, 'the id of what was deleted');
      sameAnswer(...session);
    });
    await trial.check('session-marked', () => marked(...session));
    await trial.check('session-without-key', async () => {
      refused(await api.delete(`/sessions/${id}`), 'session_not_found');
      const headers = { 'Idempotency-Key': trial.nonce() };
      refused(await api.delete(`/sessions/${id}`, { headers }), 'session_not_found');
    });
    const snapshots = await twice(`/snapshots/${snapshot.id}`);
    await trial.check('snapshot-same-answer', () => sameAnswer(...snapshots));
  },
});
