import { listOf } from '../../../contract/lists.ts';
import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { CUT_AND_BACK } from '../../tables/states.ts';
import { idOf, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { appendFacts, facts, TOOL } from '../../wire/windows.ts';
import { CHANGE_CASE } from './change-case.ts';
import { listCase } from './list-case.ts';

const ITEMS = 5;

const Messages = listOf(SessionMessage);

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

const listsSessions = listCase({
  id: 'lists.sessions',
  title: 'the sessions of an account, in pages',
  kind: 'session',
  needs: ['sessions', 'sessions.list'],
  scope: 'account',
  async lay(context) {
    const api = await context.emptyAccount();
    const items: Session[] = [];
    const filled = { tools: [TOOL], messages: [user('a message')], metadata: { a: 'b', ...api.mark } };
    for (const number of numbers(ITEMS)) {
      items.unshift(await api.createSession({ title: `session ${number}`, ...(number % 2 === 1 && filled) }));
    }
    const { id: deleted } = await api.createSession();
    expectSuccess(await api.delete(`/sessions/${deleted}`));
    return { api, path: '/sessions', items, gone: { 'a deleted session': deleted } };
  },
});

const TOOL_GROUP = [
  toolCall('call_a', 'call_b', 'call_c'),
  toolResult('call_c', 'the third of a group'),
  toolResult('call_a', 'the first of a group'),
  toolResult('call_b', 'the second of a group'),
];

/** A window of plain messages and a group, and the ids of messages that no longer stand in it. */
async function movedWindow(context: CaseContext<string>): Promise<{ id: string; gone: Record<string, string> }> {
  const { api, limits, texts } = context;
  const { id } = await api.createSession();
  const other = await api.createSession({ messages: [user('of another session')] });
  const [foreign] = await api.windowOf(other.id);
  const half = user(await texts.exactly(Math.floor(limits.min_preserve_tokens / 2)));
  const cut = await api.append(id, user('cut away'));
  for (let writes = 0; writes < 2; writes += 1) await api.append(id, half);
  expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: limits.min_preserve_tokens }));
  await api.append(id, [user('before the group'), ...TOOL_GROUP]);
  const { snapshot_id } = await api.createSnapshot(id);
  const undone = await api.append(id, user('rolled back'));
  expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
  await api.append(id, user('behind the group'));
  const gone = {
    'a message of another session': foreign,
    'a cut message': cut.data[0],
    'an undone message': undone.data[0],
  };
  return { id, gone: Object.fromEntries(Object.entries(gone).map(([what, message]) => [what, message?.id ?? ''])) };
}

const listsMessages = listCase({
  id: 'lists.messages',
  title: 'the messages of a window, in pages',
  kind: 'message',
  needs: ['sessions', 'sessions.append'],
  async lay({ api }) {
    const { id } = await api.createSession();
    const { id: other } = await api.createSession();
    const { id: empty } = await api.createSession();
    const { data } = await api.append(id, [user('before'), ...TOOL_GROUP, user('behind')]);
    const { data: last } = await api.append(id, user('the last message'));
    const { data: foreign } = await api.append(other, user('of another session'));
    const gone = { 'a message of another session': foreign[0]?.id ?? '' };
    return {
      api,
      path: `/sessions/${id}/messages`,
      items: [...data, ...last],
      gone,
      empty: `/sessions/${empty}/messages`,
    };
  },
});

const listsMovedMessages = listCase({
  id: 'lists.moved-messages',
  title: 'the messages of a window that was cut and rolled back, in pages',
  kind: 'message',
  moved: true,
  needs: CUT_AND_BACK,
  async lay(context) {
    const { id, gone } = await movedWindow(context);
    return { api: context.api, path: `/sessions/${id}/messages`, items: await context.api.windowOf(id), gone };
  },
});

const listsCompressedMessages = listCase({
  id: 'lists.compressed-messages',
  title: 'the messages of a window that was compressed, in pages',
  kind: 'message',
  moved: true,
  needs: ['sessions', 'sessions.append', 'sessions.compress'],
  async lay(context) {
    const { api } = context;
    const { id } = await api.createSession();
    await appendFacts(context, id, facts(24));
    const replaced = await api.windowOf(id);
    expectSuccess(await api.post(`/sessions/${id}/compress`, { ratio: 2 }));
    const [summary] = await api.windowOf(id);
    const { data } = await api.append(id, [...TOOL_GROUP, user('behind')]);
    const gone = {
      'a replaced message': replaced[0]?.id ?? '',
      'the last replaced message': replaced.at(-1)?.id ?? '',
    };
    return { api, path: `/sessions/${id}/messages`, items: [summary as SessionMessage, ...data], gone };
  },
});

/** The lists of a snapshot: what it restores, what it archives, and what is found in either. */
const listsOfSnapshot = (['restored', 'archived', 'found'] as const).map((scope) =>
  listCase({
    id: `lists.${scope}-messages`,
    title: `the messages of a snapshot that are ${scope}, in pages`,
    kind: 'message',
    ...(scope === 'found' && { order: 'desc' as const }),
    moved: true,
    needs: CUT_AND_BACK,
    async lay(context) {
      const { api, limits } = context;
      const { id, gone } = await movedWindow(context);
      const window = await api.windowOf(id);
      const { id: snapshot } = await api.createSnapshot(id, { preserve_len: limits.min_preserve_tokens });
      const { data } = await api.append(id, user('after the group'));
      const restored = await api.readMessages(`/snapshots/${snapshot}/messages`);
      const oldest = window.find((message) => !restored.some((kept) => kept.id === message.id));
      const later = { ...gone, 'a later message': data[0]?.id ?? '' };
      const path = `/snapshots/${snapshot}/messages`;
      if (scope === 'archived') return { api, path: `${path}?scope=archived`, items: window, gone: later };
      if (scope === 'restored')
        return { api, path, items: restored, gone: { ...later, 'what is not restored': oldest?.id ?? '' } };
      const items = window.filter(({ content }) => String(content).includes('group')).toReversed();
      const unfound = window.find(({ tool_calls }) => tool_calls);
      return {
        api,
        path: `${path}?scope=archived&query=GROUP`,
        items,
        gone: { ...later, 'a message without the word': unfound?.id ?? '' },
      };
    },
  }),
);

const listsSessionSnapshots = listCase({
  id: 'lists.session-snapshots',
  title: 'the snapshots of a session, in pages',
  kind: 'snapshot',
  needs: ['sessions', 'sessions.snapshot'],
  async lay({ api }) {
    const { id } = await api.createSession({ messages: [user('a message')] });
    const { id: other } = await api.createSession();
    const { id: another } = await api.createSession();
    const items = [];
    const foreign = await api.createSnapshot(another);
    for (const number of numbers(4)) items.unshift(await api.createSnapshot(id, { name: `snapshot ${number}` }));
    const deleted = await api.createSnapshot(id);
    expectSuccess(await api.delete(`/snapshots/${deleted.id}`));
    const gone = { 'a deleted snapshot': deleted.id, 'a snapshot of another session': foreign.id };
    return { api, path: `/sessions/${id}/snapshots`, items, gone, empty: `/sessions/${other}/snapshots` };
  },
});

const listsSnapshots = listCase({
  id: 'lists.snapshots',
  title: 'the snapshots of an account, in pages',
  kind: 'snapshot',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  async lay(context) {
    const api = await context.emptyAccount();
    const first = await api.createSession({ messages: [user('a message')] });
    const second = await api.createSession({ messages: [user('another message')] });
    const items = [];
    for (const { id } of [first, second, first, second]) items.unshift(await api.createSnapshot(id));
    const deleted = await api.createSnapshot(first.id);
    expectSuccess(await api.delete(`/snapshots/${deleted.id}`));
    return { api, path: '/snapshots', items, gone: { 'a deleted snapshot': deleted.id } };
  },
});

const listsBelonging = defineCase({
  id: 'lists.belonging',
  title: 'each list holds its own items only',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot'],
  checks: {
    'snapshots-of-one snapshots-of-all': 'lists.session-snapshots',
    'cursor-of-another': 'lists.cursor-unknown',
    'deleted-not-listed': 'lists.deleted',
  },
  async run({ api, check }) {
    const one = await api.createSession({ messages: [user('of one')] });
    const other = await api.createSession({ messages: [user('of the other')] });
    const mine = await api.createSnapshot(one.id);
    const theirs = await api.createSnapshot(other.id);
    const ids = async (path: string) => {
      const { data } = expectBody(await api.get(`${path}?limit=100`), listOf(Session.pick({ id: true })));
      return data.map(idOf);
    };
    await check('snapshots-of-one', async () => {
      expectEqual(await ids(`/sessions/${one.id}/snapshots`), [mine.id], 'the snapshots of one session');
      expectEqual(await ids(`/sessions/${other.id}/snapshots`), [theirs.id], 'the snapshots of the other');
    });
    await check('snapshots-of-all', async () => {
      expectEqual((await ids('/snapshots')).slice(0, 2), [theirs.id, mine.id], 'the newest snapshots of the account');
    });
    await check('cursor-of-another', async () => {
      const { data } = expectBody(await api.get(`/sessions/${other.id}/messages`), Messages);
      const reply = await api.get(`/sessions/${one.id}/messages?after=${data[0]?.id}`);
      expectError(reply, 'message_not_found', { param: 'after' });
    });
    await check('deleted-not-listed', async () => {
      expectTrue((await ids('/sessions')).includes(one.id), 'a session is listed');
      expectBody(await api.delete(`/sessions/${one.id}`), Session.pick({ id: true }));
      const left = await ids('/sessions');
      expectTrue(!left.includes(one.id), 'a deleted session is listed');
      expectTrue(left.includes(other.id), 'the session beside it is listed');
      await api.getSession(other.id);
    });
  },
});

const listsDefault = defineCase({
  id: 'lists.default',
  title: 'a page without limit',
  needs: ['sessions', 'sessions.append'],
  checks: { 'twenty-items': 'lists.default-limit' },
  async run({ api, limits, check }) {
    const { id } = await api.createSession();
    await api.append(
      id,
      numbers(limits.page_size + 1).map((number) => user(`${number}`)),
    );
    await check('twenty-items', async () => {
      const { data, has_more } = expectBody(await api.get(`/sessions/${id}/messages`), Messages);
      expectEqual([data.length, has_more], [limits.page_size, true], 'the items of a page, and whether there are more');
    });
  },
});

export const LISTS_CASES: readonly Case[] = [
  CHANGE_CASE,
  listsSessions,
  listsMessages,
  listsMovedMessages,
  listsCompressedMessages,
  ...listsOfSnapshot,
  listsSessionSnapshots,
  listsSnapshots,
  listsBelonging,
  listsDefault,
];
