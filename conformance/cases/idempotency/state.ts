import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import { NotRun } from '../../core/verdict.ts';
import { CHAT_COST, SESSION_CHANGES, sendChange } from '../../wire/changes.ts';
import { append, createSession, getSession, stateOf, user } from '../../wire/dialect.ts';
import { DURING_COST, duringTurns, faultyTurn, longSession } from '../../wire/during.ts';
import type { Reply } from '../../wire/reply.ts';
import { isReplay, sameAnswer } from './replays.ts';

const RACERS = 6;

export const idempotencyState = defineCase({
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

export const idempotencyBusy = defineCase({
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

export const idempotencyRace = defineCase({
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
