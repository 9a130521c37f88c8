import { onRoute } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { changedBy, codeOf, noteRequests, sessionAt } from '../../proof/sessions.ts';
import { LISTS_CASES } from './cases.ts';
import { CHANGE_CASE, STEPS } from './change-case.ts';

const mutant = mutantsOf('lists', { pages, queries, staleAfter });

const LIST = /^\/v1\/(?:sessions|snapshots|sessions\/[^/]+\/(?:messages|snapshots)|snapshots\/[^/]+\/messages)$/;
/** The longest page is what everything else is read by, so that it stays as it is. */
const LONGEST = 'limit=100';

type Page = Json & { data: Json[]; first_id: string | null; last_id: string | null; has_more: boolean };

const isList = ({ method, path, search }: Passing) =>
  method === 'GET' &&
  LIST.test(path) &&
  (path === '/v1/sessions' || !search.includes(LONGEST) || search.includes('after='));

/** The same check of each list. */
const each = (...checks: string[]) =>
  LISTS_CASES.flatMap(({ id, checks: known }) =>
    checks.filter((check) => check in known).map((check) => `${id}/${check}`),
  );

/** Once a session has been changed on one route, it is listed as it was before. */
function staleAfter(name: string): Handler {
  const past = new Map<string, Json>();
  const note = onRoute(name, async (request, forward) => {
    const id = changedBy(request) ?? '';
    past.set(id, await sessionAt(forward, id));
    return forward();
  });
  return async (request, forward) => {
    const response = await note(request, forward);
    if (request.method !== 'GET' || request.path !== '/v1/sessions' || !response.ok) return response;
    return editJson(response, (page: Page) => ({
      ...page,
      data: page.data.map((session) => past.get(String(session.id)) ?? session),
    }));
  };
}

/** Changes the query of every list; undefined takes a parameter away. */
function queries(edit: (query: Record<string, string>, path: string) => Record<string, string | undefined>): Handler {
  return (request, forward) => {
    if (!isList(request)) return forward();
    const given = Object.fromEntries(new URLSearchParams(request.search));
    const left = Object.entries(edit(given, request.path)).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    return forward({ search: left.length > 0 ? `?${new URLSearchParams(left)}` : '' });
  };
}

/** Changes every page. */
function pages(edit: (page: Page, query: URLSearchParams) => object): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (!isList(request) || !response.ok) return response;
    return editJson(response, (page: Page) => edit(page, new URLSearchParams(request.search)));
  };
}

const within = (limit: string) => String(Math.min(100, Math.max(1, Math.round(Number(limit)) || 20)));

export const LISTS_MUTANTS: readonly Mutant[] = [
  ...STEPS.map(({ name }) =>
    mutant(`stale-after-${name}`, `a session is listed as it was before ${name}`)
      .caughtBy(`${CHANGE_CASE.id}/${name}`)
      .staleAfter(name),
  ),
  mutant('bare-array', 'a list is answered as an array')
    .caughtBy(...each('shape'))
    .pages(({ data }) => data),
  mutant('other-way-round', 'lists run the other way where no order is asked for')
    .caughtBy(...each('own-order'))
    .queries((query, path) => ({
      order: path.endsWith('/messages') && query.query === undefined ? 'desc' : 'asc',
      ...query,
    })),
  mutant('items-of-now', 'items say that they were created when they were listed')
    .caughtBy(...each('whole'))
    .pages((page) => ({
      ...page,
      data: page.data.map((item) => ({ ...item, created_at: Number(item.created_at) + 1 })),
    })),
  mutant('last-is-first', '`last_id` is the id of the first item')
    .caughtBy(...each('ends', 'pages'))
    .pages((page) => ({ ...page, last_id: page.first_id })),
  mutant('ends-empty', 'the ids of a page without items are empty texts')
    .caughtBy(...each('no-items'))
    .pages((page) => ({ ...page, first_id: page.first_id ?? '', last_id: page.last_id ?? '' })),
  mutant('first-of-later-pages', '`first_id` is null on every page but the first')
    .caughtBy(...each('ends'))
    .pages((page, query) => (query.has('after') ? { ...page, first_id: null } : page)),
  mutant('ends-of-single-item', 'a page of one item has no ends')
    .caughtBy(...each('ends'))
    .pages((page) => (page.data.length === 1 ? { ...page, first_id: null, last_id: null } : page)),
  mutant('unknown-order-ignored', 'an order that does not exist is ignored')
    .caughtBy(...each('order-unknown'))
    .queries(({ order, ...query }) => (order === 'asc' || order === 'desc' ? { ...query, order } : query)),
  mutant('sessions-without-tools', 'sessions are listed without their tools')
    .caughtBy('lists.sessions/whole')
    .on('GET', '/v1/sessions', async (_, forward) =>
      editJson(await forward(), (page: Page) => ({
        ...page,
        data: page.data?.map((item) => ({ ...item, tools: [] })),
      })),
    ),
  mutant('sessions-uncounted', 'sessions are listed without the number of their messages')
    .caughtBy('lists.sessions/whole')
    .on('GET', '/v1/sessions', async (_, forward) =>
      editJson(await forward(), (page: Page) => ({
        ...page,
        data: page.data?.map((item) => ({ ...item, usage: { ...(item.usage as Json), messages: 0 } })),
      })),
    ),
  mutant('order-ignored', '`order` is ignored')
    .caughtBy(...each('order-given', 'order-unknown', 'pages-other-order'))
    .queries(({ order, ...query }) => query),
  mutant('limit-ignored', '`limit` is ignored')
    .caughtBy(...each('limit', 'limit-refused'))
    .queries(({ limit, ...query }) => query),
  mutant('limit-below-most', 'the largest page is refused')
    .caughtBy(...each('limit-most'))
    .proxy(
      () =>
        async ({ method, path, search }, forward) =>
          method === 'GET' && LIST.test(path) && search === `?${LONGEST}`
            ? forward({ search: '?limit=101' })
            : forward(),
    ),
  mutant('limit-corrected', 'a limit out of range is brought into it silently')
    .caughtBy(...each('limit-refused'))
    .queries((query) => (query.limit === undefined ? query : { ...query, limit: within(query.limit) })),
  mutant('after-ignored', '`after` is ignored')
    .caughtBy(...each('pages', 'pages-other-order', 'cursor-unknown', 'cursor-gone'))
    .queries(({ after, ...query }) => query),
  mutant('after-skips-one', 'a page begins one item too late')
    .caughtBy(...each('pages', 'pages-other-order'))
    .pages((page, query) => (query.has('after') ? { ...page, data: page.data.slice(1) } : page)),
  mutant('has-more-of-full-pages', '`has_more` is true where the page is full')
    .caughtBy(...each('has-more'))
    .pages((page, query) => ({ ...page, has_more: page.data.length === Number(query.get('limit') ?? 20) })),
  mutant('has-more-never', '`has_more` is never true')
    .caughtBy(...each('has-more', 'pages'))
    .pages((page) => ({ ...page, has_more: false })),
  ...(['asc', 'desc'] as const).map((order) =>
    mutant(`has-more-never-${order}`, `\`has_more\` is never true where the order ${order} is asked for`)
      .caughtBy(...each('has-more'))
      .pages((page, query) => (query.get('order') === order ? { ...page, has_more: false } : page)),
  ),
  mutant('unknown-cursor-ignored', 'a cursor that is not found is ignored')
    .caughtBy(...each('cursor-unknown', 'cursor-gone'), 'lists.belonging/cursor-of-another')
    .proxy(() => async (request, forward) => {
      const response = await forward();
      return isList(request) && (await codeOf(response))?.endsWith('not_found') === true && request.search !== ''
        ? forward({ search: '?limit=100' })
        : response;
    }),
  mutant('gone-cursor-known', 'an id that was an item once begins a page like any other')
    .caughtBy(...each('cursor-gone'))
    .proxy(() => {
      const seen = new Set<string>();
      return async (request, forward) => {
        const response = await forward();
        const text = await response.clone().text();
        for (const [id] of text.matchAll(/\b(?:sess|snap|msg)_[a-z0-9]+/g)) if (response.ok) seen.add(id);
        const after = new URLSearchParams(request.search).get('after');
        if (!isList(request) || response.ok || after === null || !seen.has(after)) return response;
        return forward({ search: request.search.replace(`after=${after}`, '') });
      };
    }),
  mutant('groups-whole', 'a page does not end within a tool group, and holds more than its limit')
    .caughtBy(
      'lists.messages/limit',
      'lists.moved-messages/limit',
      'lists.restored-messages/limit',
      'lists.archived-messages/limit',
    )
    .proxy(() => async (request, forward) => {
      const response = await forward();
      if (!isList(request) || !response.ok) return response;
      const page = (await response.clone().json()) as Page;
      if (page.data.at(-1)?.role !== 'tool' && page.data.at(-1)?.tool_calls === undefined) return response;
      const limit = Number(new URLSearchParams(request.search).get('limit') ?? 20);
      return forward({ search: request.search.replace(`limit=${limit}`, `limit=${limit + 3}`) });
    }),
  mutant('snapshots-of-account', 'the snapshots of a session are those of the account')
    .caughtBy('lists.belonging/snapshots-of-one')
    .on('GET', '/v1/sessions/:id/snapshots', (_, forward) => forward({ path: '/v1/snapshots' })),
  mutant('snapshots-of-last', 'the snapshots of the account are those of the session used last')
    .caughtBy('lists.belonging/snapshots-of-all', 'lists.snapshots/own-order')
    .proxy(() => {
      let last = '';
      return chain(
        noteRequests('POST', '/v1/sessions/:id/snapshots', ({ path }) => {
          last = path;
        }),
        on('GET', '/v1/snapshots', (_, forward) => (last === '' ? forward() : forward({ path: last }))),
      );
    }),
  mutant('deleted-listed', 'a deleted session is listed until its page is made anew')
    .caughtBy('lists.belonging/deleted-not-listed')
    .proxy(() => {
      const gone: Json[] = [];
      return chain(
        on('DELETE', '/v1/sessions/:id', async (_, forward) => {
          const known = await forward({ method: 'GET' });
          if (known.ok) gone.push((await known.json()) as Json);
          return forward();
        }),
        on('GET', '/v1/sessions', async (_, forward) => {
          const response = await forward();
          const page = (await response.clone().json()) as Page;
          return response.ok ? json({ ...page, data: [...page.data, ...gone] }) : response;
        }),
      );
    }),
];
