import { CAPABILITIES } from '../../contract/capabilities.ts';
import type { Profile } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';
import { type Handler, json, type Passing, proxy } from './proxy.ts';

/** A server that does not implement the API. A run against it must not succeed, except for the profiles that it serves. */
export interface NullTarget {
  readonly id: string;
  readonly is: string;
  readonly wrap: (target: Target) => Target;
  /** Profiles under which it may succeed. */
  readonly serves?: readonly Profile[];
}

const DEADLINE_MS = 300;
const NONE = { declares: {} } as const;
const ALL = { declares: Object.fromEntries(CAPABILITIES.map((name) => [name, 'yes'] as const)) };

/** A target that answers everything by itself. */
function instead(respond: (request: Passing) => Response | Promise<Response>, change: Partial<Target> = {}) {
  return (target: Target): Target => ({
    ...target,
    deadlineMs: DEADLINE_MS,
    ...change,
    fetch: proxy(target.fetch, async (request) => respond(request)),
  });
}

const unknownRoute = ({ method, path }: Passing) =>
  json(
    { code: 5, error: 'url.not_found', message: '没找到对象', method, scode: '0x5', status: false, ua: '', url: path },
    404,
  );
const SESSION_ROUTE = /^\/v1\/(?:sessions|snapshots|shares)/;

/** Chat and the rest pass; the session routes are not there, and a session_id means nothing. */
const stateless: Handler = (request, forward) => {
  if (SESSION_ROUTE.test(request.path)) return Promise.resolve(unknownRoute(request));
  if (typeof request.body !== 'object' || request.body === null || !('session_id' in request.body)) return forward();
  const { session_id: _, ...body } = request.body as Record<string, unknown>;
  return forward({ body });
};

function refusal(status: number, type: string, message: string) {
  return () => json({ error: { message, type } }, status, { 'x-should-retry': 'false' });
}

/** A body that never ends, one event after the other. */
function endlessEvents(): Response {
  const event = new TextEncoder().encode('data: {"choices":[]}\n\n');
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(event);
    },
  });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}

export const NULL_TARGETS: readonly NullTarget[] = [
  {
    id: 'connection-refused',
    is: 'a port on which nobody listens',
    wrap: (target) => ({
      ...target,
      fetch: () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })),
    }),
  },
  { id: 'always-empty-200', is: 'a server that answers 200 {} to everything', wrap: instead(() => json({})) },
  {
    id: 'echo',
    is: 'a server that sends back what it gets',
    wrap: instead(({ body }) => json(body ?? {})),
  },
  {
    id: 'always-404',
    is: 'a server that knows nothing',
    wrap: instead(refusal(404, 'resource_not_found_error', 'Not found'), NONE),
  },
  {
    id: 'always-401',
    is: 'a server that lets nobody in',
    wrap: instead(refusal(401, 'invalid_authentication_error', 'Invalid Authentication')),
  },
  {
    id: 'always-500',
    is: 'a server that breaks down',
    wrap: instead(refusal(500, 'unexpected_output', 'invalid state transition')),
  },
  {
    id: 'always-429',
    is: 'a server that has no time',
    wrap: instead(
      refusal(429, 'engine_overloaded_error', 'The engine is currently overloaded, please try again later'),
    ),
  },
  {
    id: 'html-200',
    is: 'a web page',
    wrap: instead(
      () => new Response('<!doctype html><title>Hello</title>', { headers: { 'Content-Type': 'text/html' } }),
    ),
  },
  {
    id: 'never-answers',
    is: 'a server that takes requests and never answers',
    wrap: instead(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ),
  },
  { id: 'endless-events', is: 'a stream that never ends', wrap: instead(endlessEvents) },
  {
    id: 'stateless',
    is: 'a server without sessions that says so',
    wrap: (target) => ({ ...target, ...NONE, fetch: proxy(target.fetch, stateless) }),
    serves: ['kimi-wire'],
  },
  {
    id: 'claims-everything',
    is: 'a server that claims every capability and has none',
    wrap: instead(unknownRoute, ALL),
  },
  {
    id: 'stateless-claims-sessions',
    is: 'a server without sessions that claims them',
    wrap: (target) => ({ ...target, fetch: proxy(target.fetch, stateless) }),
    serves: ['kimi-wire'],
  },
];
