import { mutantsOf } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import { keyOf } from '../../owners.ts';
import type { Handler, Passing } from '../../proxy.ts';
import { codeOf } from '../../rewrites.ts';

const mutant = mutantsOf('idempotency');
export const KEY = 'idempotency-key';

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

export const KEY_MUTANTS: readonly Mutant[] = [
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
