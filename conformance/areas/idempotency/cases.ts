import { ChatCompletionChunk } from '../../../contract/chat.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import { NotRun } from '../../core/verdict.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { append, createSession, createSnapshot, getSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { DURING_COST, duringTurns, faultyTurn, longSession } from '../../wire/during.ts';
import type { Reply } from '../../wire/reply.ts';

const REPLAYED = 'idempotent-replayed';

function isReplay({ headers }: Reply): boolean {
  return headers.get(REPLAYED)?.toLowerCase() === 'true';
}

/** @throws Mismatch where `again` is not the stored answer `first` */
function sameAnswer(first: Reply, again: Reply): void {
  succeeded(first);
  const told = ({ json, headers }: Reply) => ({ json, etag: headers.get('etag') });
  equal(told(succeeded(again)), told(first), `${again.what}: the answer to the request sent again`);
}

function marked(first: Reply, again: Reply): void {
  holds(!isReplay(succeeded(first)), `${first.what}: the first answer says that it is a stored one`);
  holds(
    isReplay(succeeded(again)),
    `${again.what}: the answer to the request sent again lacks Idempotent-Replayed: true`,
  );
}

function mismatched(reply: Reply): void {
  refused(reply, 'idempotency_mismatch');
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

const idempotencyCreate = defineCase({
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

const idempotencySnapshot = defineCase({
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

const idempotencyDelete = defineCase({
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

const idempotencyMismatch = defineCase({
  id: 'idempotency.mismatch',
  title: 'a key that was used for another request',
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
  async run(trial) {
    const { api } = trial;
    const one = await createSession(api);
    const other = await createSession(api);
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const path = `/sessions/${one.id}/messages`;
    const body = user('Once.');
    const first = succeeded(await api.post(path, body, send));
    const before = [await stateOf(api, one.id), await stateOf(api, other.id)];
    await trial.check('other-body', async () => mismatched(await api.post(path, user('Twice.'), send)));
    await trial.check('other-bytes', async () => {
      mismatched(await api.post(path, undefined, { ...send, raw: JSON.stringify(body, null, 1) }));
    });
    await trial.check('other-session', async () => {
      mismatched(await api.post(`/sessions/${other.id}/messages`, body, send));
    });
    await trial.check('other-route', async () => mismatched(await api.post(`/sessions/${one.id}`, body, send)));
    await trial.check('other-method', async () => mismatched(await api.delete(`/sessions/${one.id}`, send)));
    await trial.check('nothing-happens', async () => {
      for (const state of before) await unchanged(api, state);
    });
    await trial.check('first-still-stored', async () => {
      sameAnswer(first, await api.post(path, body, send));
      await append(api, one.id, user('Under no key.'));
    });
  },
});

const idempotencyKeys = defineCase({
  id: 'idempotency.keys',
  title: 'what uses a key up, and what does not',
  needs: ['sessions', 'sessions.append', 'idempotency'],
  checks: {
    'refusal-free': 'idempotency.refusal-free',
    'refusal-not-stored': 'idempotency.refusal-free',
    'without-key': 'idempotency.without-key',
    'another-key': 'idempotency.without-key',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const count = async () => (await stateOf(api, id)).messages.length;
    await trial.check('refusal-free', async () => {
      const send = { headers: { 'Idempotency-Key': trial.nonce() } };
      refused(await api.post(path, { role: 'tool', tool_call_id: 'nobody', content: 'x' }, send), 'tool_result_orphan');
      const reply = succeeded(await api.post(path, user('Now it is good.'), send));
      holds(!isReplay(reply), 'what was never carried out is no replay');
    });
    await trial.check('refusal-not-stored', async () => {
      const send = { headers: { 'Idempotency-Key': trial.nonce() } };
      const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}' } };
      const result = { role: 'tool', tool_call_id: 'call_1', content: 'found' };
      refused(await api.post(path, result, send), 'tool_result_orphan');
      succeeded(await api.post(path, { role: 'assistant', content: null, tool_calls: [call] }));
      holds(!isReplay(succeeded(await api.post(path, result, send))), 'the same request, good by now, is carried out');
    });
    await trial.check('without-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) await append(api, id, user('Twice the same.'));
      equal(await count(), before + 2, 'the messages after two writes without a key');
    });
    await trial.check('another-key', async () => {
      const before = await count();
      for (let sent = 0; sent < 2; sent += 1) {
        await append(api, id, user('Twice the same.'), { headers: { 'Idempotency-Key': trial.nonce() } });
      }
      equal(await count(), before + 2, 'the messages after two writes under two keys');
    });
  },
});

const idempotencyAccounts = defineCase({
  id: 'idempotency.accounts',
  title: 'a key belongs to its account',
  needs: ['sessions', 'idempotency'],
  twoAccounts: true,
  checks: { 'own-effect': 'idempotency.per-account', 'no-mismatch': 'idempotency.per-account' },
  async run(trial) {
    const { api } = trial;
    const stranger = trial.second();
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const own = answered(await api.post('/sessions', { title: 'Once' }, send), Session);
    await trial.check('own-effect', async () => {
      const reply = await stranger.post('/sessions', { title: 'Once' }, send);
      const { id } = answered(reply, Session);
      holds(id !== own.id && !isReplay(reply), `another account was given the answer of the first: ${reply.text}`);
      succeeded(await stranger.get(`/sessions/${id}`));
    });
    await trial.check('no-mismatch', async () => {
      const key = { headers: { 'Idempotency-Key': trial.nonce() } };
      succeeded(await api.post('/sessions', { title: 'Mine' }, key));
      succeeded(await stranger.post('/sessions', { title: 'Yours' }, key));
    });
  },
});

const RACERS = 6;

const idempotencyState = defineCase({
  id: 'idempotency.state',
  title: 'a replay does not look at the session',
  needs: ['sessions', 'sessions.append', 'idempotency', 'versioning'],
  checks: {
    'version-gone-on': 'idempotency.before-state',
    'session-deleted': 'idempotency.before-state',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const { version } = await getSession(api, id);
    const path = `/sessions/${id}/messages`;
    const send = { headers: { 'Idempotency-Key': trial.nonce(), 'If-Match': `"${version}"` } };
    const write = () => api.post(path, user('Once.'), send);
    const first = succeeded(await write());
    await trial.check('version-gone-on', async () => {
      await append(api, id, user('The version goes on.'));
      sameAnswer(first, await write());
    });
    await trial.check('session-deleted', async () => {
      succeeded(await api.delete(`/sessions/${id}`));
      sameAnswer(first, await write());
      refused(await api.post(path, user('Without the key.')), 'session_not_found');
    });
  },
});

const idempotencyBusy = defineCase({
  id: 'idempotency.busy',
  title: 'a replay does not wait for a turn to end',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream', 'tokens.estimate', 'idempotency'],
  checks: { 'while-busy': 'idempotency.before-state' },
  cost: () => ({ ...DURING_COST, promptTokens: 4 * DURING_COST.promptTokens }),
  async run(trial) {
    const { api } = trial;
    const id = await longSession(trial);
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const write = () => api.post(`/sessions/${id}/messages`, user('Once.'), send);
    const first = succeeded(await write());
    const replays: Reply[] = [];
    const replay = async () => {
      const reply = await write();
      replays.push(reply);
      return reply;
    };
    const busy = (replies: readonly Reply[]) => replies.some(({ text }) => text.includes('session_busy'));
    await trial.check('while-busy', async () => {
      const replies = await duringTurns(
        trial,
        id,
        (number) => (number % 2 === 0 ? replay() : faultyTurn(trial, id)),
        (answered) => busy(answered) && replays.length > 0,
      );
      for (const reply of replays) sameAnswer(first, reply);
      if (!busy(replies)) throw new NotRun('no turn lasted long enough for anything to arrive meanwhile');
    });
  },
});

const idempotencyRace = defineCase({
  id: 'idempotency.race',
  title: 'the same request many times at once',
  needs: ['sessions', 'sessions.append', 'chat', 'idempotency'],
  checks: {
    'append-once': 'idempotency.in-progress',
    'chat-once': 'idempotency.in-progress',
    'others-told': 'idempotency.in-progress',
    'replayed-after': 'idempotency.same-answer',
  },
  cost: () => ({ ...CHAT_COST, requests: 60, completionTokens: (RACERS + 1) * 16 }),
  async run(trial) {
    const { api } = trial;
    const racing = async (id: string, name: 'append' | 'chat') => {
      const change = SESSION_CHANGES.find((known) => known.name === name);
      if (!change) throw new Error(`no change is called ${name}`);
      const send = { headers: { 'Idempotency-Key': trial.nonce() } };
      const once = () => sendChange(trial, change, { session: id, message: '', snapshot: '' }, send);
      return { once, replies: await Promise.all(Array.from({ length: RACERS }, once)) };
    };
    const won = (replies: Reply[]) => {
      const fresh = replies.filter((reply) => reply.status < 300 && !isReplay(reply));
      equal(fresh.length, 1, 'the number of requests that say they were carried out');
      return fresh[0] as Reply;
    };
    const { id } = await createSession(api);
    const appends = await racing(id, 'append');
    await trial.check('append-once', async () => {
      won(appends.replies);
      equal((await stateOf(api, id)).messages.length, 1, 'the number of messages');
    });
    const other = await createSession(api);
    const chats = await racing(other.id, 'chat');
    await trial.check('chat-once', async () => {
      won(chats.replies);
      equal((await stateOf(api, other.id)).messages.length, 2, 'the number of messages of one turn');
    });
    await trial.check('others-told', () => {
      for (const { replies } of [appends, chats]) {
        const first = won(replies);
        for (const reply of replies) {
          if (reply.status < 300) sameAnswer(first, reply);
          else refused(reply, 'request_in_progress');
        }
      }
    });
    await trial.check('replayed-after', async () => {
      const reply = await chats.once();
      sameAnswer(won(chats.replies), reply);
      holds(isReplay(reply), 'the answer after all have ended is a stored one');
    });
  },
});

/** What a stream says, taken together. */
function saidBy(reply: Reply): object {
  const events = succeeded(reply).events;
  equal(events.at(-1), '[DONE]', `${reply.what}: the last event`);
  const chunks = events.slice(0, -1).map((data) => {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      value = data;
    }
    return shaped(ChatCompletionChunk, value, `${reply.what}: an event`);
  });
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const finish = choices.filter(({ finish_reason }) => finish_reason !== null);
  equal(finish.length, 1, `${reply.what}: the number of finish chunks`);
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
  title: 'a streamed chat, sent again under its key',
  needs: ['sessions', 'chat', 'chat.stream', 'idempotency'],
  checks: {
    'streams-again': 'idempotency.stream',
    'same-reply': 'idempotency.stream',
    marked: 'idempotency.replayed-header',
    'writes-nothing': 'idempotency.stream',
  },
  cost: () => CHAT_COST,
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api);
    const send = { headers: { 'Idempotency-Key': trial.nonce() } };
    const messages = [user('Reply with the word OK only.')];
    const body = { model: target.model, session_id: id, messages, max_tokens: 16, stream: true };
    const first = await api.post('/chat/completions', body, send);
    const said = saidBy(first);
    const after = await stateOf(api, id);
    const again = await api.post('/chat/completions', body, send);
    await trial.need('streams-again', () => {
      const type = succeeded(again).headers.get('content-type') ?? '';
      holds(type.startsWith('text/event-stream'), `a replay of a stream is a stream, not ${type}`);
      saidBy(again);
    });
    await trial.check('same-reply', () => equal(saidBy(again), said, 'what the replay says'));
    await trial.check('marked', () => marked(first, again));
    await trial.check('writes-nothing', () => unchanged(api, after));
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
