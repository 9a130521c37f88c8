import { LIVE_TEXT } from '../../../contract/errors.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import { CHAT_COST, GROUND_NEEDS, layGround, ROUTES, type Route, sendRoute } from '../../tables/routes.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, unknownId, user } from '../../wire/sessions.ts';

/** Creations at the same time: more than the slots that are left for them. */
const SLOTS = 3;

const RACERS = 9;

/** @returns the ids */
export async function fillAccount(api: Api, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push((await api.createSession()).id);
  return ids;
}

export const sessionsCapacity = defineCase({
  id: 'sessions.capacity',
  title: 'an account can have exactly its limit of sessions',
  needs: ['sessions'],
  scope: 'account',
  checks: {
    'exact-accepted': 'sessions.limit',
    'refused-takes-no-slot': 'sessions.refused-takes-no-slot',
    'over-refused': 'sessions.limit',
    'limit-named': 'sessions.limit-named',
    'delete-frees': 'sessions.delete-frees',
    'full-again': 'sessions.limit',
  },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run({ limits, check, require, emptyAccount }) {
    const api = await emptyAccount();
    const ids = await fillAccount(api, limits.sessions - 1);
    const last = await api.post('/sessions');
    await require('exact-accepted', () => expectSuccess(last));
    const { id } = expectBody(last, Session);
    const over = await api.post('/sessions');
    await check('over-refused', () => expectError(over, 'session_limit_reached'));
    await check('limit-named', () => {
      const message = expectError(over, 'session_limit_reached');
      expectTrue(
        message.includes(String(limits.sessions)),
        `the refusal names the limit ${limits.sessions}: ${message}`,
      );
    });
    expectSuccess(await api.delete(`/sessions/${id}`));
    await require('delete-frees', async () => ids.push(expectBody(await api.post('/sessions'), Session).id));
    await check('full-again', async () => expectError(await api.post('/sessions'), 'session_limit_reached'));
    expectSuccess(await api.delete(`/sessions/${ids.pop()}`));
    await check('refused-takes-no-slot', async () => {
      expectError(await api.post('/sessions', { title: 7 }), 'invalid_request');
      expectError(await api.post('/sessions', { model: 'kimi-k2-of-nowhere' }), 'model_not_found');
      const orphan = { role: 'tool', tool_call_id: 'nobody', content: 'x' };
      expectError(await api.post('/sessions', { messages: [orphan] }), 'tool_result_orphan');
      expectSuccess(await api.post('/sessions'));
    });
  },
});

export const sessionsRace = defineCase({
  id: 'sessions.race',
  title: 'concurrent create requests do not exceed the limit',
  needs: ['sessions'],
  scope: 'account',
  checks: { 'slots-filled no-more-than-slots rest-refused full-after': 'sessions.parallel-creates' },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run({ limits, check, emptyAccount }) {
    const api = await emptyAccount();
    const slots = Math.min(SLOTS, limits.sessions);
    await fillAccount(api, limits.sessions - slots);
    const replies = await Promise.all(Array.from({ length: RACERS }, () => api.post('/sessions')));
    const broken = replies.find(({ status }) => status >= 500);
    if (broken) throw new Inconclusive(`${broken.what}: ${broken.status} ${broken.text}`);
    const created = replies.filter(({ status }) => status < 300);
    await check('slots-filled', () =>
      expectTrue(created.length >= slots, `${created.length} of ${slots} slots were filled`),
    );
    await check('no-more-than-slots', () => {
      expectTrue(created.length <= slots, `${created.length} sessions were created where there was room for ${slots}`);
    });
    await check('rest-refused', () => {
      for (const reply of replies) if (!created.includes(reply)) expectError(reply, 'session_limit_reached');
      const ids = new Set(created.map((reply) => expectBody(reply, Session).id));
      expectEqual(ids.size, created.length, 'the number of different ids');
    });
    await check('full-after', async () => {
      expectError(await api.post('/sessions'), 'session_limit_reached');
      const [first] = created;
      if (first) expectSuccess(await api.delete(`/sessions/${expectBody(first, Session).id}`));
      expectSuccess(await api.post('/sessions'));
      expectError(await api.post('/sessions'), 'session_limit_reached');
    });
  },
});

const ROUNDS = 4;

export const sessionsDelete = defineCase({
  id: 'sessions.delete',
  title: 'a deleted session is not found',
  needs: ['sessions', 'sessions.append'],
  checks: {
    answer: 'sessions.delete',
    'not-read messages-not-read': 'sessions.deleted-gone',
    'again-not-found': 'sessions.delete-twice',
    'other-stays': 'sessions.independent',
  },
  async run({ api, check }) {
    const { id } = await api.createSession({ messages: [user('The first message.')] });
    const other = await api.createSession();
    const path = `/sessions/${id}`;
    expectSuccess(await api.get(path));
    const reply = await api.delete(path);
    await check('answer', () => expectEqual(expectBody(reply, SessionDeleted).id, id, 'the id of what was deleted'));
    await check('not-read', async () => expectError(await api.get(path), 'session_not_found'));
    await check('messages-not-read', async () => expectError(await api.get(`${path}/messages`), 'session_not_found'));
    await check('again-not-found', async () => expectError(await api.delete(path), 'session_not_found'));
    await check('other-stays', async () => expectEqual(await api.getSession(other.id), other, 'another session'));
  },
});

const GONE = ROUTES.filter(({ names }) => names === 'session');

export const sessionsDeletedRoutes = defineCase<string>({
  id: 'sessions.deleted-routes',
  title: 'a deleted session is not found on any route',
  needs: [...GROUND_NEEDS, ...new Set(GONE.flatMap(({ needs }) => needs))],
  checks: Object.fromEntries(GONE.map(({ name }) => [name, 'sessions.deleted-gone'])),
  cost: () => ({ ...CHAT_COST, requests: 40 + GONE.length }),
  async run({ api, check }, context) {
    const [every] = GONE.filter(({ name }) => name === 'rollback') as [Route];
    const ground = await layGround(context, every);
    expectSuccess(await api.delete(`/sessions/${ground.session}`));
    for (const route of GONE) {
      await check(route.name, async () => {
        const param = route.chats ? { param: 'session_id' } : {};
        expectError(await sendRoute(context, route, ground), 'session_not_found', param);
        expectError(await api.get(`/sessions/${ground.session}`), 'session_not_found');
      });
    }
  },
});

export const sessionsIds = defineCase({
  id: 'sessions.ids',
  title: 'no id is used twice',
  needs: ['sessions'],
  checks: { 'of-those-there of-those-gone': 'sessions.ids-unique' },
  async run({ api, check }) {
    const first = await api.createSession();
    const second = await api.createSession();
    await check('of-those-there', () => expectTrue(first.id !== second.id, `two sessions have the id ${first.id}`));
    await check('of-those-gone', async () => {
      const seen = new Set([first.id, second.id]);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const id of seen) await api.delete(`/sessions/${id}`);
        const { id } = await api.createSession();
        expectTrue(!seen.has(id), `the id ${id} of a deleted session was given again`);
        seen.add(id);
      }
    });
  },
});

const Sessions = listOf(Session);

async function listed(api: Api): Promise<string[]> {
  return expectBody(await api.get('/sessions?limit=100'), Sessions).data.map(idOf);
}

export const sessionsUnknown = defineCase({
  id: 'sessions.unknown',
  title: 'an unknown session id',
  needs: ['sessions'],
  checks: { 'not-read not-changed not-deleted': 'sessions.not-found' },
  async run({ api, check }) {
    const session = await api.createSession();
    const path = `/sessions/${unknownId(session.id)}`;
    expectSuccess(await api.get(`/sessions/${session.id}`));
    await check('not-read', async () => expectError(await api.get(path), 'session_not_found'));
    await check('not-changed', async () => {
      expectError(await api.post(path, { title: 'x' }), 'session_not_found');
      expectError(await api.get(path), 'session_not_found');
    });
    await check('not-deleted', async () => expectError(await api.delete(path), 'session_not_found'));
  },
});

export const sessionsChatUnknown = defineCase({
  id: 'sessions.chat-unknown',
  title: 'a chat creates no session',
  needs: ['sessions', 'sessions.list', 'chat'],
  scope: 'account',
  checks: { 'refused stream-refused none-made': 'sessions.chat-unknown' },
  cost: () => CHAT_COST,
  async run({ target, texts, check, emptyAccount }) {
    const api = await emptyAccount();
    const { id } = await api.createSession();
    const nobody = unknownId(id);
    const say = (session_id: string, more: object = {}) =>
      api.post('/chat/completions', {
        model: target.model,
        session_id,
        messages: [user('Reply with the word OK only.')],
        max_tokens: 16 + texts.overhead.answer,
        ...more,
      });
    const param = 'session_id';
    await check('refused', async () => expectError(await say(nobody), 'session_not_found', { param }));
    await check('stream-refused', async () => {
      expectError(await say(nobody, { stream: true }), 'session_not_found', { param });
    });
    await check('none-made', async () => {
      expectError(await api.get(`/sessions/${nobody}`), 'session_not_found');
      expectEqual(await listed(api), [id], 'the sessions of the account');
      expectSuccess(await say(id));
    });
  },
});

export const sessionsIndependent = defineCase({
  id: 'sessions.independent',
  title: 'a change to one session leaves another unchanged',
  needs: ['sessions', 'sessions.append'],
  checks: { 'append-stays-in-one update-stays-in-one delete-stays-in-one': 'sessions.independent' },
  async run({ api, check }) {
    const messages = [user('The first message.')];
    const one = await api.createSession({ messages });
    const other = await api.createSession({ messages });
    const before = await api.stateOf(other.id);
    await check('append-stays-in-one', async () => {
      await api.append(one.id, user('Only for one.'));
      await api.expectUnchanged(before);
    });
    await check('update-stays-in-one', async () => {
      expectSuccess(await api.post(`/sessions/${one.id}`, { title: 'One', metadata: { of: 'one' } }));
      await api.expectUnchanged(before);
    });
    await check('delete-stays-in-one', async () => {
      expectSuccess(await api.delete(`/sessions/${one.id}`));
      await api.expectUnchanged(before);
      await api.append(other.id, user('It goes on.'));
    });
  },
});

export const sessionsHostedAgents = defineCase({
  id: 'sessions.hosted-agents',
  title: 'requests for Hosted Agents are refused',
  needs: ['sessions'],
  checks: { 'read-refused create-refused change-refused says-why': 'sessions.hosted-agents' },
  async run({ api, check }) {
    const headers = { 'kimi-api-version': '2026-09-01' };
    const { id } = await api.createSession();
    const before = await api.stateOf(id);
    const path = `/sessions/${id}`;
    await check('read-refused', async () => expectError(await api.get(path, { headers }), 'invalid_request'));
    const create = await api.post('/sessions', {}, { headers });
    await check('create-refused', () => expectError(create, 'invalid_request'));
    await check('change-refused', async () => {
      expectError(await api.post(path, { title: 'x' }, { headers }), 'invalid_request');
      expectError(await api.delete(path, { headers }), 'invalid_request');
      await api.expectUnchanged(before);
    });
    await check('says-why', () => {
      const message = expectError(create, 'invalid_request');
      expectTrue(/hosted agents/i.test(message), `the refusal says that Hosted Agents are not emulated: ${message}`);
    });
  },
});

const ALIAS = 'kimi-k2-0905';

const UNKNOWN = 'kimi-k2-of-nowhere';

export const sessionsModel = defineCase({
  id: 'sessions.model',
  title: 'the names of models',
  needs: ['sessions'],
  checks: { 'alias-accepted': 'sessions.model-alias', 'unknown-refused unknown-text': 'sessions.model-unknown' },
  async run({ api, target, check }) {
    await check('alias-accepted', async () => {
      const { id, model } = expectBody(await api.post('/sessions', { metadata: api.mark, model: ALIAS }), Session);
      expectEqual(model, ALIAS, 'the model, as it was given');
      expectEqual((await api.getSession(id)).model, ALIAS, 'the model as it is read');
    });
    expectSuccess(await api.post('/sessions', { metadata: api.mark, model: target.model }));
    const reply = await api.post('/sessions', { model: UNKNOWN });
    await check('unknown-refused', () => expectError(reply, 'model_not_found'));
    await check('unknown-text', () => {
      expectEqual(expectError(reply, 'model_not_found'), LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
  },
});
