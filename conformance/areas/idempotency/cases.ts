import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { CHAT_COST, ROUTES, sendRoute } from '../../tables/routes.ts';
import type { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';
import { idempotencyKeyBytes } from './key-cases.ts';
import { idempotencyOutside } from './outside-cases.ts';
import { isReplay, expectMarked as marked, expectSameAnswer as sameAnswer } from './replays.ts';
import { REPLAY_CASES } from './route-cases.ts';

function mismatched(reply: Reply): void {
  expectError(reply, 'idempotency_mismatch');
}

const idempotencyDelete = defineCase({
  id: 'idempotency.deletions',
  title: 'deletions repeated with their keys',
  needs: ['sessions', 'sessions.snapshot', 'idempotency'],
  checks: {
    'session-same-answer': 'idempotency.delete',
    'session-marked': 'idempotency.replayed-header',
    'session-without-key snapshot-same-answer': 'idempotency.delete',
  },
  async run({ api, check, nonce }) {
    const { id } = await api.createSession({ messages: [user('The first message.')] });
    const snapshot = await api.createSnapshot(id);
    const twice = async (path: string) => {
      const send = { headers: { 'Idempotency-Key': nonce() } };
      return [await api.delete(path, send), await api.delete(path, send)] as const;
    };
    const session = await twice(`/sessions/${id}`);
    await check('session-same-answer', () => {
      expectEqual(expectBody(session[0], SessionDeleted).id, id, 'the id of what was deleted');
      sameAnswer(...session);
    });
    await check('session-marked', () => marked(...session));
    await check('session-without-key', async () => {
      expectError(await api.delete(`/sessions/${id}`), 'session_not_found');
      const headers = { 'Idempotency-Key': nonce() };
      expectError(await api.delete(`/sessions/${id}`, { headers }), 'session_not_found');
    });
    const snapshots = await twice(`/snapshots/${snapshot.id}`);
    await check('snapshot-same-answer', () => sameAnswer(...snapshots));
  },
});

const idempotencyMismatch = defineCase({
  id: 'idempotency.mismatch',
  title: 'a key that another request used',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    'other-body other-bytes other-session other-route other-method nothing-happens': 'idempotency.mismatch',
    'first-still-stored': 'idempotency.same-answer',
  },
  async run({ api, check, nonce }) {
    const one = await api.createSession();
    const other = await api.createSession();
    const send = { headers: { 'Idempotency-Key': nonce() } };
    const path = `/sessions/${one.id}/messages`;
    const body = user('Once.');
    const first = expectSuccess(await api.post(path, body, send));
    const before = [await api.stateOf(one.id), await api.stateOf(other.id)];
    await check('other-body', async () => mismatched(await api.post(path, user('Twice.'), send)));
    await check('other-bytes', async () => {
      mismatched(await api.post(path, undefined, { ...send, raw: JSON.stringify(body, null, 1) }));
    });
    await check('other-session', async () => mismatched(await api.post(`/sessions/${other.id}/messages`, body, send)));
    await check('other-route', async () => mismatched(await api.post(`/sessions/${one.id}`, body, send)));
    await check('other-method', async () => mismatched(await api.delete(`/sessions/${one.id}`, send)));
    await check('nothing-happens', async () => {
      for (const state of before) await api.expectUnchanged(state);
    });
    await check('first-still-stored', async () => {
      sameAnswer(first, await api.post(path, body, send));
      await api.append(one.id, user('Under no key.'));
    });
  },
});

const idempotencyKeys = defineCase({
  id: 'idempotency.keys',
  title: 'which requests use a key up',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    'refusal-free refusal-not-stored': 'idempotency.refusal-free',
    'without-key another-key': 'idempotency.without-key',
  },
  async run({ api, check, nonce }) {
    const { id } = await api.createSession();
    const path = `/sessions/${id}/messages`;
    const count = async () => (await api.stateOf(id)).messages.length;
    await check('refusal-free', async () => {
      const send = { headers: { 'Idempotency-Key': nonce() } };
      expectError(
        await api.post(path, { role: 'tool', tool_call_id: 'nobody', content: 'x' }, send),
        'tool_result_orphan',
      );
      const reply = expectSuccess(await api.post(path, user('Now it is good.'), send));
      expectTrue(!isReplay(reply), 'the answer to a request that was never carried out is marked as a replay');
    });
    await check('refusal-not-stored', async () => {
      const send = { headers: { 'Idempotency-Key': nonce() } };
      const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}' } };
      const result = { role: 'tool', tool_call_id: 'call_1', content: 'found' };
      expectError(await api.post(path, result, send), 'tool_result_orphan');
      expectSuccess(await api.post(path, { role: 'assistant', content: null, tool_calls: [call] }));
      expectTrue(
        !isReplay(expectSuccess(await api.post(path, result, send))),
        'the same request, good by now, is carried out',
      );
    });
    await check('without-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) await api.append(id, user('Twice the same.'));
      expectEqual(await count(), before + 2, 'the messages after two writes without a key');
    });
    await check('another-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) {
        await api.append(id, user('Twice the same.'), { headers: { 'Idempotency-Key': nonce() } });
      }
      expectEqual(await count(), before + 2, 'the messages after two writes under two keys');
    });
  },
});

const idempotencyAccounts = defineCase({
  id: 'idempotency.accounts',
  title: 'a key belongs to its account',
  needs: ['sessions', 'idempotency'],
  twoAccounts: true,
  checks: { 'own-effect no-mismatch': 'idempotency.per-account' },
  async run({ api, check, nonce, secondAccount }) {
    const otherAccount = secondAccount();
    const send = { headers: { 'Idempotency-Key': nonce() } };
    const own = expectBody(await api.post('/sessions', { title: 'Once' }, send), Session);
    await check('own-effect', async () => {
      const reply = await otherAccount.post('/sessions', { title: 'Once' }, send);
      const { id } = expectBody(reply, Session);
      expectTrue(id !== own.id && !isReplay(reply), `another account was given the answer of the first: ${reply.text}`);
      expectSuccess(await otherAccount.get(`/sessions/${id}`));
    });
    await check('no-mismatch', async () => {
      const key = { headers: { 'Idempotency-Key': nonce() } };
      expectSuccess(await api.post('/sessions', { title: 'Mine' }, key));
      expectSuccess(await otherAccount.post('/sessions', { title: 'Yours' }, key));
    });
  },
});

const RACERS = 6;

const idempotencyState = defineCase({
  id: 'idempotency.state',
  title: 'a replay does not depend on the session',
  needs: ['sessions', 'sessions.append', 'idempotency', 'versioning'],
  checks: { 'version-gone-on session-deleted': 'idempotency.before-state' },
  async run({ api, check, nonce }) {
    const { id } = await api.createSession();
    const { version } = await api.getSession(id);
    const path = `/sessions/${id}/messages`;
    const send = { headers: { 'Idempotency-Key': nonce(), 'If-Match': `"${version}"` } };
    const write = () => api.post(path, user('Once.'), send);
    const first = expectSuccess(await write());
    await check('version-gone-on', async () => {
      await api.append(id, user('The version goes on.'));
      sameAnswer(first, await write());
    });
    await check('session-deleted', async () => {
      expectSuccess(await api.delete(`/sessions/${id}`));
      sameAnswer(first, await write());
      expectError(await api.post(path, user('Without the key.')), 'session_not_found');
    });
  },
});

const idempotencyRace = defineCase({
  id: 'idempotency.race',
  title: 'many concurrent copies of a request',
  needs: ['sessions', 'sessions.append', 'chat', 'idempotency'],
  checks: {
    'append-once chat-once others-told': 'idempotency.in-progress',
    'others-retry-after': 'versions.retry-after',
    'replayed-after': 'idempotency.same-answer',
  },
  cost: () => ({ ...CHAT_COST, requests: 60, completionTokens: (RACERS + 1) * 16 }),
  async run({ api, check, nonce }, context) {
    const racing = async (id: string, name: 'append' | 'chat') => {
      const route = ROUTES.find((known) => known.name === name);
      if (!route) throw new Error(`no route is called ${name}`);
      const send = { headers: { 'Idempotency-Key': nonce() } };
      const ground = { session: id, message: '', pinned: '', snapshot: '', share: '' };
      const once = () => sendRoute(context, route, ground, send);
      return { once, replies: await Promise.all(Array.from({ length: RACERS }, once)) };
    };
    const won = (replies: Reply[]) => {
      const fresh = replies.filter((reply) => reply.status < 300 && !isReplay(reply));
      expectEqual(fresh.length, 1, 'the number of requests that say they were carried out');
      return fresh[0] as Reply;
    };
    const { id } = await api.createSession();
    const appends = await racing(id, 'append');
    await check('append-once', async () => {
      won(appends.replies);
      expectEqual((await api.stateOf(id)).messages.length, 1, 'the number of messages');
    });
    const other = await api.createSession();
    const chats = await racing(other.id, 'chat');
    await check('chat-once', async () => {
      won(chats.replies);
      expectEqual((await api.stateOf(other.id)).messages.length, 2, 'the number of messages of one turn');
    });
    await check('others-told', () => {
      for (const { replies } of [appends, chats]) {
        const first = won(replies);
        for (const reply of replies) {
          if (reply.status < 300) sameAnswer(first, reply);
          else expectError(reply, 'request_in_progress');
        }
      }
    });
    await check('others-retry-after', () => {
      for (const reply of [...appends.replies, ...chats.replies].filter(({ status }) => status === 409)) {
        const after = reply.headers.get('retry-after');
        expectTrue(after !== null && Number(after) > 0, `a request in progress says Retry-After, not ${after}`);
        expectEqual(reply.headers.get('x-should-retry'), 'true', 'x-should-retry of a request in progress');
      }
    });
    await check('replayed-after', async () => {
      const reply = await chats.once();
      sameAnswer(won(chats.replies), reply);
      expectTrue(isReplay(reply), 'the answer after all have ended is a stored one');
    });
  },
});

export const IDEMPOTENCY_CASES: readonly Case[] = [
  ...REPLAY_CASES,
  idempotencyKeyBytes,
  idempotencyOutside,
  idempotencyDelete,
  idempotencyMismatch,
  idempotencyKeys,
  idempotencyAccounts,
  idempotencyState,
  idempotencyRace,
];
