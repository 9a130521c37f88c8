import { onRoute, routeOf, withHeader, withoutHeaders } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, editText, type Handler, json } from '../../proof/proxy.ts';
import { codeOf, refusal } from '../../proof/sessions.ts';
import { ROUTES } from '../../tables/routes.ts';
import { REPLAY_CASES } from './route-cases.ts';

/** For each route, a server that heeds keys on all others. */

const mutant = mutantsOf('idempotency', { replays, rewritten, usedUpBy });
const KEY = 'idempotency-key';

/** Where stored answers are given again, but other than they were. */
function replays(route: string, edit: (response: Response) => Promise<Response> | Response): Handler {
  return onRoute(route, async (_, forward) => {
    const response = await forward();
    return response.headers.has('idempotent-replayed') ? edit(response) : response;
  });
}

function ofRoute(route: (typeof ROUTES)[number]): Mutant[] {
  const { name, rehearses, deletes, lines, creates } = route;
  const known = Object.keys(REPLAY_CASES.find(({ id }) => id === `idempotency.${name}`)?.checks ?? {});
  const caught = (...checks: string[]) =>
    checks.filter((check) => known.includes(check)).map((check) => `idempotency.${name}/${check}`);
  /** A second effect cannot be seen of what has none. */
  const seen = rehearses || deletes ? [] : ['once'];
  return [
    mutant(`ignored-on-${name}`, `keys are ignored on ${name}`)
      .caughtBy(...(deletes ? caught('same-answer', 'marked') : caught('marked', ...seen)))
      .onRoute(name, (request, forward) => forward({ headers: withoutHeaders(request.headers, KEY) })),
    mutant(`done-again-on-${name}`, `a repeated ${name} is answered as stored, and done once more`)
      .caughtBy(...caught(...seen))
      .onRoute(name, async (request, forward) => {
        const response = await forward();
        const repeated = response.headers.has('idempotent-replayed') || (lines && response.ok);
        if (repeated) await (await forward({ headers: withoutHeaders(request.headers, KEY, 'if-match') })).text();
        return response;
      }),
    mutant(`answer-changed-on-${name}`, `the stored answer of ${name} has another status`)
      .caughtBy(...caught('same-answer'))
      .proxy(() =>
        lines
          ? onRoute(name, async (request, forward) => {
              const response = await forward();
              const seenBefore = SEEN.has(request.headers[KEY] ?? '');
              if (response.ok) SEEN.add(request.headers[KEY] ?? '');
              return seenBefore ? editText(response, (text) => text.replace('"index":0', '"index":1')) : response;
            })
          : replays(name, async (response) =>
              answer(response, await response.text(), response.status === 200 ? 201 : 200),
            ),
      ),
    mutant(`gone-after-deletion-on-${name}`, `the stored answer of ${name} goes with what it is about`)
      .caughtBy(...caught('after-deletion'))
      .proxy(() => {
        let gone = false;
        const again = replays(name, (response) => (gone ? refusal('session_not_found') : response));
        return async (request, forward) => {
          const response = await again(request, forward);
          if (response.ok && request.method === 'DELETE' && !request.path.endsWith('/share')) gone = true;
          return response;
        };
      }),
    mutant(`unmarked-on-${name}`, `the stored answer of ${name} does not say that it is one`)
      .caughtBy(...caught('marked'))
      .replays(name, (response) => withHeader(response, 'idempotent-replayed', null)),
    mutant(`unnamed-on-${name}`, `the stored answer of ${name} has no request id`)
      .caughtBy(...caught('marked'))
      .replays(name, (response) => withHeader(response, 'msh-request-id', null)),
    mutant(`case-ignored-on-${name}`, `keys are compared without their case on ${name}`)
      .caughtBy(...caught('key-case'))
      .onRoute(name, ({ headers }, forward) => {
        const key = headers[KEY];
        return forward(key === undefined ? {} : { headers: { ...headers, [KEY]: key.toLowerCase() } });
      }),
    mutant(`mismatch-retried-on-${name}`, `a mismatch on ${name} is said to be worth another try`)
      .caughtBy(...(lines ? [] : caught('mismatch')))
      .onRoute(name, async (_, forward) => {
        const response = await forward();
        const text = await response.clone().text();
        return text.includes('idempotency_mismatch') ? withHeader(response, 'x-should-retry', 'true') : response;
      }),
    mutant(`answer-of-now-on-${name}`, `the stored answer of ${name} is the session as it is now`)
      .caughtBy(...(creates ? caught('same-answer') : []))
      .onRoute(name, async (_, forward) => {
        const response = await forward();
        if (!response.headers.has('idempotent-replayed')) return response;
        const { id } = (await response.clone().json()) as { id: string };
        const now = await forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
        return answer(response, await now.text());
      }),
    mutant(`mismatch-run-on-${name}`, `a key with another body is a new one on ${name}`)
      .caughtBy(...caught('mismatch', ...(rehearses ? [] : ['mismatch-does-nothing'])))
      .onRoute(name, async (request, forward) => {
        const response = await forward();
        const text = await response.clone().text();
        return text.includes('idempotency_mismatch')
          ? forward({ headers: withoutHeaders(request.headers, KEY) })
          : response;
      }),
    mutant(`mismatch-done-on-${name}`, `a mismatch is refused on ${name} after it was carried out`)
      .caughtBy(...(rehearses ? [] : caught('mismatch-does-nothing')))
      .onRoute(name, async (request, forward) => {
        const response = await forward();
        const text = await response.clone().text();
        if (text.includes('idempotency_mismatch'))
          await (await forward({ headers: withoutHeaders(request.headers, KEY) })).text();
        return response;
      }),
    ...(['session_not_found', 'snapshot_not_found', 'share_not_found', 'version_conflict'] as const).map((code) =>
      mutant(`used-up-by-${code.replaceAll('_', '-')}-on-${name}`, `a refusal as ${code} uses up the key of ${name}`)
        .caughtBy(
          ...(code === 'version_conflict'
            ? caught('free-after-conflict')
            : code.startsWith(route.names ?? 'nothing')
              ? caught('free-after-not-found')
              : []),
        )
        .usedUpBy(name, code),
    ),
  ].filter(({ caughtBy }) => caughtBy.length > 0);
}

const SEEN = new Set<string>();

function usedUpBy(route: string, code: string): Handler {
  const used = new Set<string>();
  return async (request, forward) => {
    if (routeOf(request) !== route) return forward();
    const key = request.headers[KEY] ?? '';
    // The route with the right id, or the right version, comes after one that was refused.
    if (used.has(key)) return refusal('idempotency_mismatch');
    const response = await forward();
    if ((await codeOf(response)) === code && key !== '') used.add(key);
    return response;
  };
}

const KEYS = [
  mutant('ignored', 'keys are ignored')
    .caughtBy('idempotency.race/append-once replayed-after')
    .proxy(() => (request, forward) => forward({ headers: withoutHeaders(request.headers, KEY) })),
  mutant('keys-cut', 'keys are compared by their first 64 characters')
    .caughtBy('idempotency.key-bytes/last-character beginning punctuation longest-compared')
    .rewritten((key) => key.slice(0, 64)),
  mutant('keys-cut-in-front', 'keys are compared by their last 64 characters')
    .caughtBy('idempotency.key-bytes/first-character')
    .rewritten((key) => key.slice(-64)),
  mutant('keys-in-any-case', 'keys are compared in any case')
    .caughtBy('idempotency.key-bytes/case')
    .rewritten((key) => key.toLowerCase()),
  mutant('keys-cut-to-fit', 'a key that is too long is cut')
    .caughtBy('idempotency.key-bytes/longer-refused')
    .rewritten((key) => key.slice(0, 255)),
  mutant('keys-short', 'the longest keys are refused')
    .caughtBy('idempotency.key-bytes/longest-accepted')
    .proxy(
      () => async (request, forward) =>
        (request.headers[KEY] ?? '').length > 254
          ? json({ error: { message: 'long', type: 'invalid_request_error', code: 'invalid_request' } }, 400)
          : forward(),
    ),
];

function rewritten(edit: (key: string) => string): Handler {
  return (request, forward) => {
    const { [KEY]: key, ...headers } = request.headers;
    return key === undefined ? forward() : forward({ headers: { ...headers, [KEY]: edit(key) } });
  };
}

export const ROUTE_MUTANTS: readonly Mutant[] = [...ROUTES.flatMap(ofRoute), ...KEYS];
