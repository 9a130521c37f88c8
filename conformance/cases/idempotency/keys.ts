import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { isReplay, mismatched, sameAnswer } from './replays.ts';

export const idempotencyMismatch = defineCase({
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

export const idempotencyKeys = defineCase({
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

export const idempotencyAccounts = defineCase({
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
