import { listOf } from '../../../contract/lists.ts';
import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, getSession, user } from '../../wire/dialect.ts';
import { listCase } from './list-case.ts';

const ITEMS = 5;
const Messages = listOf(SessionMessage);

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

export const listsSessions = listCase({
  id: 'lists.sessions',
  title: 'the sessions of an account, in pages',
  kind: 'session',
  needs: ['sessions', 'sessions.list'],
  scope: 'account',
  async lay(trial) {
    const api = await trial.empty();
    const items: Session[] = [];
    for (const number of numbers(ITEMS)) items.unshift(await createSession(api, { title: `session ${number}` }));
    return { api, path: '/sessions', items };
  },
});

export const listsMessages = listCase({
  id: 'lists.messages',
  title: 'the messages of a window, in pages',
  kind: 'message',
  needs: ['sessions', 'sessions.append'],
  scope: 'session',
  async lay({ api }) {
    const { id } = await createSession(api);
    const { id: other } = await createSession(api);
    const { data } = await append(
      api,
      id,
      numbers(ITEMS - 1).map((number) => user(`message ${number}`)),
    );
    const { data: last } = await append(api, id, user('the last message'));
    return { api, path: `/sessions/${id}/messages`, items: [...data, ...last], empty: `/sessions/${other}/messages` };
  },
});

export const listsSessionSnapshots = listCase({
  id: 'lists.session-snapshots',
  title: 'the snapshots of a session, in pages',
  kind: 'snapshot',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'session',
  async lay({ api }) {
    const { id } = await createSession(api, { messages: [user('a message')] });
    const { id: other } = await createSession(api);
    const items = [];
    for (const number of numbers(3)) items.unshift(await createSnapshot(api, id, { name: `snapshot ${number}` }));
    return { api, path: `/sessions/${id}/snapshots`, items, empty: `/sessions/${other}/snapshots` };
  },
});

export const listsSnapshots = listCase({
  id: 'lists.snapshots',
  title: 'the snapshots of an account, in pages',
  kind: 'snapshot',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  async lay(trial) {
    const api = await trial.empty();
    const first = await createSession(api, { messages: [user('a message')] });
    const second = await createSession(api, { messages: [user('another message')] });
    const items = [];
    for (const { id } of [first, second, first]) items.unshift(await createSnapshot(api, id));
    return { api, path: '/snapshots', items };
  },
});

export const listsBelonging = defineCase({
  id: 'lists.belonging',
  title: 'each list holds its own items only',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot'],
  checks: {
    'snapshots-of-one': 'lists.session-snapshots',
    'snapshots-of-all': 'lists.session-snapshots',
    'cursor-of-another': 'lists.cursor-unknown',
    'deleted-not-listed': 'lists.deleted',
  },
  async run(trial) {
    const { api } = trial;
    const one = await createSession(api, { messages: [user('of one')] });
    const other = await createSession(api, { messages: [user('of the other')] });
    const mine = await createSnapshot(api, one.id);
    const theirs = await createSnapshot(api, other.id);
    const ids = async (path: string) => {
      const { data } = answered(await api.get(`${path}?limit=100`), listOf(Session.pick({ id: true })));
      return data.map(({ id }) => id);
    };
    await trial.check('snapshots-of-one', async () => {
      equal(await ids(`/sessions/${one.id}/snapshots`), [mine.id], 'the snapshots of one session');
      equal(await ids(`/sessions/${other.id}/snapshots`), [theirs.id], 'the snapshots of the other');
    });
    await trial.check('snapshots-of-all', async () => {
      equal((await ids('/snapshots')).slice(0, 2), [theirs.id, mine.id], 'the newest snapshots of the account');
    });
    await trial.check('cursor-of-another', async () => {
      const { data } = answered(await api.get(`/sessions/${other.id}/messages`), Messages);
      const reply = await api.get(`/sessions/${one.id}/messages?after=${data[0]?.id}`);
      refused(reply, 'message_not_found', { param: 'after' });
    });
    await trial.check('deleted-not-listed', async () => {
      holds((await ids('/sessions')).includes(one.id), 'a session is listed');
      answered(await api.delete(`/sessions/${one.id}`), Session.pick({ id: true }));
      const left = await ids('/sessions');
      holds(!left.includes(one.id), 'a deleted session is listed');
      holds(left.includes(other.id), 'the session beside it is listed');
      await getSession(api, other.id);
    });
  },
});

export const listsDefault = defineCase({
  id: 'lists.default',
  title: 'a page without limit',
  needs: ['sessions', 'sessions.append'],
  checks: { 'twenty-items': 'lists.default-limit' },
  async run(trial) {
    const { api, limits } = trial;
    const { id } = await createSession(api);
    await append(
      api,
      id,
      numbers(limits.page_size + 1).map((number) => user(`${number}`)),
    );
    await trial.check('twenty-items', async () => {
      const { data, has_more } = answered(await api.get(`/sessions/${id}/messages`), Messages);
      equal([data.length, has_more], [limits.page_size, true], 'the items of a page, and whether there are more');
    });
  },
});
