import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { answer, chain, editJson, type Handler, json, on } from '../../proof/proxy.ts';
import { ask, editAnswers, editBodies, editSuccess, noteRequests, unpin, windowAt } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { ANSWER_MUTANTS } from './answer-mutants.ts';

const mutant = mutantsOf('snapshots', { listedBy, listing, taking });

type Listed = Pick<SessionMessage, 'id'>;

/** Lists a snapshot's messages otherwise, by what the window of its session holds when they are read. */
function listedBy(edit: (listed: Listed[], window: SessionMessage[]) => Listed[]): Handler {
  const sessions = new Map<string, string>();
  return chain(
    editAnswers('POST', '/v1/sessions/:id/snapshots', (taken, [id = '']) => void sessions.set(String(taken.id), id)),
    on('GET', '/v1/snapshots/:id/messages', async ({ ids: [id = ''] }, forward) => {
      const window = await windowAt(forward, sessions.get(id) ?? '');
      return editSuccess(await forward(), (list) => ({ ...list, data: edit(list.data as Listed[], window) }));
    }),
  );
}

const TAKE = '/v1/sessions/:id/snapshots';

const READ = '/v1/snapshots/:id/messages';

/** A snapshot and its session are not kept apart. */
const SNAPSHOT_CHANGING_MUTANTS = [
  mutant('live-reference', 'a snapshot shows the window as it is now')
    .caughtBy('snapshots.immutable/after-writes after-cut')
    .listedBy((_, window) => window),
  mutant('shares-pins', 'pins are kept with the message, so that snapshots show those of today')
    .caughtBy('snapshots.immutable/after-pins')
    .proxy(() => {
      const pins = new Map<string, boolean>();
      return chain(
        noteRequests('POST', '/v1/sessions/:id/messages/:message', ({ ids: [, message = ''], body }) =>
          pins.set(message, (body as { pinned: boolean }).pinned),
        ),
        editAnswers('GET', READ, (list) => ({
          ...list,
          data: (list.data as { id: string; pinned: boolean }[]).map((one) => ({
            ...one,
            pinned: pins.get(one.id) ?? one.pinned,
          })),
        })),
      );
    }),
  mutant('shares-tools', 'the usage of a snapshot counts the tools that its session has now')
    .caughtBy('snapshots.immutable/after-other-tools')
    .on('GET', '/v1/snapshots/:id', async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const taken = (await response.json()) as Json;
      const { body } = await ask(forward, 'GET', `/v1/sessions/${taken.session_id}`);
      const { tools_tokens } = (body.usage ?? taken.usage) as Json;
      return json({ ...taken, usage: { ...(taken.usage as Json), tools_tokens } });
    }),
  mutant('unpins-the-session', 'taking a snapshot moves the pins of the session into it')
    .caughtBy('snapshots.object/session-unchanged')
    .on('POST', TAKE, async ({ ids: [id = ''] }, forward) => {
      const response = await forward();
      await unpin(forward, id, ({ role }) => role === 'system');
      return response;
    }),
];

/** Snapshots are taken otherwise than asked for. */
function taking(change: (body: Json) => Json): Handler {
  return editBodies('POST', TAKE, change);
}

/** What `preserve_len` says is not what is restored. */
const SNAPSHOT_LENGTH_MUTANTS = [
  mutant('under-minimum-accepted', 'a preserve_len below the minimum is raised to it')
    .caughtBy('snapshots.preserve-len/less-refused')
    .taking((body) =>
      typeof body.preserve_len === 'number'
        ? { ...body, preserve_len: Math.max(body.preserve_len, SMALL_LIMITS.min_preserve_tokens) }
        : body,
    ),
  mutant('minimum-refused', 'the minimum itself is refused')
    .caughtBy('snapshots.preserve-len/minimum-accepted')
    .taking((body) => (body.preserve_len === SMALL_LIMITS.min_preserve_tokens ? { ...body, preserve_len: 1 } : body)),
  mutant('preserve-len-ignored', 'preserve_len is noted, and all is restored')
    .caughtBy('snapshots.preserve-len/restores-the-newest usage-of-both', 'snapshots.as-truncate/same-messages')
    .on('POST', TAKE, async ({ body }, forward) => {
      const { preserve_len = null, ...rest } = body as Json;
      return editSuccess(await forward({ body: rest }), (taken) => ({ ...taken, preserve_len }));
    }),
  mutant('cuts-no-text', 'a newest message that is too large is restored whole')
    .caughtBy('snapshots.as-truncate/same-cut-text')
    .listedBy((listed, window) => listed.map((one) => window.find(({ id }) => id === one.id) ?? one)),
  mutant('unfit-accepted', 'a preserve_len that pins do not fit into is raised until they do')
    .caughtBy('snapshots.preserve-len/what-truncate-refuses-refused')
    .on('POST', TAKE, async ({ body }, forward) => {
      const response = await forward();
      const { preserve_len } = body as { preserve_len?: number };
      if (response.ok || Number(preserve_len) < SMALL_LIMITS.min_preserve_tokens) return response;
      return forward({ body: {} });
    }),
  mutant('minimum-by-default', 'without preserve_len the minimum is restored')
    .caughtBy('snapshots.object/all-by-default usage-of-the-window')
    .taking((body) => ({ preserve_len: SMALL_LIMITS.min_preserve_tokens, ...body })),
];

const { snapshots: LIMIT } = SMALL_LIMITS;

const FULL = 'Invalid request: the number of snapshots of this account has reached the limit: 12';

/** Counts snapshots in its own way, in front of an emulator that has room for more. */
function counting(key: (session: string, authorization: string) => string, freed: boolean): Handler {
  const taken = new Map<string, number>();
  const add = (name: string, step: number) => taken.set(name, (taken.get(name) ?? 0) + step);
  return chain(
    on('POST', TAKE, async ({ ids: [id = ''], headers }, forward) => {
      const name = key(id, headers.authorization ?? '');
      if ((taken.get(name) ?? 0) >= LIMIT) {
        const error = { message: FULL, type: 'invalid_request_error', code: 'snapshot_limit_reached' };
        return json({ error }, 400);
      }
      add(name, 1);
      return forward();
    }),
    on('DELETE', '/v1/snapshots/:id', async ({ headers }, forward) => {
      if (freed) add(key('', headers.authorization ?? ''), -1);
      return forward();
    }),
  );
}

/** How many an account may hold. */
const SNAPSHOT_LIMIT_MUTANTS = [
  mutant('one-over-the-limit', 'one snapshot more than the limit is accepted')
    .caughtBy('snapshots.limit/one-more-refused')
    .limits({ snapshots: LIMIT + 1 }),
  mutant('one-under-the-limit', 'the last snapshot within the limit is refused')
    .caughtBy('snapshots.limit/last-accepted')
    .limits({ snapshots: LIMIT - 1 }),
  mutant('limit-per-session', 'the limit is counted for each session')
    .caughtBy('snapshots.limit/one-more-refused')
    .limits({ snapshots: 5 * LIMIT }, () => counting((session) => session, true)),
  mutant('limit-never-freed', 'deleted snapshots go on counting')
    .caughtBy('snapshots.limit/deleting-makes-room')
    .limits({ snapshots: 5 * LIMIT }, () => counting((_, authorization) => authorization, false)),
  mutant('limit-global', 'the limit is counted over all accounts')
    .caughtBy('snapshots.limit/other-account-has-room')
    .limits({ snapshots: 5 * LIMIT }, () => counting(() => 'all', true)),
  mutant('oldest-dropped', 'a full account loses a snapshot to make room, and is refused all the same')
    .caughtBy('snapshots.limit/refusal-keeps-nothing')
    .on('POST', TAKE, async (_, forward) => {
      const response = await forward();
      if (response.ok) return response;
      const { body } = await ask(forward, 'GET', '/v1/snapshots', undefined, '?limit=1');
      const [first] = body.data as { id: string }[];
      await ask(forward, 'DELETE', `/v1/snapshots/${first?.id}`);
      return response;
    }),
];

/** Messages of a snapshot are listed otherwise than asked for. */
function listing(change: (query: URLSearchParams) => void): Handler {
  return on('GET', READ, ({ search }, forward) => {
    const query = new URLSearchParams(search);
    change(query);
    return forward({ search: `?${query}` });
  });
}

/** The messages of a snapshot are listed or searched wrongly. */
const SNAPSHOT_LISTING_MUTANTS = [
  mutant('archives-what-it-restores', 'what preserve_len leaves out is not kept at all')
    .caughtBy('snapshots.preserve-len/archives-all', 'snapshots.messages/both-scopes-by-name')
    .listing((query) => query.delete('scope')),
  mutant('archived-by-default', 'the archived messages are listed where no scope is named')
    .caughtBy('snapshots.messages/restored-by-default', 'snapshots.preserve-len/restores-the-newest')
    .listing((query) => query.has('scope') || query.set('scope', 'archived')),
  mutant('unknown-scope-ignored', 'a scope that is not known is taken for the default')
    .caughtBy('snapshots.messages/unknown-scope-refused')
    .listing((query) => query.get('scope') === 'everything' && query.delete('scope')),
  mutant('order-ignored', 'messages are listed oldest first, whatever is asked for')
    .caughtBy('snapshots.messages/newest-first-on-request newest-first')
    .listing((query) => query.set('order', 'asc')),
  mutant('any-word', 'one word of the query is enough')
    .caughtBy('snapshots.messages/all-words none-found')
    .listing((query) => {
      const [word] = query.get('query')?.split(' ') ?? [];
      if (word !== undefined) query.set('query', word);
    }),
  mutant('case-matters', 'the query is compared letter by letter')
    .caughtBy('snapshots.messages/any-case')
    .on('GET', READ, async ({ search }, forward) => {
      const words = new URLSearchParams(search).get('query')?.split(' ') ?? [];
      return editSuccess(await forward(), (list) => ({
        ...list,
        data: (list.data as { content: string }[]).filter(({ content }) =>
          words.every((word) => content.includes(word)),
        ),
      }));
    }),
  mutant('searches-the-archive', 'a query searches all that is archived, whatever the scope')
    .caughtBy('snapshots.messages/searched-in-its-scope')
    .listing((query) => query.has('query') && query.set('scope', 'archived')),
  mutant('searches-its-json', 'a query finds words of its own JSON')
    .caughtBy('snapshots.search/nothing-but-words')
    .listing((query) => query.get('query') === 'content' && query.delete('query')),
  mutant('query-ignored', 'the query is ignored')
    .caughtBy('snapshots.messages/none-found any-case')
    .listing((query) => query.delete('query')),
];

const LIVES = [
  mutant('die-with-session', 'the snapshots of a session are deleted with it')
    .caughtBy('snapshots.immutable/after-deletion', 'snapshots.lists/of-a-deleted-session')
    .on('DELETE', '/v1/sessions/:id', async ({ ids: [id] }, forward) => {
      const { body } = await ask(forward, 'GET', `/v1/sessions/${id}/snapshots`, undefined, '?limit=100');
      for (const taken of (body.data ?? []) as { id: string }[]) {
        await ask(forward, 'DELETE', `/v1/snapshots/${taken.id}`);
      }
      return forward();
    }),
  mutant('deleted-session-answers', 'the snapshots of a deleted session are still listed under it')
    .caughtBy('snapshots.lists/session-gone')
    .on('GET', TAKE, async (_, forward) => {
      const response = await forward();
      return response.ok ? response : forward({ path: '/v1/snapshots' });
    }),
  mutant('delete-does-nothing', 'a deleted snapshot is only hidden from the lists')
    .caughtBy('snapshots.delete/gone second-delete-refused')
    .on('DELETE', '/v1/snapshots/:id', async ({ ids: [id = ''], path }, forward) => {
      const { status, body } = await ask(forward, 'GET', path);
      return json(status === 200 ? { id, object: 'session.snapshot.deleted', deleted: true } : body, status);
    }),
  mutant('delete-answers-nothing', 'deleting answers with an empty object')
    .caughtBy('snapshots.delete/deleted')
    .editAnswers('DELETE', '/v1/snapshots/:id', () => ({})),
  mutant('delete-takes-all', 'deleting one snapshot deletes all of its session')
    .caughtBy('snapshots.delete/others-stay')
    .on('DELETE', '/v1/snapshots/:id', async ({ path }, forward) => {
      const { body } = await ask(forward, 'GET', path);
      const list = await ask(forward, 'GET', `/v1/sessions/${body.session_id}/snapshots`);
      for (const { id } of (list.body.data ?? []) as { id: string }[]) {
        if (id !== body.id) await ask(forward, 'DELETE', `/v1/snapshots/${id}`);
      }
      return forward();
    }),
  mutant('delete-steps-version', 'deleting a snapshot counts as a change of its session')
    .caughtBy('snapshots.delete/session-unchanged')
    .on('DELETE', '/v1/snapshots/:id', async ({ path, headers }, forward) => {
      const { body } = await ask(forward, 'GET', path);
      await forward({
        method: 'POST',
        path: `/v1/sessions/${body.session_id}`,
        headers: { ...headers, 'content-type': 'application/json' },
        body: { title: 'one snapshot less' },
      });
      return forward();
    }),
  mutant('unknown-is-empty', 'the messages of a snapshot that nobody took are an empty list')
    .caughtBy('snapshots.delete/never-known-refused gone')
    .on('GET', '/v1/snapshots/:id/messages', async (_, forward) => {
      const response = await forward();
      if (response.status !== 404) return response;
      const list = { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
      return answer(response, JSON.stringify(list), 200);
    }),
  mutant('listed-oldest-first', 'snapshots are listed oldest first')
    .caughtBy('snapshots.lists/of-the-session of-the-account')
    .proxy(
      () => (request, forward) =>
        request.method === 'GET' && request.path.endsWith('/snapshots')
          ? forward({ search: `${request.search === '' ? '?' : `${request.search}&`}order=asc` })
          : forward(),
    ),
  mutant('listed-for-all-sessions', 'the list of a session is that of the account')
    .caughtBy('snapshots.lists/of-the-session')
    .on('GET', TAKE, (_, forward) => forward({ path: '/v1/snapshots' })),
];

/** How long a snapshot lives, where it is listed, and for whom. */
const SNAPSHOT_LIFE_MUTANTS = [...LIVES];

/** What a snapshot says of itself. */
const SNAPSHOT_OBJECT_MUTANTS = [
  mutant('ids-differ', 'snapshot_id is a handle of its own')
    .caughtBy('snapshots.object/one-id-two-names')
    .proxy(
      () => async (request, forward) =>
        request.path.includes('/snapshots')
          ? editSuccess(await forward(), (body) =>
              'snapshot_id' in body ? { ...body, snapshot_id: `${body.id}v` } : body,
            )
          : forward(),
    ),
  mutant('name-lost', 'the name is not kept')
    .caughtBy('snapshots.object/named-and-annotated')
    .editBodies('POST', TAKE, ({ name: _, ...rest }) => rest),
  mutant('named-by-itself', 'a snapshot without a name is given one')
    .caughtBy('snapshots.object/nameless-by-default')
    .editBodies('POST', TAKE, (body) => ({ name: 'snapshot', ...body })),
  mutant('metadata-unlimited', 'metadata beyond the limit is cut off in silence')
    .caughtBy('snapshots.object/too-much-metadata-refused')
    .editBodies('POST', TAKE, (body) => {
      const { metadata = {}, ...rest } = body as { metadata?: object };
      return { ...rest, metadata: Object.fromEntries(Object.entries(metadata).slice(0, 16)) };
    }),
  mutant('read-differs', 'a snapshot that is read again does not tell its name')
    .caughtBy('snapshots.object/taken-and-read-again')
    .editAnswers('GET', '/v1/snapshots/:id', (body) => ({ ...body, name: null })),
  mutant('tools-not-counted', 'the usage of a snapshot leaves its tools out')
    .caughtBy('snapshots.preserve-len/usage-of-both')
    .editAnswers('POST', TAKE, (body) => {
      const { total_tokens, tools_tokens, ...rest } = body.usage as { total_tokens: number; tools_tokens: number };
      return { ...body, usage: { ...rest, total_tokens: total_tokens - tools_tokens, tools_tokens: 0 } };
    }),
];

export const SNAPSHOTS_MUTANTS: readonly Mutant[] = [
  ...(['restored', 'archived'] as const).flatMap((scope) =>
    (['summary', 'pinned', 'truncated'] as const).map((flag) =>
      mutant(`${scope}-without-${flag}`, `what is ${scope} is listed without ${flag}`)
        .caughtBy(`snapshots.flags/${scope}-${flag}`)
        .on('GET', '/v1/snapshots/:id/messages', async ({ search }, forward) => {
          const response = await forward();
          if (!response.ok || search.includes('archived') !== (scope === 'archived')) return response;
          return editJson(response, (page: Json) => ({
            ...page,
            data: (page.data as Json[]).map((message) => ({ ...message, [flag]: false })),
          }));
        }),
    ),
  ),
  mutant('name-trimmed', 'blanks around the name of a snapshot are lost')
    .caughtBy('snapshots.object/named-and-annotated')
    .on('POST', '/v1/sessions/:id/snapshots', ({ body }, forward) => {
      const { name } = (body ?? {}) as { name?: unknown };
      return typeof name === 'string' ? forward({ body: { ...(body as object), name: name.trim() } }) : forward();
    }),
  ...SNAPSHOT_OBJECT_MUTANTS,
  ...SNAPSHOT_LENGTH_MUTANTS,
  ...SNAPSHOT_LISTING_MUTANTS,
  ...SNAPSHOT_CHANGING_MUTANTS,
  ...SNAPSHOT_LIFE_MUTANTS,
  ...SNAPSHOT_LIMIT_MUTANTS,
  ...ANSWER_MUTANTS,
];
