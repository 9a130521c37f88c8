import { withHeader, withoutHeaders } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Handler, objectIn, type Passing } from '../../proof/proxy.ts';
import { OUTSIDE } from './outside-cases.ts';

/** Servers that heed keys of requests in sessions only, or for everybody. */

const mutant = mutantsOf('idempotency', { outside, shared });
const KEY = 'idempotency-key';

function isOf(name: string, request: Passing): boolean {
  const { session_id, stream } = objectIn(request);
  const isChat = request.path === '/v1/chat/completions' && session_id === undefined;
  if (name === 'estimate') return request.path.endsWith('/estimate-token-count');
  return isChat && (stream === true) === (name === 'streamed-chat');
}

function outside(name: string, meet: Handler): Handler {
  return (request, forward) => (isOf(name, request) ? meet(request, forward) : forward());
}

/** The answer to a key is given to whoever sends it. */
function shared(name: string): Handler {
  const stored = new Map<string, { text: string; headers: Headers }>();
  return outside(name, async (request, forward) => {
    const place = `${request.headers[KEY]} ${JSON.stringify(request.body)}`;
    const known = stored.get(place);
    if (known) return withHeader(new Response(known.text, { headers: known.headers }), 'idempotent-replayed', 'true');
    const response = await forward();
    if (response.ok && KEY in request.headers) {
      stored.set(place, { text: await response.clone().text(), headers: response.headers });
    }
    return response;
  });
}

export const OUTSIDE_MUTANTS: readonly Mutant[] = Object.keys(OUTSIDE).flatMap((name) => [
  mutant(`ignored-outside-${name}`, `keys are ignored where a ${name} names no session`)
    .caughtBy(`idempotency.outside/${name}-marked ${name}-mismatch`)
    .outside(name, (request, forward) => forward({ headers: withoutHeaders(request.headers, KEY) })),
  mutant(`answer-changed-outside-${name}`, `the stored answer of a ${name} outside of sessions has another status`)
    .caughtBy(`idempotency.outside/${name}-repeated`)
    .outside(name, async (_, forward) => {
      const response = await forward();
      if (!response.headers.has('idempotent-replayed')) return response;
      return new Response(response.body, { status: 201, headers: response.headers });
    }),
  mutant(`shared-outside-${name}`, `the stored answer of a ${name} is given to every account`)
    .caughtBy(`idempotency.outside/${name}-own-account`)
    .shared(name),
]);
