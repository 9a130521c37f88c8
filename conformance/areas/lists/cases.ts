import { listOf } from '../../../contract/lists.ts';
import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import type { Api } from '../../wire/api.ts';
import { append, createSession, createSnapshot, getSession, unknownId, user } from '../../wire/sessions.ts';

/** The three kinds of items: their pages, which way their lists go by themselves, and the rule that says so. */
const KINDS = {
  session: { Page: listOf(Session), order: 'desc', orderRule: 'lists.sessions-order' },
  message: { Page: listOf(SessionMessage), order: 'asc', orderRule: 'lists.messages-order' },
  snapshot: { Page: listOf(Snapshot), order: 'desc', orderRule: 'lists.snapshots-order' },
} as const;

type Kind = keyof typeof KINDS;

/** A list that is known: where it is, and its items from first to last in its own order. */
interface Known {
  api: Api;
  path: string;
  items: readonly { id: string }[];
  /** A list of the same kind without items. */
  empty?: string;
}

interface ListSpec {
  id: string;
  title: string;
  kind: Kind;
  needs: Case['needs'];
  scope: Case['scope'];
  /** Lays out at least three items. */
  lay: (context: CaseContext<string>) => Promise<Known>;
}

const ROUNDS = 50;

/** More than is laid out anywhere, and less than any largest page. */
const ALL = 50;

/** What holds of every list. */
function listCase({ id, title, kind, needs, scope, lay }: ListSpec): Case {
  const { Page, order, orderRule } = KINDS[kind];
  return defineCase({
    id,
    title,
    needs,
    scope,
    checks: {
      shape: 'lists.shape',
      'own-order': orderRule,
      whole: 'lists.whole',
      ends: 'lists.ends',
      'no-items': 'lists.ends',
      'order-given': 'lists.order',
      'order-unknown': 'lists.order',
      limit: 'lists.limit',
      'limit-most': 'lists.limit-range',
      'limit-refused': 'lists.limit-range',
      pages: 'lists.after',
      'pages-other-order': 'lists.after',
      'has-more': 'lists.has-more',
      'cursor-unknown': 'lists.cursor-unknown',
    },
    async run(context) {
      const { api, path, items, empty } = await lay(context);
      const ids = items.map((item) => item.id);
      const turned = ids.toReversed();
      const other = order === 'asc' ? 'desc' : 'asc';
      const most = context.limits.page_size_max;
      const page = async (query: string, of = path) => expectBody(await api.get(`${of}?${query}`), Page);
      const idsOf = ({ data }: { data: { id: string }[] }) => data.map((item) => item.id);
      const joined = async (query: string) => {
        const found: string[] = [];
        for (let round = 0, after = ''; round < ROUNDS; round += 1) {
          const { data, has_more, last_id } = await page(query + after);
          found.push(...data.map((item) => item.id));
          if (!has_more) return found;
          after = `&after=${last_id}`;
        }
        throw new Mismatch(`GET /v1${path}?${query}: the pages do not end`);
      };
      await context.require('shape', () => page(`limit=${ALL}`));
      await context.check('own-order', async () =>
        expectEqual(idsOf(await page(`limit=${ALL}`)), ids, 'the ids, as listed'),
      );
      await context.check('whole', async () =>
        expectEqual((await page(`limit=${ALL}&order=${order}`)).data, items, 'the items'),
      );
      await context.check('ends', async () => {
        const { data, first_id, last_id } = await page('limit=2');
        expectEqual([first_id, last_id], [data[0]?.id, data.at(-1)?.id], 'first_id and last_id');
      });
      await context.check('no-items', async () => {
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
      await context.check('order-given', async () => {
        expectEqual(idsOf(await page(`limit=${ALL}&order=${order}`)), ids, `the ids in order ${order}`);
        expectEqual(idsOf(await page(`limit=${ALL}&order=${other}`)), turned, `the ids in order ${other}`);
      });
      await context.check('order-unknown', async () => {
        expectError(await api.get(`${path}?order=newest`), 'invalid_request', { param: 'order' });
      });
      await context.check('limit', async () => {
        for (const limit of [1, 2])
          expectEqual(idsOf(await page(`limit=${limit}`)), ids.slice(0, limit), `the page of ${limit}`);
      });
      await context.check('limit-most', () => page(`limit=${most}`));
      await context.check('limit-refused', async () => {
        for (const limit of [0, most + 1, -1, 1.5, 'many']) {
          expectError(await api.get(`${path}?limit=${limit}`), 'invalid_request', { param: 'limit' });
        }
      });
      await context.check('pages', async () => {
        for (const limit of [1, 2]) expectEqual(await joined(`limit=${limit}`), ids, `the pages of ${limit}, joined`);
      });
      await context.check('pages-other-order', async () => {
        expectEqual(await joined(`limit=2&order=${other}`), turned, `the pages in order ${other}, joined`);
      });
      await context.check('has-more', async () => {
        expectTrue((await page(`limit=${ids.length - 1}`)).has_more, 'has_more is true where one item is left');
        expectTrue(
          !(await page(`limit=${ids.length}`)).has_more,
          'has_more is false where the page ends with the last item',
        );
      });
      await context.check('cursor-unknown', async () => {
        const unknown = unknownId(ids[0] ?? '');
        expectError(await api.get(`${path}?after=${unknown}`), `${kind}_not_found`, { param: 'after' });
        await page(`after=${ids[0]}`);
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
  needs: ['sessions', 'sessions.list'],
  scope: 'account',
  async lay(context) {
    const api = await context.emptyAccount();
    const items: Session[] = [];
    for (const number of numbers(ITEMS)) items.unshift(await createSession(api, { title: `session ${number}` }));
    return { api, path: '/sessions', items };
  },
});

const listsMessages = listCase({
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

const listsSessionSnapshots = listCase({
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

const listsSnapshots = listCase({
  id: 'lists.snapshots',
  title: 'the snapshots of an account, in pages',
  kind: 'snapshot',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  async lay(context) {
    const api = await context.emptyAccount();
    const first = await createSession(api, { messages: [user('a message')] });
    const second = await createSession(api, { messages: [user('another message')] });
    const items = [];
    for (const { id } of [first, second, first]) items.unshift(await createSnapshot(api, id));
    return { api, path: '/snapshots', items };
  },
});

const listsBelonging = defineCase({
  id: 'lists.belonging',
  title: 'each list holds its own items only',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot'],
  checks: {
    'snapshots-of-one': 'lists.session-snapshots',
    'snapshots-of-all': 'lists.session-snapshots',
    'cursor-of-another': 'lists.cursor-unknown',
    'deleted-not-listed': 'lists.deleted',
  },
  async run(context) {
    const { api } = context;
    const one = await createSession(api, { messages: [user('of one')] });
    const other = await createSession(api, { messages: [user('of the other')] });
    const mine = await createSnapshot(api, one.id);
    const theirs = await createSnapshot(api, other.id);
    const ids = async (path: string) => {
      const { data } = expectBody(await api.get(`${path}?limit=100`), listOf(Session.pick({ id: true })));
      return data.map(({ id }) => id);
    };
    await context.check('snapshots-of-one', async () => {
      expectEqual(await ids(`/sessions/${one.id}/snapshots`), [mine.id], 'the snapshots of one session');
      expectEqual(await ids(`/sessions/${other.id}/snapshots`), [theirs.id], 'the snapshots of the other');
    });
    await context.check('snapshots-of-all', async () => {
      expectEqual((await ids('/snapshots')).slice(0, 2), [theirs.id, mine.id], 'the newest snapshots of the account');
    });
    await context.check('cursor-of-another', async () => {
      const { data } = expectBody(await api.get(`/sessions/${other.id}/messages`), Messages);
      const reply = await api.get(`/sessions/${one.id}/messages?after=${data[0]?.id}`);
      expectError(reply, 'message_not_found', { param: 'after' });
    });
    await context.check('deleted-not-listed', async () => {
      expectTrue((await ids('/sessions')).includes(one.id), 'a session is listed');
      expectBody(await api.delete(`/sessions/${one.id}`), Session.pick({ id: true }));
      const left = await ids('/sessions');
      expectTrue(!left.includes(one.id), 'a deleted session is listed');
      expectTrue(left.includes(other.id), 'the session beside it is listed');
      await getSession(api, other.id);
    });
  },
});

const listsDefault = defineCase({
  id: 'lists.default',
  title: 'a page without limit',
  needs: ['sessions', 'sessions.append'],
  checks: { 'twenty-items': 'lists.default-limit' },
  async run(context) {
    const { api, limits } = context;
    const { id } = await createSession(api);
    await append(
      api,
      id,
      numbers(limits.page_size + 1).map((number) => user(`${number}`)),
    );
    await context.check('twenty-items', async () => {
      const { data, has_more } = expectBody(await api.get(`/sessions/${id}/messages`), Messages);
      expectEqual([data.length, has_more], [limits.page_size, true], 'the items of a page, and whether there are more');
    });
  },
});

export const LISTS_CASES: readonly Case[] = [
  listsSessions,
  listsMessages,
  listsSessionSnapshots,
  listsSnapshots,
  listsBelonging,
  listsDefault,
];
