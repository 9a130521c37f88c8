import { withHeader } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { keyOf } from '../../proof/other-account.ts';
import { editText, type Handler, isEvents, json, type Passing } from '../../proof/proxy.ts';
import { changedBy, codeOf, refusal, versionOf } from '../../proof/sessions.ts';
import { REPLAY_CASES } from './route-cases.ts';

const mutant = mutantsOf('idempotency', { forgetting, memoize, replays });

const KEY = 'idempotency-key';

/** A server that repeats stored answers: `placeOf` gives the key of a request, `isKept` says which answers are stored. */
function memoize(
  placeOf: (request: Passing) => string | undefined,
  isKept: (response: Response) => boolean = (response) => response.ok,
): Handler {
  const kept = new Map<string, Response>();
  return async (request, forward) => {
    const place = request.method === 'GET' ? undefined : placeOf(request);
    if (place === undefined) return forward();
    const known = kept.get(place);
    if (known) {
      return withHeader(new Response(await known.clone().text(), known), 'Idempotent-Replayed', 'true');
    }
    const { [KEY]: _, ...headers } = request.headers;
    const response = await forward({ headers });
    if (isKept(response)) kept.set(place, response.clone());
    return response;
  };
}

const keyed = ({ headers }: Passing, of: string): string | undefined =>
  headers[KEY] === undefined ? undefined : `${headers[KEY]} ${of}`;

const content = ({ path, body }: Passing) => `${path} ${JSON.stringify(body)}`;

const isWrite = ({ path }: Passing) => path.endsWith('/messages');

const KEY_MUTANTS = [
  mutant('key-alone-looked-at', 'a key stands for its first answer, whatever it is sent with')
    .caughtBy('idempotency.mismatch/other-body other-bytes other-session other-route other-method')
    .memoize((request) => keyed(request, keyOf(request))),
  mutant('new-for-other-body', 'a key with another body or on another route is taken as a new one')
    .caughtBy('idempotency.mismatch/other-body other-session nothing-happens')
    .memoize((request) => keyed(request, `${keyOf(request)} ${request.method} ${content(request)}`)),
  mutant('bytes-not-looked-at', 'bodies are compared as what they say, not as their bytes')
    .caughtBy('idempotency.mismatch/other-bytes')
    .proxy(
      () =>
        ({ body }, forward) =>
          body === undefined ? forward() : forward({ body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ),
  mutant('keys-without-signs', 'signs and blanks of a key are left out')
    .caughtBy('idempotency.key-bytes/sign-between blank-between')
    .proxy(() => ({ headers }, forward) => {
      const key = headers[KEY]?.replace(/[^a-z0-9]/gi, '');
      return forward(key === undefined ? {} : { headers: { ...headers, [KEY]: key } });
    }),
  mutant('usage-not-replayed', 'the usage that a stream was asked for is left out where it is repeated')
    .caughtBy('idempotency.streamed-chat/same-answer', 'idempotency.outside/streamed-chat-repeated')
    .proxy(() => async (_, forward) => {
      const response = await forward();
      if (!response.headers.has('idempotent-replayed') || !isEvents(response)) return response;
      return editText(response, (text) => text.replace(/data: [^\n]*"choices":\[\][^\n]*\n\n/, ''));
    }),
  mutant('mismatch-carried-out', 'a mismatch is refused after it was carried out')
    .caughtBy('idempotency.mismatch/nothing-happens')
    .proxy(() => async ({ headers: { [KEY]: _, ...headers } }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) === 'idempotency_mismatch') await (await forward({ headers })).text();
      return response;
    }),
  mutant('mismatch-forgets', 'a mismatch forgets the key')
    .caughtBy('idempotency.mismatch/first-still-stored')
    .proxy(() => {
      const forgotten = new Set<string>();
      return async ({ headers }, forward) => {
        const key = headers[KEY] ?? '';
        const response = await forward(forgotten.has(key) ? { headers: { ...headers, [KEY]: `${key}-anew` } } : {});
        if ((await codeOf(response)) === 'idempotency_mismatch') forgotten.add(key);
        return response;
      };
    }),
  mutant('refusals-stored', 'a refusal uses its key up')
    .caughtBy('idempotency.keys/refusal-free refusal-not-stored')
    .memoize(
      (request) => keyed(request, keyOf(request)),
      () => true,
    ),
  mutant('refusals-stored-by-body', 'a refusal is given again where the same request comes again')
    .caughtBy('idempotency.keys/refusal-not-stored')
    .memoize(
      (request) => keyed(request, content(request)),
      (response) => !response.ok,
    ),
  mutant('twins-dropped', 'a write like one before is taken for the same, key or not')
    .caughtBy('idempotency.keys/without-key another-key')
    .memoize((request) => (isWrite(request) ? content(request) : undefined)),
  mutant('keys-of-all', 'keys are known to all accounts together')
    .caughtBy('idempotency.accounts/own-effect')
    .memoize((request) => keyed(request, content(request))),
  mutant('keys-of-all-refused', 'a key that another account has used is refused')
    .caughtBy('idempotency.accounts/no-mismatch')
    .proxy(() => {
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
    }),
];

type Kills = readonly [string, ...string[]];

const each = (check: string) => REPLAY_CASES.filter(({ checks }) => check in checks).map(({ id }) => `${id}/${check}`);

/** Takes the key off requests. */
function forgetting(isIt: (request: Passing) => boolean): Handler {
  return (request, forward) => {
    const { [KEY]: _, ...headers } = request.headers;
    return isIt(request) ? forward({ headers }) : forward();
  };
}

/** Changes answers that are stored ones. */
function replays(edit: (response: Response) => Response | Promise<Response>): Handler {
  return async (_, forward) => {
    const response = await forward();
    return response.headers.has('idempotent-replayed') ? edit(response) : response;
  };
}

const MARKED = [
  'idempotency.create/marked',
  'idempotency.snapshot/marked',
  'idempotency.deletions/session-marked',
  ...each('marked'),
] as unknown as Kills;

const REPLAY_MUTANTS = [
  mutant('keys-of-posts-only', 'keys are ignored on deletions')
    .caughtBy('idempotency.deletions/session-same-answer snapshot-same-answer')
    .forgetting(({ method }) => method === 'DELETE'),
  mutant('keys-of-writes-only', 'keys are heeded on writes of messages only')
    .caughtBy('idempotency.create/once', 'idempotency.rollback/once', 'idempotency.chat/once')
    .forgetting(({ path }) => !path.endsWith('/messages')),
  mutant('deletion-always-succeeds', 'deleting what is gone succeeds, key or not')
    .caughtBy('idempotency.deletions/session-without-key')
    .proxy(() => async ({ method, path }, forward) => {
      const response = await forward();
      if (method !== 'DELETE' || response.status !== 404) return response;
      return json({ id: path.split('/').at(-1), object: 'session.deleted', deleted: true });
    }),
  mutant('all-marked', 'every answer to a request with a key says that it is a stored one')
    .caughtBy(...MARKED)
    .editResponse((response, { headers }) =>
      headers[KEY] === undefined || !response.ok ? response : withHeader(response, 'Idempotent-Replayed', 'true'),
    ),
  mutant('replays-without-etag', 'a stored answer has lost its version')
    .caughtBy('idempotency.title/same-answer', 'idempotency.append/same-answer', 'idempotency.rollback/same-answer')
    .replays((response) => withHeader(response, 'etag', null)),
  mutant('replays-empty', 'that a request was carried out is remembered, and not what it was answered')
    .caughtBy(
      'idempotency.create/same-answer',
      'idempotency.append/same-answer',
      'idempotency.deletions/session-same-answer',
    )
    .replays((response) => new Response('{}', response)),
];

const STATE_MUTANTS = [
  mutant('version-before-replay', 'the version is looked at before the key')
    .caughtBy('idempotency.state/version-gone-on')
    .proxy(() => async (request, forward) => {
      const id = changedBy(request);
      const expected = request.headers['if-match'];
      if (id === undefined || expected === undefined) return forward();
      const version = await versionOf(request, forward, id);
      return version !== undefined && expected !== `"${version}"` ? refusal('version_conflict') : forward();
    }),
  mutant('existence-before-replay', 'whether the session is there is looked at before the key')
    .caughtBy('idempotency.state/session-deleted')
    .proxy(() => async (request, forward) => {
      const id = changedBy(request);
      if (id === undefined) return forward();
      return (await versionOf(request, forward, id)) === undefined ? refusal('session_not_found') : forward();
    }),
  mutant('race-runs-all', 'a key is known only once its first request has ended')
    .caughtBy('idempotency.race/append-once chat-once')
    .proxy(() => {
      const running = new Map<string, Promise<unknown>>();
      return async (request, forward) => {
        const { [KEY]: key, ...headers } = request.headers;
        if (key === undefined) return forward();
        const before = running.get(key);
        const sent = (before ?? Promise.resolve()).then(() => forward(before ? { headers } : {}));
        running.set(key, sent);
        return sent.then((response) => response.clone());
      };
    }),
  mutant('race-told-busy', 'a request that is still running is reported as a busy session')
    .caughtBy('idempotency.race/others-told')
    .proxy(() => async (_, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'request_in_progress' ? refusal('session_busy') : response;
    }),
];

export const IDEMPOTENCY_MUTANTS: readonly Mutant[] = [...KEY_MUTANTS, ...REPLAY_MUTANTS, ...STATE_MUTANTS];
