import { mutantsOf } from '../../proof/chats.ts';
import { isEvents } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { keyOf } from '../../proof/owners.ts';
import { editText, type Handler, json, type Passing } from '../../proof/proxy.ts';
import { codeOf, refusal } from '../../proof/rewrites.ts';
import { changedBy, versionOf, whileChatting } from '../../proof/touches.ts';
import { SESSION_CHANGES } from '../../wire/changes.ts';

const mutant = mutantsOf('idempotency');

const KEY = 'idempotency-key';

/** A server with a memory of its own: what `placeOf` tells apart, and `isKept` keeps. */
function remembering(
  placeOf: (request: Passing) => string | undefined,
  isKept: (response: Response) => boolean = (response) => response.ok,
): () => Handler {
  return () => {
    const kept = new Map<string, Response>();
    return async (request, forward) => {
      const place = request.method === 'GET' ? undefined : placeOf(request);
      if (place === undefined) return forward();
      const known = kept.get(place);
      if (known) {
        const headers = new Headers(known.headers);
        headers.set('Idempotent-Replayed', 'true');
        return new Response(await known.clone().text(), { status: known.status, headers });
      }
      const { [KEY]: _, ...headers } = request.headers;
      const response = await forward({ headers });
      if (isKept(response)) kept.set(place, response.clone());
      return response;
    };
  };
}

const keyed = ({ headers }: Passing, of: string): string | undefined =>
  headers[KEY] === undefined ? undefined : `${headers[KEY]} ${of}`;

const content = ({ path, body }: Passing) => `${path} ${JSON.stringify(body)}`;

const isWrite = ({ path }: Passing) => path.endsWith('/messages');

const KEY_MUTANTS: readonly Mutant[] = [
  mutant(
    'key-alone-looked-at',
    'a key stands for its first answer, whatever it is sent with',
    [
      'idempotency.mismatch/other-body',
      'idempotency.mismatch/other-bytes',
      'idempotency.mismatch/other-session',
      'idempotency.mismatch/other-route',
      'idempotency.mismatch/other-method',
    ],
    remembering((request) => keyed(request, keyOf(request))),
  ),
  mutant(
    'new-for-other-body',
    'a key with another body or on another route is taken as a new one',
    ['idempotency.mismatch/other-body', 'idempotency.mismatch/other-session', 'idempotency.mismatch/nothing-happens'],
    remembering((request) => keyed(request, `${keyOf(request)} ${request.method} ${content(request)}`)),
  ),
  mutant(
    'bytes-not-looked-at',
    'bodies are compared as what they say, not as their bytes',
    ['idempotency.mismatch/other-bytes'],
    () =>
      ({ body }, forward) =>
        body === undefined ? forward() : forward({ body: typeof body === 'string' ? body : JSON.stringify(body) }),
  ),
  mutant(
    'mismatch-carried-out',
    'a mismatch is refused after it was carried out',
    ['idempotency.mismatch/nothing-happens'],
    () =>
      async ({ headers: { [KEY]: _, ...headers } }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) === 'idempotency_mismatch') await (await forward({ headers })).text();
        return response;
      },
  ),
  mutant('mismatch-forgets', 'a mismatch forgets the key', ['idempotency.mismatch/first-still-stored'], () => {
    const forgotten = new Set<string>();
    return async ({ headers }, forward) => {
      const key = headers[KEY] ?? '';
      const response = await forward(forgotten.has(key) ? { headers: { ...headers, [KEY]: `${key}-anew` } } : {});
      if ((await codeOf(response)) === 'idempotency_mismatch') forgotten.add(key);
      return response;
    };
  }),
  mutant(
    'refusals-stored',
    'a refusal uses its key up',
    ['idempotency.keys/refusal-free', 'idempotency.keys/refusal-not-stored'],
    remembering(
      (request) => keyed(request, keyOf(request)),
      () => true,
    ),
  ),
  mutant(
    'refusals-stored-by-body',
    'a refusal is given again where the same request comes again',
    ['idempotency.keys/refusal-not-stored'],
    remembering(
      (request) => keyed(request, content(request)),
      (response) => !response.ok,
    ),
  ),
  mutant(
    'twins-dropped',
    'a write like one before is taken for the same, key or not',
    ['idempotency.keys/without-key', 'idempotency.keys/another-key'],
    remembering((request) => (isWrite(request) ? content(request) : undefined)),
  ),
  mutant(
    'keys-of-all',
    'keys are known to all accounts together',
    ['idempotency.accounts/own-effect'],
    remembering((request) => keyed(request, content(request))),
  ),
  mutant(
    'keys-of-all-refused',
    'a key that another account has used is refused',
    ['idempotency.accounts/no-mismatch'],
    () => {
      const used = new Map<string, string>();
      return async (request, forward) => {
        const key = request.headers[KEY];
        const place = `${content(request)}`;
        const known = key === undefined ? undefined : used.get(key);
        if (key !== undefined && known === undefined) used.set(key, place);
        if (known !== undefined && known !== place) {
          const message = 'The key was used for another request';
          const error = { message, type: 'conflict_error', code: 'idempotency_mismatch' };
          return new Response(JSON.stringify({ error }), { status: 409, headers: { 'x-should-retry': 'false' } });
        }
        return forward();
      };
    },
  ),
];

type Kills = readonly [string, ...string[]];

const REPEATABLE = new Set(['append', 'append-several', 'rollback', 'chat']);

const each = (check: string, names: readonly string[] = SESSION_CHANGES.map(({ name }) => name)) =>
  names.map((name) => `idempotency.${name}/${check}`);

/** Takes the key off requests. */
function forgetting(isIt: (request: Passing) => boolean): () => Handler {
  return () => (request, forward) => {
    const { [KEY]: _, ...headers } = request.headers;
    return isIt(request) ? forward({ headers }) : forward();
  };
}

/** Changes answers that are stored ones. */
function replays(edit: (response: Response) => Response | Promise<Response>): () => Handler {
  return () => async (_, forward) => {
    const response = await forward();
    return response.headers.has('idempotent-replayed') ? edit(response) : response;
  };
}

function without(response: Response, name: string): Response {
  const headers = new Headers(response.headers);
  headers.delete(name);
  return new Response(response.body, { status: response.status, headers });
}

const MARKED = [
  'idempotency.create/marked',
  'idempotency.snapshot/marked',
  'idempotency.delete/session-marked',
  'idempotency.stream/marked',
  ...each('marked'),
] as unknown as Kills;

const REPLAY_MUTANTS: readonly Mutant[] = [
  mutant(
    'keys-ignored',
    'keys are ignored',
    [
      'idempotency.create/same-answer',
      'idempotency.create/once',
      'idempotency.snapshot/same-answer',
      'idempotency.snapshot/once',
      ...each('same-answer'),
      ...each('once', [...REPEATABLE]),
      'idempotency.race/append-once',
      'idempotency.race/replayed-after',
    ] as unknown as Kills,
    forgetting(() => true),
  ),
  mutant(
    'keys-of-posts-only',
    'keys are ignored on deletions',
    ['idempotency.delete/session-same-answer', 'idempotency.delete/snapshot-same-answer'],
    forgetting(({ method }) => method === 'DELETE'),
  ),
  mutant(
    'keys-of-writes-only',
    'keys are heeded on writes of messages only',
    ['idempotency.create/once', 'idempotency.rollback/once', 'idempotency.chat/once'],
    forgetting(({ path }) => !path.endsWith('/messages')),
  ),
  mutant(
    'deletion-always-succeeds',
    'deleting what is gone succeeds, key or not',
    ['idempotency.delete/session-without-key'],
    () =>
      async ({ method, path }, forward) => {
        const response = await forward();
        if (method !== 'DELETE' || response.status !== 404) return response;
        return json({ id: path.split('/').at(-1), object: 'session.deleted', deleted: true });
      },
  ),
  mutant(
    'replays-unmarked',
    'a stored answer does not say that it is one',
    MARKED,
    replays((response) => without(response, 'idempotent-replayed')),
  ),
  mutant(
    'all-marked',
    'every answer to a request with a key says that it is a stored one',
    MARKED,
    () =>
      async ({ headers }, forward) => {
        const response = await forward();
        if (headers[KEY] === undefined || !response.ok) return response;
        const marked = new Headers(response.headers);
        marked.set('Idempotent-Replayed', 'true');
        return new Response(response.body, { status: response.status, headers: marked });
      },
  ),
  mutant(
    'replays-without-etag',
    'a stored answer has lost its version',
    each('same-answer') as unknown as Kills,
    replays((response) => without(response, 'etag')),
  ),
  mutant(
    'replays-empty',
    'that a request was carried out is remembered, and not what it was answered',
    ['idempotency.create/same-answer', 'idempotency.append/same-answer', 'idempotency.delete/session-same-answer'],
    replays((response) => new Response('{}', response)),
  ),
  mutant(
    'stream-replayed-whole',
    'a streamed chat is answered again as one body',
    ['idempotency.stream/streams-again'],
    replays(async (response) =>
      isEvents(response) ? json({ object: 'chat.completion' }, 200, { 'Idempotent-Replayed': 'true' }) : response,
    ),
  ),
  mutant(
    'stream-replay-renamed',
    'a stream that is sent again is a completion with an id of its own',
    ['idempotency.stream/same-reply'],
    replays((response) => editText(response, (text) => text.replaceAll('"chatcmpl-', '"chatcmpl-again-'))),
  ),
  mutant(
    'streams-run-again',
    'keys are ignored on streamed chats',
    ['idempotency.stream/same-reply', 'idempotency.stream/writes-nothing', 'idempotency.stream/marked'],
    forgetting(({ body }) => (body as { stream?: unknown } | undefined)?.stream === true),
  ),
];

const STATE_MUTANTS: readonly Mutant[] = [
  mutant(
    'version-before-replay',
    'the version is looked at before the key',
    ['idempotency.state/version-gone-on'],
    () => async (request, forward) => {
      const id = changedBy(request);
      const expected = request.headers['if-match'];
      if (id === undefined || expected === undefined) return forward();
      const version = await versionOf(request, forward, id);
      return version !== undefined && expected !== `"${version}"` ? refusal('version_conflict') : forward();
    },
  ),
  mutant(
    'existence-before-replay',
    'whether the session is there is looked at before the key',
    ['idempotency.state/session-deleted'],
    () => async (request, forward) => {
      const id = changedBy(request);
      if (id === undefined) return forward();
      return (await versionOf(request, forward, id)) === undefined ? refusal('session_not_found') : forward();
    },
  ),
  mutant(
    'busy-before-replay',
    'whether the session is busy is looked at before the key',
    ['idempotency.busy/while-busy'],
    whileChatting(async (request, forward) =>
      request.headers[KEY] === undefined ? forward() : refusal('session_busy'),
    ),
  ),
  mutant(
    'race-runs-all',
    'a key is known only once its first request has ended',
    ['idempotency.race/append-once', 'idempotency.race/chat-once'],
    () => {
      const running = new Map<string, Promise<unknown>>();
      return async (request, forward) => {
        const { [KEY]: key, ...headers } = request.headers;
        if (key === undefined) return forward();
        const before = running.get(key);
        const sent = (before ?? Promise.resolve()).then(() => forward(before ? { headers } : {}));
        running.set(key, sent);
        return sent.then((response) => response.clone());
      };
    },
  ),
  mutant(
    'race-told-busy',
    'a request that is still running is told as a busy session',
    ['idempotency.race/others-told'],
    () => async (_, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'request_in_progress' ? refusal('session_busy') : response;
    },
  ),
];

export const IDEMPOTENCY_MUTANTS: readonly Mutant[] = [...KEY_MUTANTS, ...REPLAY_MUTANTS, ...STATE_MUTANTS];
