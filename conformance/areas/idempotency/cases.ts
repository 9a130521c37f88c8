import { ChatCompletionChunk } from '../../../contract/chat.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectShape, expectSuccess, expectTrue } from '../../core/expect.ts';
import { NotRun } from '../../core/verdict.ts';
import { CHAT_COST, SESSION_CHANGES, sendChange, setUpChange } from '../../wire/changes.ts';
import { DURING_COST, longSession, sendDuringTurns, sendInvalidTurn } from '../../wire/concurrent-turns.ts';
import type { Reply } from '../../wire/reply.ts';
import {
  append,
  createSession,
  createSnapshot,
  expectUnchanged,
  getSession,
  stateOf,
  user,
} from '../../wire/sessions.ts';

const REPLAYED = 'idempotent-replayed';

function isReplay({ headers }: Reply): boolean {
  return headers.get(REPLAYED)?.toLowerCase() === 'true';
}

/** @throws Mismatch where `again` is not the stored answer `first` */
function sameAnswer(first: Reply, again: Reply): void {
  expectSuccess(first);
  const contentOf = ({ json, headers }: Reply) => ({ json, etag: headers.get('etag') });
  expectEqual(contentOf(expectSuccess(again)), contentOf(first), `${again.what}: the answer to the repeated request`);
}

function marked(first: Reply, again: Reply): void {
  expectTrue(!isReplay(expectSuccess(first)), `${first.what}: the first answer says that it is a stored one`);
  expectTrue(
    isReplay(expectSuccess(again)),
    `${again.what}: the answer to the repeated request lacks Idempotent-Replayed: true`,
  );
}

function mismatched(reply: Reply): void {
  expectError(reply, 'idempotency_mismatch');
}

const Ids = listOf(Session.pick({ id: true }));

/** What leaves another state when it is done again. */
const REPEATABLE = new Set(['append', 'append-several', 'rollback', 'chat']);

/** One case for each route that changes a session, so that each is asked of targets that offer it. */
const idempotencyChanges = SESSION_CHANGES.map((change) =>
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
    async run(context) {
      const { api } = context;
      const ground = await setUpChange(context, change);
      const send = { headers: { 'Idempotency-Key': context.nonce() } };
      const first = await sendChange(context, change, ground, send);
      await append(api, ground.session, user('Written in between.'));
      const after = await stateOf(api, ground.session);
      // A third time as well: what is stored is not used up by the first replay.
      const again = [await sendChange(context, change, ground, send), await sendChange(context, change, ground, send)];
      await context.check('same-answer', () => again.forEach((reply) => void sameAnswer(first, reply)));
      await context.check('marked', () => again.forEach((reply) => void marked(first, reply)));
      if (REPEATABLE.has(change.name)) await context.check('once', () => expectUnchanged(api, after));
    },
  }),
);

const idempotencyCreate = defineCase({
  id: 'idempotency.create',
  title: 'a create request repeated with its key',
  needs: ['sessions', 'sessions.list', 'idempotency'],
  scope: 'account',
  checks: { 'same-answer': 'idempotency.same-answer', marked: 'idempotency.replayed-header', once: 'idempotency.once' },
  async run(context) {
    const api = await context.emptyAccount();
    const create = (headers: Record<string, string>) => api.post('/sessions', { title: 'Once' }, { headers });
    const key = { 'Idempotency-Key': context.nonce() };
    const first = await create(key);
    const again = await create(key);
    await context.check('same-answer', () => sameAnswer(first, again));
    await context.check('marked', () => marked(first, again));
    await context.check('once', async () => {
      const { data } = expectBody(await api.get('/sessions?limit=100'), Ids);
      expectEqual(
        data.map(({ id }) => id),
        [expectBody(first, Session).id],
        'the sessions of the account',
      );
    });
  },
});

const idempotencySnapshot = defineCase({
  id: 'idempotency.snapshot',
  title: 'a snapshot request repeated with its key',
  needs: ['sessions', 'sessions.snapshot', 'idempotency'],
  checks: { 'same-answer': 'idempotency.same-answer', marked: 'idempotency.replayed-header', once: 'idempotency.once' },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const path = `/sessions/${id}/snapshots`;
    const send = { headers: { 'Idempotency-Key': context.nonce() } };
    const first = await api.post(path, { name: 'Once' }, send);
    const again = await api.post(path, { name: 'Once' }, send);
    await context.check('same-answer', () => sameAnswer(first, again));
    await context.check('marked', () => marked(first, again));
    await context.check('once', async () =>
      expectEqual(expectBody(await api.get(path), Ids).data.length, 1, 'the number of snapshots'),
    );
  },
});

const idempotencyDelete = defineCase({
  id: 'idempotency.delete',
  title: 'deletions repeated with their keys',
  needs: ['sessions', 'sessions.snapshot', 'idempotency'],
  checks: {
    'session-same-answer': 'idempotency.delete',
    'session-marked': 'idempotency.replayed-header',
    'session-without-key': 'idempotency.delete',
    'snapshot-same-answer': 'idempotency.delete',
  },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('The first message.')] });
    const snapshot = await createSnapshot(api, id);
    const twice = async (path: string) => {
      const send = { headers: { 'Idempotency-Key': context.nonce() } };
      return [await api.delete(path, send), await api.delete(path, send)] as const;
    };
    const session = await twice(`/sessions/${id}`);
    await context.check('session-same-answer', () => {
      expectEqual(expectBody(session[0], SessionDeleted).id, id, 'the id of what was deleted');
      sameAnswer(...session);
    });
    await context.check('session-marked', () => marked(...session));
    await context.check('session-without-key', async () => {
      expectError(await api.delete(`/sessions/${id}`), 'session_not_found');
      const headers = { 'Idempotency-Key': context.nonce() };
      expectError(await api.delete(`/sessions/${id}`, { headers }), 'session_not_found');
    });
    const snapshots = await twice(`/snapshots/${snapshot.id}`);
    await context.check('snapshot-same-answer', () => sameAnswer(...snapshots));
  },
});

const idempotencyMismatch = defineCase({
  id: 'idempotency.mismatch',
  title: 'a key that another request used',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    'other-body': 'idempotency.mismatch',
    'other-bytes': 'idempotency.mismatch',
    'other-session': 'idempotency.mismatch',
    'other-route': 'idempotency.mismatch',
    'other-method': 'idempotency.mismatch',
    'nothing-happens': 'idempotency.mismatch',
    'first-still-stored': 'idempotency.same-answer',
  },
  async run(context) {
    const { api } = context;
    const one = await createSession(api);
    const other = await createSession(api);
    const send = { headers: { 'Idempotency-Key': context.nonce() } };
    const path = `/sessions/${one.id}/messages`;
    const body = user('Once.');
    const first = expectSuccess(await api.post(path, body, send));
    const before = [await stateOf(api, one.id), await stateOf(api, other.id)];
    await context.check('other-body', async () => mismatched(await api.post(path, user('Twice.'), send)));
    await context.check('other-bytes', async () => {
      mismatched(await api.post(path, undefined, { ...send, raw: JSON.stringify(body, null, 1) }));
    });
    await context.check('other-session', async () => {
      mismatched(await api.post(`/sessions/${other.id}/messages`, body, send));
    });
    await context.check('other-route', async () => mismatched(await api.post(`/sessions/${one.id}`, body, send)));
    await context.check('other-method', async () => mismatched(await api.delete(`/sessions/${one.id}`, send)));
    await context.check('nothing-happens', async () => {
      for (const state of before) await expectUnchanged(api, state);
    });
    await context.check('first-still-stored', async () => {
      sameAnswer(first, await api.post(path, body, send));
      await append(api, one.id, user('Under no key.'));
    });
  },
});

const idempotencyKeys = defineCase({
  id: 'idempotency.keys',
  title: 'which requests use a key up',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    'refusal-free': 'idempotency.refusal-free',
    'refusal-not-stored': 'idempotency.refusal-free',
    'without-key': 'idempotency.without-key',
    'another-key': 'idempotency.without-key',
  },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const count = async () => (await stateOf(api, id)).messages.length;
    await context.check('refusal-free', async () => {
      const send = { headers: { 'Idempotency-Key': context.nonce() } };
      expectError(
        await api.post(path, { role: 'tool', tool_call_id: 'nobody', content: 'x' }, send),
        'tool_result_orphan',
      );
      const reply = expectSuccess(await api.post(path, user('Now it is good.'), send));
      expectTrue(!isReplay(reply), 'the answer to a request that was never carried out is marked as a replay');
    });
    await context.check('refusal-not-stored', async () => {
      const send = { headers: { 'Idempotency-Key': context.nonce() } };
      const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}' } };
      const result = { role: 'tool', tool_call_id: 'call_1', content: 'found' };
      expectError(await api.post(path, result, send), 'tool_result_orphan');
      expectSuccess(await api.post(path, { role: 'assistant', content: null, tool_calls: [call] }));
      expectTrue(
        !isReplay(expectSuccess(await api.post(path, result, send))),
        'the same request, good by now, is carried out',
      );
    });
    await context.check('without-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) await append(api, id, user('Twice the same.'));
      expectEqual(await count(), before + 2, 'the messages after two writes without a key');
    });
    await context.check('another-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) {
        await append(api, id, user('Twice the same.'), { headers: { 'Idempotency-Key': context.nonce() } });
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
  checks: { 'own-effect': 'idempotency.per-account', 'no-mismatch': 'idempotency.per-account' },
  async run(context) {
    const { api } = context;
    const otherAccount = context.secondAccount();
    const send = { headers: { 'Idempotency-Key': context.nonce() } };
    const own = expectBody(await api.post('/sessions', { title: 'Once' }, send), Session);
    await context.check('own-effect', async () => {
      const reply = await otherAccount.post('/sessions', { title: 'Once' }, send);
      const { id } = expectBody(reply, Session);
      expectTrue(id !== own.id && !isReplay(reply), `another account was given the answer of the first: ${reply.text}`);
      expectSuccess(await otherAccount.get(`/sessions/${id}`));
    });
    await context.check('no-mismatch', async () => {
      const key = { headers: { 'Idempotency-Key': context.nonce() } };
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
  checks: {
    'version-gone-on': 'idempotency.before-state',
    'session-deleted': 'idempotency.before-state',
  },
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const { version } = await getSession(api, id);
    const path = `/sessions/${id}/messages`;
    const send = { headers: { 'Idempotency-Key': context.nonce(), 'If-Match': `"${version}"` } };
    const write = () => api.post(path, user('Once.'), send);
    const first = expectSuccess(await write());
    await context.check('version-gone-on', async () => {
      await append(api, id, user('The version goes on.'));
      sameAnswer(first, await write());
    });
    await context.check('session-deleted', async () => {
      expectSuccess(await api.delete(`/sessions/${id}`));
      sameAnswer(first, await write());
      expectError(await api.post(path, user('Without the key.')), 'session_not_found');
    });
  },
});

const idempotencyBusy = defineCase({
  id: 'idempotency.busy',
  title: 'a replay does not wait for a turn to end',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream', 'tokens.estimate', 'idempotency'],
  checks: { 'while-busy': 'idempotency.before-state' },
  cost: () => ({ ...DURING_COST, promptTokens: 4 * DURING_COST.promptTokens }),
  async run(context) {
    const { api } = context;
    const id = await longSession(context);
    const send = { headers: { 'Idempotency-Key': context.nonce() } };
    const write = () => api.post(`/sessions/${id}/messages`, user('Once.'), send);
    const first = expectSuccess(await write());
    const replays: Reply[] = [];
    const replay = async () => {
      const reply = await write();
      replays.push(reply);
      return reply;
    };
    const busy = (replies: readonly Reply[]) => replies.some(({ text }) => text.includes('session_busy'));
    await context.check('while-busy', async () => {
      const replies = await sendDuringTurns(
        context,
        id,
        (number) => (number % 2 === 0 ? replay() : sendInvalidTurn(context, id)),
        (answered) => busy(answered) && replays.length > 0,
      );
      for (const reply of replays) sameAnswer(first, reply);
      if (!busy(replies)) throw new NotRun('no turn lasted long enough for anything to arrive meanwhile');
    });
  },
});

const idempotencyRace = defineCase({
  id: 'idempotency.race',
  title: 'many concurrent copies of a request',
  needs: ['sessions', 'sessions.append', 'chat', 'idempotency'],
  checks: {
    'append-once': 'idempotency.in-progress',
    'chat-once': 'idempotency.in-progress',
    'others-told': 'idempotency.in-progress',
    'replayed-after': 'idempotency.same-answer',
  },
  cost: () => ({ ...CHAT_COST, requests: 60, completionTokens: (RACERS + 1) * 16 }),
  async run(context) {
    const { api } = context;
    const racing = async (id: string, name: 'append' | 'chat') => {
      const change = SESSION_CHANGES.find((known) => known.name === name);
      if (!change) throw new Error(`no change is called ${name}`);
      const send = { headers: { 'Idempotency-Key': context.nonce() } };
      const once = () => sendChange(context, change, { session: id, message: '', snapshot: '' }, send);
      return { once, replies: await Promise.all(Array.from({ length: RACERS }, once)) };
    };
    const won = (replies: Reply[]) => {
      const fresh = replies.filter((reply) => reply.status < 300 && !isReplay(reply));
      expectEqual(fresh.length, 1, 'the number of requests that say they were carried out');
      return fresh[0] as Reply;
    };
    const { id } = await createSession(api);
    const appends = await racing(id, 'append');
    await context.check('append-once', async () => {
      won(appends.replies);
      expectEqual((await stateOf(api, id)).messages.length, 1, 'the number of messages');
    });
    const other = await createSession(api);
    const chats = await racing(other.id, 'chat');
    await context.check('chat-once', async () => {
      won(chats.replies);
      expectEqual((await stateOf(api, other.id)).messages.length, 2, 'the number of messages of one turn');
    });
    await context.check('others-told', () => {
      for (const { replies } of [appends, chats]) {
        const first = won(replies);
        for (const reply of replies) {
          if (reply.status < 300) sameAnswer(first, reply);
          else expectError(reply, 'request_in_progress');
        }
      }
    });
    await context.check('replayed-after', async () => {
      const reply = await chats.once();
      sameAnswer(won(chats.replies), reply);
      expectTrue(isReplay(reply), 'the answer after all have ended is a stored one');
    });
  },
});

/** What a stream says, taken together. */
function saidBy(reply: Reply): object {
  const events = expectSuccess(reply).events;
  expectEqual(events.at(-1), '[DONE]', `${reply.what}: the last event`);
  const chunks = events.slice(0, -1).map((data) => {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      value = data;
    }
    return expectShape(ChatCompletionChunk, value, `${reply.what}: an event`);
  });
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const finish = choices.filter(({ finish_reason }) => finish_reason !== null);
  expectEqual(finish.length, 1, `${reply.what}: the number of finish chunks`);
  const [last] = finish;
  const { session } = chunks.find((chunk) => chunk.session) ?? {};
  return {
    id: chunks[0]?.id,
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    finish_reason: last?.finish_reason,
    usage: last?.usage,
    session,
  };
}

const idempotencyStream = defineCase({
  id: 'idempotency.stream',
  title: 'a streamed chat repeated with its key',
  needs: ['sessions', 'chat', 'chat.stream', 'idempotency'],
  checks: {
    'streams-again': 'idempotency.stream',
    'same-reply': 'idempotency.stream',
    marked: 'idempotency.replayed-header',
    'writes-nothing': 'idempotency.stream',
  },
  cost: () => CHAT_COST,
  async run(context) {
    const { api, target } = context;
    const { id } = await createSession(api);
    const send = { headers: { 'Idempotency-Key': context.nonce() } };
    const messages = [user('Reply with the word OK only.')];
    const body = { model: target.model, session_id: id, messages, max_tokens: 16, stream: true };
    const first = await api.post('/chat/completions', body, send);
    const said = saidBy(first);
    const after = await stateOf(api, id);
    const again = await api.post('/chat/completions', body, send);
    await context.require('streams-again', () => {
      const type = expectSuccess(again).headers.get('content-type') ?? '';
      expectTrue(type.startsWith('text/event-stream'), `a replay of a stream is a stream, not ${type}`);
      saidBy(again);
    });
    await context.check('same-reply', () => expectEqual(saidBy(again), said, 'what the replay says'));
    await context.check('marked', () => marked(first, again));
    await context.check('writes-nothing', () => expectUnchanged(api, after));
  },
});

export const IDEMPOTENCY_CASES: readonly Case[] = [
  idempotencyCreate,
  ...idempotencyChanges,
  idempotencySnapshot,
  idempotencyDelete,
  idempotencyStream,
  idempotencyMismatch,
  idempotencyKeys,
  idempotencyAccounts,
  idempotencyState,
  idempotencyBusy,
  idempotencyRace,
];
