import { listOf } from '../../../contract/lists.ts';
import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import type { Api } from '../../wire/api.ts';
import { toolCall, toolResult, unknownId, user } from '../../wire/sessions.ts';
import { appendFacts, facts } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** The three kinds of items: their pages, and the rule that says which way their lists go. */
const KINDS = {
  session: { Page: listOf(Session), orderRule: 'lists.sessions-order' },
  message: { Page: listOf(SessionMessage), orderRule: 'lists.messages-order' },
  snapshot: { Page: listOf(Snapshot), orderRule: 'lists.snapshots-order' },
} as const;
type Kind = keyof typeof KINDS;

/** A list that is known: where it is, and its items from first to last in its own order. */
interface Known {
  api: Api;
  path: string;
  items: readonly { id: string }[];
  /** Ids that were items of it once, or are items of another such list, by what has become of them. */
  gone: Readonly<Record<string, string>>;
  /** A list of the same kind without items. */
  empty?: string;
}

interface ListSpec {
  id: string;
  title: string;
  kind: Kind;
  needs: Case['needs'];
  scope: Case['scope'];
  /** Which way the list goes by itself. */
  order: 'asc' | 'desc';
  /** Its items have been moved about, so that it is its items that are looked at, and not the form of its pages. */
  moved?: true;
  /** Lays out at least three items. */
  lay: (context: CaseContext<string>) => Promise<Known>;
}

const ROUNDS = 50;

/** More than is laid out anywhere, and less than any largest page. */
const ALL = 50;

/** What holds of every list. */
function listCase({ id, title, kind, needs, scope, order, moved, lay }: ListSpec): Case {
  const { Page, orderRule } = KINDS[kind];
  const checks: Record<string, WireRuleId> = {
    ...(!moved && {
      shape: 'lists.shape',
      ends: 'lists.ends',
      'no-items': 'lists.ends',
      'order-unknown': 'lists.order',
      'limit-most': 'lists.limit-range',
    }),
    'own-order': orderRule,
    whole: 'lists.whole',
    'order-given': 'lists.order',
    limit: 'lists.limit',
    'limit-refused': 'lists.limit-range',
    pages: 'lists.after',
    'pages-other-order': 'lists.after',
    'has-more': 'lists.has-more',
    'cursor-unknown': 'lists.cursor-unknown',
    'cursor-gone': 'lists.cursor-unknown',
  };
  return defineCase<string>({
    id,
    title,
    needs,
    scope,
    cost: () => ({ requests: 140 }),
    checks,
    async run(context) {
      const { api, path, items, gone, empty } = await lay(context);
      const joint = path.includes('?') ? '&' : '?';
      const ids = items.map((item) => item.id);
      const turned = ids.toReversed();
      const other = order === 'asc' ? 'desc' : 'asc';
      const most = context.limits.page_size_max;
      const page = async (query: string, of = path) =>
        expectBody(await api.get(`${of}${of.includes('?') ? '&' : '?'}${query}`), Page);
      const idsOf = ({ data }: { data: { id: string }[] }) => data.map((item) => item.id);
      const joined = async (query: string) => {
        const found: string[] = [];
        for (let round = 0, after = ''; round < ROUNDS; round += 1) {
          const { data, has_more, last_id } = await page(query + after);
          found.push(...data.map((item) => item.id));
          if (!has_more) return found;
          after = `&after=${last_id}`;
        }
        throw new Mismatch(`GET /v1${path}${joint}${query}: the pages do not end`);
      };
      if (moved) await page(`limit=${ALL}`);
      else await context.require('shape', () => page(`limit=${ALL}`));
      const check = async (name: string, judged: () => unknown) => {
        if (name in checks) await context.check(name, judged);
      };
      await check('own-order', async () => expectEqual(idsOf(await page(`limit=${ALL}`)), ids, 'the ids, as listed'));
      await check('whole', async () =>
        expectEqual((await page(`limit=${ALL}&order=${order}`)).data, items, 'the items'),
      );
      await check('ends', async () => {
        const { data, first_id, last_id } = await page('limit=2');
        expectEqual([first_id, last_id], [data[0]?.id, data.at(-1)?.id], 'first_id and last_id');
      });
      await check('no-items', async () => {
        const behind = `limit=2&after=${ids.at(-1)}`;
        for (const { data, first_id, last_id, has_more } of [
          await page(behind),
          ...(empty ? [await page('limit=2', empty)] : []),
        ]) {
          expectEqual(
            { data, first_id, last_id, has_more },
            { data: [], first_id: null, last_id: null, has_more: false },
            'a page without items',
          );
        }
      });
      await check('order-given', async () => {
        expectEqual(idsOf(await page(`limit=${ALL}&order=${order}`)), ids, `the ids in order ${order}`);
        expectEqual(idsOf(await page(`limit=${ALL}&order=${other}`)), turned, `the ids in order ${other}`);
      });
      await check('order-unknown', async () => {
        expectError(await api.get(`${path}${joint}order=newest`), 'invalid_request', { param: 'order' });
      });
      await check('limit', async () => {
        for (let limit = 1; limit < ids.length; limit += 1) {
          expectEqual(idsOf(await page(`limit=${limit}`)), ids.slice(0, limit), `the page of ${limit}`);
          const after = idsOf(await page(`limit=${limit}&after=${ids[0]}`));
          expectEqual(after, ids.slice(1, 1 + limit), `the page of ${limit} after the first item`);
        }
      });
      await check('limit-most', () => page(`limit=${most}`));
      await check('limit-refused', async () => {
        for (const limit of [0, most + 1, -1, 1.5, 'many']) {
          expectError(await api.get(`${path}${joint}limit=${limit}`), 'invalid_request', { param: 'limit' });
        }
      });
      await check('pages', async () => {
        for (const limit of [1, 2, 3])
          expectEqual(await joined(`limit=${limit}`), ids, `the pages of ${limit}, joined`);
      });
      await check('pages-other-order', async () => {
        expectEqual(await joined(`limit=2&order=${other}`), turned, `the pages in order ${other}, joined`);
      });
      await check('has-more', async () => {
        expectTrue((await page(`limit=${ids.length - 1}`)).has_more, 'has_more is true where one item is left');
        expectTrue(
          !(await page(`limit=${ids.length}`)).has_more,
          'has_more is false where the page ends with the last item',
        );
      });
      await check('cursor-unknown', async () => {
        const unknown = unknownId(ids[0] ?? '');
        expectError(await api.get(`${path}${joint}after=${unknown}`), `${kind}_not_found`, { param: 'after' });
        await page(`after=${ids[0]}`);
      });
      await check('cursor-gone', async () => {
        for (const [what, cursor] of Object.entries(gone)) {
          for (const more of ['', `&order=${other}`, '&limit=1']) {
            const reply = await api.get(`${path}${joint}after=${cursor}${more}`);
            expectTrue(reply.status >= 400, `${what} is refused as a cursor: ${reply.what} ${reply.status}`);
            expectError(reply, `${kind}_not_found`, { param: 'after' });
          }
        }
      });
    },
  });
}

const ITEMS = 5;

const Messages = listOf(SessionMessage);

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

const listsSessions = listCase({
  id: 'lists.sessions',
  title: 'the sessions of an account, in pages',
  kind: 'session',
  order: 'desc',
  needs: ['sessions', 'sessions.list'],
  scope: 'account',
  async lay(context) {
    const api = await context.emptyAccount();
    const items: Session[] = [];
    for (const number of numbers(ITEMS)) items.unshift(await api.createSession({ title: `session ${number}` }));
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

const MOVED = [
  'sessions',
  'sessions.append',
  'sessions.truncate',
  'sessions.snapshot',
  'sessions.rollback',
  'tokens.estimate',
] as const;

const listsMessages = listCase({
  id: 'lists.messages',
  title: 'the messages of a window, in pages',
  kind: 'message',
  order: 'asc',
  needs: ['sessions', 'sessions.append'],
  scope: 'session',
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
  order: 'asc',
  moved: true,
  needs: MOVED,
  scope: 'session',
  async lay(context) {
    const { id, gone } = await movedWindow(context);
    return { api: context.api, path: `/sessions/${id}/messages`, items: await context.api.windowOf(id), gone };
  },
});

const listsCompressedMessages = listCase({
  id: 'lists.compressed-messages',
  title: 'the messages of a window that was compressed, in pages',
  kind: 'message',
  order: 'asc',
  moved: true,
  needs: ['sessions', 'sessions.append', 'sessions.compress'],
  scope: 'session',
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
    order: scope === 'found' ? 'desc' : 'asc',
    moved: true,
    needs: MOVED,
    scope: 'session',
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
  order: 'desc',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'session',
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
  order: 'desc',
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
      return data.map(({ id }) => id);
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
