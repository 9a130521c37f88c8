import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { CHAT_COST } from '../../wire/changes.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';

const Sessions = listOf(Session);

async function listed(api: Api): Promise<string[]> {
  return answered(await api.get('/sessions?limit=100'), Sessions).data.map(({ id }) => id);
}

export const sessionsUnknown = defineCase({
  id: 'sessions.unknown',
  title: 'an id that no session has',
  needs: ['sessions'],
  checks: {
    'not-read': 'sessions.not-found',
    'not-changed': 'sessions.not-found',
    'not-deleted': 'sessions.not-found',
  },
  async run(trial) {
    const { api } = trial;
    const session = await createSession(api);
    const path = `/sessions/${neverWas(session.id)}`;
    succeeded(await api.get(`/sessions/${session.id}`));
    await trial.check('not-read', async () => refused(await api.get(path), 'session_not_found'));
    await trial.check('not-changed', async () => {
      refused(await api.post(path, { title: 'x' }), 'session_not_found');
      refused(await api.get(path), 'session_not_found');
    });
    await trial.check('not-deleted', async () => refused(await api.delete(path), 'session_not_found'));
  },
});

export const sessionsChatUnknown = defineCase({
  id: 'sessions.chat-unknown',
  title: 'a chat makes no session',
  needs: ['sessions', 'sessions.list', 'chat'],
  scope: 'account',
  checks: {
    refused: 'sessions.chat-unknown',
    'stream-refused': 'sessions.chat-unknown',
    'none-made': 'sessions.chat-unknown',
  },
  cost: () => CHAT_COST,
  async run(trial) {
    const { target } = trial;
    const api = await trial.empty();
    const { id } = await createSession(api);
    const nobody = neverWas(id);
    const say = (session_id: string, more: object = {}) =>
      api.post('/chat/completions', {
        model: target.model,
        session_id,
        messages: [user('Reply with the word OK only.')],
        max_tokens: 16,
        ...more,
      });
    const param = 'session_id';
    await trial.check('refused', async () => refused(await say(nobody), 'session_not_found', { param }));
    await trial.check('stream-refused', async () => {
      refused(await say(nobody, { stream: true }), 'session_not_found', { param });
    });
    await trial.check('none-made', async () => {
      refused(await api.get(`/sessions/${nobody}`), 'session_not_found');
      equal(await listed(api), [id], 'the sessions of the account');
      succeeded(await say(id));
    });
  },
});

export const sessionsIndependent = defineCase({
  id: 'sessions.independent',
  title: 'what is done to one session leaves another alone',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'append-stays-in-one': 'sessions.independent',
    'update-stays-in-one': 'sessions.independent',
    'delete-stays-in-one': 'sessions.independent',
  },
  async run(trial) {
    const { api } = trial;
    const messages = [user('The first message.')];
    const one = await createSession(api, { messages });
    const other = await createSession(api, { messages });
    const before = await stateOf(api, other.id);
    await trial.check('append-stays-in-one', async () => {
      await append(api, one.id, user('Only for one.'));
      await unchanged(api, before);
    });
    await trial.check('update-stays-in-one', async () => {
      succeeded(await api.post(`/sessions/${one.id}`, { title: 'One', metadata: { of: 'one' } }));
      await unchanged(api, before);
    });
    await trial.check('delete-stays-in-one', async () => {
      succeeded(await api.delete(`/sessions/${one.id}`));
      await unchanged(api, before);
      await append(api, other.id, user('It goes on.'));
    });
  },
});

export const sessionsHostedAgents = defineCase({
  id: 'sessions.hosted-agents',
  title: 'requests of another product are turned away',
  needs: ['sessions'],
  checks: {
    'read-refused': 'sessions.hosted-agents',
    'create-refused': 'sessions.hosted-agents',
    'change-refused': 'sessions.hosted-agents',
    'says-why': 'sessions.hosted-agents',
  },
  async run(trial) {
    const { api } = trial;
    const headers = { 'kimi-api-version': '2026-09-01' };
    const { id } = await createSession(api);
    const before = await stateOf(api, id);
    const path = `/sessions/${id}`;
    await trial.check('read-refused', async () => refused(await api.get(path, { headers }), 'invalid_request'));
    const create = await api.post('/sessions', {}, { headers });
    await trial.check('create-refused', () => refused(create, 'invalid_request'));
    await trial.check('change-refused', async () => {
      refused(await api.post(path, { title: 'x' }, { headers }), 'invalid_request');
      refused(await api.delete(path, { headers }), 'invalid_request');
      await unchanged(api, before);
    });
    await trial.check('says-why', () => {
      const message = refused(create, 'invalid_request');
      holds(/hosted agents/i.test(message), `the refusal says that Hosted Agents are not emulated: ${message}`);
    });
  },
});
