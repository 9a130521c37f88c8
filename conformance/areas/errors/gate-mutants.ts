import { routeOf } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Handler, json, objectIn, type Passing } from '../../proof/proxy.ts';
import { GATED, gateNames } from './gate-cases.ts';

/** For each route, servers without one of the gates. */

const mutant = mutantsOf('errors', { open });

export const READ_PATHS: Readonly<Record<string, RegExp>> = {
  'read-sessions': /^\/v1\/sessions$/,
  'read-session': /^\/v1\/sessions\/[^/]+$/,
  'read-messages': /^\/v1\/sessions\/[^/]+\/messages$/,
  'read-session-snapshots': /^\/v1\/sessions\/[^/]+\/snapshots$/,
  'read-snapshots': /^\/v1\/snapshots$/,
  'read-snapshot': /^\/v1\/snapshots\/[^/]+$/,
  'read-snapshot-messages': /^\/v1\/snapshots\/[^/]+\/messages$/,
  'read-share': /^\/v1\/shares\/[^/]+$/,
  models: /^\/v1\/models$/,
  model: /^\/v1\/models\/[^/]+$/,
  files: /^\/v1\/files$/,
  balance: /^\/v1\/users\/me\/balance$/,
};

/** Whether a request is to the route, as far as its path tells where it has no body that can be read. */
function isOf(name: string, request: Passing): boolean {
  const { method, path } = request;
  const read = READ_PATHS[name];
  if (read) return method === 'GET' && read.test(path);
  if (method !== 'POST' && method !== 'DELETE') return false;
  if (name === 'estimate') return path.endsWith('/estimate-token-count');
  const isObject = Object.keys(objectIn(request)).length > 0 && !Array.isArray(request.body);
  if (!isObject && method === 'POST') return pathOf(name).test(path);
  if (name.startsWith('outside')) {
    const { session_id, stream } = objectIn(request);
    return (
      path.endsWith('/chat/completions') && session_id === undefined && (stream === true) === name.includes('streamed')
    );
  }
  return routeOf(request) === name;
}

/** What a path says of the route alone: several routes are on one. */
export function pathOf(name: string): RegExp {
  if (name.includes('chat')) return /\/chat\/completions$/;
  if (name.startsWith('append')) return /\/sessions\/[^/]+\/messages$/;
  if (name.endsWith('pin')) return /\/messages\/[^/]+$/;
  if (name === 'snapshot') return /\/sessions\/[^/]+\/snapshots$/;
  if (['title', 'metadata', 'tools'].includes(name)) return /^\/v1\/sessions\/[^/]+$/;
  const verb = /^(?:truncate|compress|rollback|share$)/.exec(name)?.[0];
  return verb ? new RegExp(`/${verb}$`) : /^\/v1\/sessions$/;
}

const hasKey = ({ headers }: Passing) => /^bearer \S/i.test(headers.authorization ?? '');
const isObject = (body: unknown) => typeof body === 'object' && body !== null && !Array.isArray(body);
const hasNoJson = ({ body }: Passing) => typeof body === 'string' && body.trimStart().startsWith('{');

/** What each gate stops. */
const STOPS: Readonly<Record<string, (request: Passing) => boolean>> = {
  'no-key': (request) => !hasKey(request) && !hasNoJson(request),
  'key-first': (request) => !hasKey(request) && hasNoJson(request),
  'no-json': (request) => hasKey(request) && hasNoJson(request),
  'no-object': (request) =>
    request.body !== undefined && !isObject(request.body) && !hasNoJson(request) && request.stream === undefined,
  'hosted-agents': ({ headers }) => headers['kimi-api-version'] !== undefined,
};

/** Answers what the gate should have stopped. */
function open(name: string, gate: string): Handler {
  return (request, forward) =>
    isOf(name, request) && STOPS[gate]?.(request) ? Promise.resolve(json({ object: 'open' })) : forward();
}

/** Answers a refusal of one kind as another of the contract's would be. */
function inOtherOrder(name: string, gate: string): Handler {
  const [status, code] =
    gate === 'body-before-existence' ? ([404, 'not_found'] as const) : ([409, 'version_conflict'] as const);
  return async (request, forward) => {
    const response = await forward();
    const due = gate === 'body-before-existence' ? hasNoJson(request) : request.headers['if-match'] !== undefined;
    if (!isOf(name, request) || !due || response.ok) return response;
    return json({ error: { message: 'first', type: 'conflict_error', code } }, status);
  };
}

export const GATE_MUTANTS: readonly Mutant[] = GATED.flatMap((gated) =>
  gateNames(gated).map((gate) => {
    const known = mutant(`${gate}-open-on-${gated.name}`, `the gate ${gate} is open on ${gated.name}`).caughtBy(
      `errors.gates-${gated.name}/${gate}`,
    );
    if (gate === 'request-id') {
      return known.proxy(() => async (request, forward) => {
        const response = await forward();
        if (!isOf(gated.name, request) || !response.ok) return response;
        const headers = new Headers(response.headers);
        headers.delete('msh-request-id');
        return new Response(response.body, { status: response.status, headers });
      });
    }
    if (gate.includes('before')) return known.proxy(() => inOtherOrder(gated.name, gate));
    return known.open(gated.name, gate);
  }),
);
