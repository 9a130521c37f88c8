import type { SessionMessage } from '../../../contract/sessions.ts';
import { ask, editSuccess, unpin, windowAt } from '../../proof/asking.ts';
import { deep, type Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { answer, chain, editJson, type Handler, json, on } from '../../proof/proxy.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

type Listed = Pick<SessionMessage, 'id'>;

/** Lists a snapshot's messages otherwise, by what the window of its session holds when they are read. */
function listedBy(edit: (listed: Listed[], window: SessionMessage[]) => Listed[]): () => Handler {
  return () => {
    const sessions = new Map<string, string>();
    return chain(
      on('POST', '/v1/sessions/:id/snapshots', async ({ ids: [id = ''] }, forward) =>
        editSuccess(await forward(), (taken) => {
          sessions.set(String(taken.id), id);
          return taken;
        }),
      ),
      on('GET', '/v1/snapshots/:id/messages', async ({ ids: [id = ''] }, forward) => {
        const window = await windowAt(forward, sessions.get(id) ?? '');
        return editSuccess(await forward(), (list) => ({ ...list, data: edit(list.data as Listed[], window) }));
      }),
    );
  };
}

const TAKE = '/v1/sessions/:id/snapshots';

const READ = '/v1/snapshots/:id/messages';

/** A snapshot and its session are not kept apart. */
const SNAPSHOT_CHANGING_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.live-reference',
    area: 'snapshots',
    broken: 'a snapshot shows the window as it is now',
    killedBy: ['snapshots.immutable/after-writes', 'snapshots.immutable/after-cut'],
    handler: listedBy((_, window) => window),
  },
  {
    id: 'snapshots.shares-pins',
    area: 'snapshots',
    broken: 'pins are kept with the message, so that snapshots show those of today',
    killedBy: ['snapshots.immutable/after-pins'],
    handler: () => {
      const pins = new Map<string, boolean>();
      return chain(
        on('POST', '/v1/sessions/:id/messages/:message', ({ ids: [, message = ''], body }, forward) => {
          pins.set(message, (body as { pinned: boolean }).pinned);
          return forward();
        }),
        on('GET', READ, async (_, forward) =>
          editSuccess(await forward(), (list) => ({
            ...list,
            data: (list.data as { id: string; pinned: boolean }[]).map((one) => ({
              ...one,
              pinned: pins.get(one.id) ?? one.pinned,
            })),
          })),
        ),
      );
    },
  },
  {
    id: 'snapshots.shares-tools',
    area: 'snapshots',
    broken: 'the usage of a snapshot counts the tools that its session has now',
    killedBy: ['snapshots.immutable/after-other-tools'],
    handler: () =>
      on('GET', '/v1/snapshots/:id', async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const taken = (await response.json()) as Json;
        const { body } = await ask(forward, 'GET', `/v1/sessions/${taken.session_id}`);
        const { tools_tokens } = (body.usage ?? taken.usage) as Json;
        return json({ ...taken, usage: { ...(taken.usage as Json), tools_tokens } });
      }),
  },
  {
    id: 'snapshots.unpins-the-session',
    area: 'snapshots',
    broken: 'taking a snapshot moves the pins of the session into it',
    killedBy: ['snapshots.object/session-unchanged'],
    handler: () =>
      on('POST', TAKE, async ({ ids: [id = ''] }, forward) => {
        const response = await forward();
        await unpin(forward, id, ({ role }) => role === 'system');
        return response;
      }),
  },
  {
    id: 'snapshots.turn-half-stored',
    area: 'snapshots',
    broken: 'the messages of a turn are stored before the model answers, where a snapshot sees them',
    killedBy: ['snapshots.during-turn/whole-or-not'],
    handler: () => {
      let taken = (): void => undefined;
      const snapshot = new Promise<void>((resolve) => {
        taken = resolve;
      });
      let written = (): void => undefined;
      const half = new Promise<void>((resolve) => {
        written = resolve;
      });
      return chain(
        on('POST', '/v1/chat/completions', async ({ body }, forward) => {
          const { session_id, messages, ...rest } = body as Json;
          if (typeof session_id !== 'string') return forward();
          await ask(forward, 'POST', `/v1/sessions/${session_id}/messages`, { messages });
          written();
          await snapshot;
          return forward({ body: { ...rest, session_id, messages: [] } });
        }),
        on('POST', TAKE, async (_, forward) => {
          await half;
          const response = await forward();
          taken();
          return response;
        }),
      );
    },
  },
];

/** Snapshots are taken otherwise than asked for. */
function taking(change: (body: Json) => Json): () => Handler {
  return () => on('POST', TAKE, ({ body }, forward) => forward({ body: change(body as Json) }));
}

/** What `preserve_len` says is not what is restored. */
const SNAPSHOT_LENGTH_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.under-minimum-accepted',
    area: 'snapshots',
    broken: 'a preserve_len below the minimum is raised to it',
    killedBy: ['snapshots.preserve-len/less-refused'],
    handler: taking((body) =>
      typeof body.preserve_len === 'number'
        ? { ...body, preserve_len: Math.max(body.preserve_len, SMALL_LIMITS.min_preserve_tokens) }
        : body,
    ),
  },
  {
    id: 'snapshots.minimum-refused',
    area: 'snapshots',
    broken: 'the minimum itself is refused',
    killedBy: ['snapshots.preserve-len/minimum-accepted'],
    handler: taking((body) =>
      body.preserve_len === SMALL_LIMITS.min_preserve_tokens ? { ...body, preserve_len: 1 } : body,
    ),
  },
  {
    id: 'snapshots.preserve-len-ignored',
    area: 'snapshots',
    broken: 'preserve_len is noted, and all is restored',
    killedBy: [
      'snapshots.preserve-len/restores-the-newest',
      'snapshots.preserve-len/usage-of-both',
      'snapshots.as-truncate/same-messages',
    ],
    handler: () =>
      on('POST', TAKE, async ({ body }, forward) => {
        const { preserve_len = null, ...rest } = body as Json;
        return editSuccess(await forward({ body: rest }), (taken) => ({ ...taken, preserve_len }));
      }),
  },
  {
    id: 'snapshots.cuts-no-text',
    area: 'snapshots',
    broken: 'a newest message that is too large is restored whole',
    killedBy: ['snapshots.as-truncate/same-cut-text'],
    handler: listedBy((listed, window) => listed.map((one) => window.find(({ id }) => id === one.id) ?? one)),
  },
  {
    id: 'snapshots.unfit-accepted',
    area: 'snapshots',
    broken: 'a preserve_len that pins do not fit into is raised until they do',
    killedBy: ['snapshots.preserve-len/what-truncate-refuses-refused'],
    handler: () =>
      on('POST', TAKE, async ({ body }, forward) => {
        const response = await forward();
        const { preserve_len } = body as { preserve_len?: number };
        if (response.ok || Number(preserve_len) < SMALL_LIMITS.min_preserve_tokens) return response;
        return forward({ body: {} });
      }),
  },
  {
    id: 'snapshots.minimum-by-default',
    area: 'snapshots',
    broken: 'without preserve_len the minimum is restored',
    killedBy: ['snapshots.object/all-by-default', 'snapshots.object/usage-of-the-window'],
    handler: taking((body) => ({ preserve_len: SMALL_LIMITS.min_preserve_tokens, ...body })),
  },
];

const { snapshots: LIMIT } = SMALL_LIMITS;

const FULL = 'Invalid request: the number of snapshots of this account has reached the limit: 12';

/** An emulator with another limit than its sessions tell. */
function pretending(limits: object): Pick<Mutant, 'options' | 'handler'> {
  const told = (object: Json) => ('snapshots' in object ? { ...object, snapshots: LIMIT } : object);
  return {
    options: () => ({ limits: { ...SMALL_LIMITS, ...limits } }),
    handler: () => async (_, forward) => editJson(await forward(), (body) => deep(body, told)),
  };
}

/** Counts snapshots in its own way, in front of an emulator that has room for more. */
function counting(
  key: (session: string, authorization: string) => string,
  freed: boolean,
): Pick<Mutant, 'options' | 'handler'> {
  const handler = (): Handler => {
    const taken = new Map<string, number>();
    const add = (name: string, step: number) => taken.set(name, (taken.get(name) ?? 0) + step);
    return chain(
      pretending({}).handler?.() ?? ((_, forward) => forward()),
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
  };
  return { options: pretending({ snapshots: 5 * LIMIT }).options, handler } as Pick<Mutant, 'options' | 'handler'>;
}

/** How many an account may hold. */
const SNAPSHOT_LIMIT_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.one-over-the-limit',
    area: 'snapshots',
    broken: 'one snapshot more than the limit is accepted',
    killedBy: ['snapshots.limit/one-more-refused'],
    ...pretending({ snapshots: LIMIT + 1 }),
  },
  {
    id: 'snapshots.one-under-the-limit',
    area: 'snapshots',
    broken: 'the last snapshot within the limit is refused',
    killedBy: ['snapshots.limit/last-accepted'],
    ...pretending({ snapshots: LIMIT - 1 }),
  },
  {
    id: 'snapshots.limit-per-session',
    area: 'snapshots',
    broken: 'the limit is counted for each session',
    killedBy: ['snapshots.limit/one-more-refused'],
    ...counting((session) => session, true),
  },
  {
    id: 'snapshots.limit-never-freed',
    area: 'snapshots',
    broken: 'deleted snapshots go on counting',
    killedBy: ['snapshots.limit/deleting-makes-room'],
    ...counting((_, authorization) => authorization, false),
  },
  {
    id: 'snapshots.limit-global',
    area: 'snapshots',
    broken: 'the limit is counted over all accounts',
    killedBy: ['snapshots.limit/other-account-has-room'],
    ...counting(() => 'all', true),
  },
  {
    id: 'snapshots.oldest-dropped',
    area: 'snapshots',
    broken: 'a full account loses a snapshot to make room, and is refused all the same',
    killedBy: ['snapshots.limit/refusal-keeps-nothing'],
    handler: () =>
      on('POST', TAKE, async (_, forward) => {
        const response = await forward();
        if (response.ok) return response;
        const { body } = await ask(forward, 'GET', '/v1/snapshots', undefined, '?limit=1');
        const [first] = body.data as { id: string }[];
        await ask(forward, 'DELETE', `/v1/snapshots/${first?.id}`);
        return response;
      }),
  },
];

/** Messages of a snapshot are listed otherwise than asked for. */
function listing(change: (query: URLSearchParams) => void): () => Handler {
  return () =>
    on('GET', READ, ({ search }, forward) => {
      const query = new URLSearchParams(search);
      change(query);
      return forward({ search: `?${query}` });
    });
}

/** The messages of a snapshot are listed or searched wrongly. */
const SNAPSHOT_LISTING_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.archives-what-it-restores',
    area: 'snapshots',
    broken: 'what preserve_len leaves out is not kept at all',
    killedBy: ['snapshots.preserve-len/archives-all', 'snapshots.messages/both-scopes-by-name'],
    handler: listing((query) => query.delete('scope')),
  },
  {
    id: 'snapshots.archived-by-default',
    area: 'snapshots',
    broken: 'the archived messages are listed where no scope is named',
    killedBy: ['snapshots.messages/restored-by-default', 'snapshots.preserve-len/restores-the-newest'],
    handler: listing((query) => query.has('scope') || query.set('scope', 'archived')),
  },
  {
    id: 'snapshots.unknown-scope-ignored',
    area: 'snapshots',
    broken: 'a scope that is not known is taken for the default',
    killedBy: ['snapshots.messages/unknown-scope-refused'],
    handler: listing((query) => query.get('scope') === 'everything' && query.delete('scope')),
  },
  {
    id: 'snapshots.order-ignored',
    area: 'snapshots',
    broken: 'messages are listed oldest first, whatever is asked for',
    killedBy: ['snapshots.messages/newest-first-on-request', 'snapshots.messages/newest-first'],
    handler: listing((query) => query.set('order', 'asc')),
  },
  {
    id: 'snapshots.any-word',
    area: 'snapshots',
    broken: 'one word of the query is enough',
    killedBy: ['snapshots.messages/all-words', 'snapshots.messages/none-found'],
    handler: listing((query) => {
      const [word] = query.get('query')?.split(' ') ?? [];
      if (word !== undefined) query.set('query', word);
    }),
  },
  {
    id: 'snapshots.case-matters',
    area: 'snapshots',
    broken: 'the query is compared letter by letter',
    killedBy: ['snapshots.messages/any-case'],
    handler: () =>
      on('GET', READ, async ({ search }, forward) => {
        const words = new URLSearchParams(search).get('query')?.split(' ') ?? [];
        return editSuccess(await forward(), (list) => ({
          ...list,
          data: (list.data as { content: string }[]).filter(({ content }) =>
            words.every((word) => content.includes(word)),
          ),
        }));
      }),
  },
  {
    id: 'snapshots.searches-the-archive',
    area: 'snapshots',
    broken: 'a query searches all that is archived, whatever the scope',
    killedBy: ['snapshots.messages/searched-in-its-scope'],
    handler: listing((query) => query.has('query') && query.set('scope', 'archived')),
  },
  {
    id: 'snapshots.query-ignored',
    area: 'snapshots',
    broken: 'the query is ignored',
    killedBy: ['snapshots.messages/none-found', 'snapshots.messages/any-case'],
    handler: listing((query) => query.delete('query')),
  },
];

/** Whoever asks, the key that took the snapshot is used. */
function asOwner(applies: (method: string, path: string) => boolean): () => Handler {
  return () => {
    let owner: string | undefined;
    return (request, forward) => {
      if (request.method === 'POST' && /\/snapshots$/.test(request.path)) owner ??= request.headers.authorization;
      if (owner === undefined || !applies(request.method, request.path)) return forward();
      return forward({ headers: { ...request.headers, authorization: owner } });
    };
  };
}

const LIVES: readonly Mutant[] = [
  {
    id: 'snapshots.die-with-session',
    area: 'snapshots',
    broken: 'the snapshots of a session are deleted with it',
    killedBy: ['snapshots.immutable/after-deletion', 'snapshots.lists/of-a-deleted-session'],
    handler: () =>
      on('DELETE', '/v1/sessions/:id', async ({ ids: [id] }, forward) => {
        const { body } = await ask(forward, 'GET', `/v1/sessions/${id}/snapshots`, undefined, '?limit=100');
        for (const taken of (body.data ?? []) as { id: string }[]) {
          await ask(forward, 'DELETE', `/v1/snapshots/${taken.id}`);
        }
        return forward();
      }),
  },
  {
    id: 'snapshots.deleted-session-answers',
    area: 'snapshots',
    broken: 'the snapshots of a deleted session are still listed under it',
    killedBy: ['snapshots.lists/session-gone'],
    handler: () =>
      on('GET', TAKE, async (_, forward) => {
        const response = await forward();
        return response.ok ? response : forward({ path: '/v1/snapshots' });
      }),
  },
  {
    id: 'snapshots.delete-does-nothing',
    area: 'snapshots',
    broken: 'a deleted snapshot is only hidden from the lists',
    killedBy: ['snapshots.delete/gone', 'snapshots.delete/second-delete-refused'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ ids: [id = ''], path }, forward) => {
        const { status, body } = await ask(forward, 'GET', path);
        return json(status === 200 ? { id, object: 'session.snapshot.deleted', deleted: true } : body, status);
      }),
  },
  {
    id: 'snapshots.delete-answers-nothing',
    area: 'snapshots',
    broken: 'deleting answers with an empty object',
    killedBy: ['snapshots.delete/deleted'],
    handler: () => on('DELETE', '/v1/snapshots/:id', async (_, forward) => editSuccess(await forward(), () => ({}))),
  },
  {
    id: 'snapshots.delete-takes-all',
    area: 'snapshots',
    broken: 'deleting one snapshot deletes all of its session',
    killedBy: ['snapshots.delete/others-stay'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ path }, forward) => {
        const { body } = await ask(forward, 'GET', path);
        const list = await ask(forward, 'GET', `/v1/sessions/${body.session_id}/snapshots`);
        for (const { id } of (list.body.data ?? []) as { id: string }[]) {
          if (id !== body.id) await ask(forward, 'DELETE', `/v1/snapshots/${id}`);
        }
        return forward();
      }),
  },
  {
    id: 'snapshots.delete-steps-version',
    area: 'snapshots',
    broken: 'deleting a snapshot counts as a change of its session',
    killedBy: ['snapshots.delete/session-unchanged'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ path, headers }, forward) => {
        const { body } = await ask(forward, 'GET', path);
        await forward({
          method: 'POST',
          path: `/v1/sessions/${body.session_id}`,
          headers: { ...headers, 'content-type': 'application/json' },
          body: { title: 'one snapshot less' },
        });
        return forward();
      }),
  },
  {
    id: 'snapshots.unknown-is-empty',
    area: 'snapshots',
    broken: 'the messages of a snapshot that nobody took are an empty list',
    killedBy: ['snapshots.delete/never-known-refused', 'snapshots.delete/gone'],
    handler: () =>
      on('GET', '/v1/snapshots/:id/messages', async (_, forward) => {
        const response = await forward();
        if (response.status !== 404) return response;
        const list = { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
        return answer(response, JSON.stringify(list), 200);
      }),
  },
  {
    id: 'snapshots.listed-oldest-first',
    area: 'snapshots',
    broken: 'snapshots are listed oldest first',
    killedBy: ['snapshots.lists/of-the-session', 'snapshots.lists/of-the-account'],
    handler: () => (request, forward) =>
      request.method === 'GET' && request.path.endsWith('/snapshots')
        ? forward({ search: `${request.search === '' ? '?' : `${request.search}&`}order=asc` })
        : forward(),
  },
  {
    id: 'snapshots.listed-for-all-sessions',
    area: 'snapshots',
    broken: 'the list of a session is that of the account',
    killedBy: ['snapshots.lists/of-the-session'],
    handler: () => on('GET', TAKE, (_, forward) => forward({ path: '/v1/snapshots' })),
  },
];

const ACCOUNTS: readonly Mutant[] = [
  {
    id: 'snapshots.read-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a snapshot reads it',
    killedBy: ['snapshots.hidden/not-read', 'snapshots.hidden/messages-not-read'],
    handler: asOwner((method, path) => method === 'GET' && /^\/v1\/snapshots\//.test(path)),
  },
  {
    id: 'snapshots.deleted-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a snapshot deletes it',
    killedBy: ['snapshots.hidden/not-deleted'],
    handler: asOwner((method, path) => method === 'DELETE' && /^\/v1\/snapshots\//.test(path)),
  },
  {
    id: 'snapshots.listed-for-anyone',
    area: 'snapshots',
    broken: 'the list of snapshots is that of all accounts',
    killedBy: ['snapshots.hidden/not-listed'],
    handler: asOwner((method, path) => method === 'GET' && path === '/v1/snapshots'),
  },
  {
    id: 'snapshots.taken-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a session takes snapshots of it',
    killedBy: ['snapshots.hidden/none-taken'],
    handler: asOwner((method, path) => method === 'POST' && path.endsWith('/snapshots')),
  },
];

/** How long a snapshot lives, where it is listed, and for whom. */
const SNAPSHOT_LIFE_MUTANTS: readonly Mutant[] = [...LIVES, ...ACCOUNTS];

/** What a snapshot says of itself. */
const SNAPSHOT_OBJECT_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.ids-differ',
    area: 'snapshots',
    broken: 'snapshot_id is a handle of its own',
    killedBy: ['snapshots.object/one-id-two-names'],
    handler: () => async (request, forward) =>
      request.path.includes('/snapshots')
        ? editSuccess(await forward(), (body) =>
            'snapshot_id' in body ? { ...body, snapshot_id: `${body.id}v` } : body,
          )
        : forward(),
  },
  {
    id: 'snapshots.name-lost',
    area: 'snapshots',
    broken: 'the name is not kept',
    killedBy: ['snapshots.object/named-and-annotated'],
    handler: () =>
      on('POST', TAKE, ({ body }, forward) => {
        const { name: _, ...rest } = body as Json;
        return forward({ body: rest });
      }),
  },
  {
    id: 'snapshots.named-by-itself',
    area: 'snapshots',
    broken: 'a snapshot without a name is given one',
    killedBy: ['snapshots.object/nameless-by-default'],
    handler: () => on('POST', TAKE, ({ body }, forward) => forward({ body: { name: 'snapshot', ...(body as Json) } })),
  },
  {
    id: 'snapshots.metadata-unlimited',
    area: 'snapshots',
    broken: 'metadata beyond the limit is cut off in silence',
    killedBy: ['snapshots.object/too-much-metadata-refused'],
    handler: () =>
      on('POST', TAKE, ({ body }, forward) => {
        const { metadata = {}, ...rest } = body as { metadata?: object };
        return forward({ body: { ...rest, metadata: Object.fromEntries(Object.entries(metadata).slice(0, 16)) } });
      }),
  },
  {
    id: 'snapshots.read-differs',
    area: 'snapshots',
    broken: 'a snapshot that is read again does not tell its name',
    killedBy: ['snapshots.object/taken-and-read-again'],
    handler: () =>
      on('GET', '/v1/snapshots/:id', async (_, forward) =>
        editSuccess(await forward(), (body) => ({ ...body, name: null })),
      ),
  },
  {
    id: 'snapshots.tools-not-counted',
    area: 'snapshots',
    broken: 'the usage of a snapshot leaves its tools out',
    killedBy: ['snapshots.preserve-len/usage-of-both'],
    handler: () =>
      on('POST', TAKE, async (_, forward) =>
        editSuccess(await forward(), (body) => {
          const { total_tokens, tools_tokens, ...rest } = body.usage as { total_tokens: number; tools_tokens: number };
          return { ...body, usage: { ...rest, total_tokens: total_tokens - tools_tokens, tools_tokens: 0 } };
        }),
      ),
  },
];

export const SNAPSHOTS_MUTANTS: readonly Mutant[] = [
  ...SNAPSHOT_OBJECT_MUTANTS,
  ...SNAPSHOT_LENGTH_MUTANTS,
  ...SNAPSHOT_LISTING_MUTANTS,
  ...SNAPSHOT_CHANGING_MUTANTS,
  ...SNAPSHOT_LIFE_MUTANTS,
  ...SNAPSHOT_LIMIT_MUTANTS,
];
