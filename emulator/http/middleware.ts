import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError, invalid } from '../api-error.ts';
import type { Faults } from '../faults/faults.ts';
import { accountOf, identityHeaders } from '../ids.ts';
import { lazy } from '../lazy.ts';
import { type Connection, isLoopback } from '../server.ts';
import type { Services } from '../services.ts';
import { RequestContext, RequestHead, type Step } from './context.ts';
import type { AccountRate, RateLimits } from './rate-limits.ts';
import { onClientGone, openExchange, send, setHeader } from './respond.ts';

/** Paths of the session dialect, which the live API does not have. */
export const DIALECT = /^\/v1\/(?:sessions|snapshots|shares)(?:\/|$)/;

/** Takes a request up: gives it an id, as the live API does, and a journal entry. @throws UnreadableRequest */
export function openRequest(services: Services, asked: Connection | Request): RequestContext {
  const head = 'incoming' in asked ? RequestHead.of(asked) : RequestHead.inProcess(asked);
  const c = new RequestContext(head, services, traceHeaders(services.ids('request')));
  c.set('addressed', DIALECT.test(head.path));
  openExchange(c, services);
  return c;
}

/** Names as captured; the form of a trace id is not known. */
function traceHeaders(request: string): Record<string, string> {
  return { 'Msh-Request-Id': request, 'Msh-Trace-Mode': 'on', 'X-Msh-Trace-Id': request.replace('req_', '') };
}

const faultModule = lazy(() => import('../faults/apply-faults.ts'));

/** Applies the faults that were set. Costs two checks where there are none. */
export function applyFaults(faults: Faults): Step {
  return (c, next) => {
    if (faults.none && c.req.header('kimi-emulator-fault') === undefined) return next(c);
    return faultModule().then((module) => module.applyFaults(c, next, faults));
  };
}

/** Loaded with the first refusal. */
const bodies = lazy(() => import('./request-body.ts'));

/**
 * Lets requests in as their account's tier allows, and counts each until its answer is over. What its tokens come to is charged
 * once they are counted.
 */
export function limitRate(rates: RateLimits): Step {
  return async (c, next) => {
    const rate = rates.of(c.get('account'));
    const end = await enter(c, rate);
    c.set('rate', rate);
    onAnswerEnd(c, end);
    try {
      const response = await next(c);
      return c.env.outgoing ? response : tellingEnd(response, end);
    } catch (error) {
      if (!c.env.outgoing) end();
      throw error;
    }
  };
}

/** Reads of what is refused what it was, for the journal: else nobody could tell whether it is asked for again. */
async function enter(c: RequestContext, rate: AccountRate): Promise<() => void> {
  try {
    return rate.enter();
  } catch (refusal) {
    const { readValue } = await bodies();
    if (c.get('exchange')) await readValue(c).catch(() => undefined);
    throw refusal;
  }
}

/** The names under which the server may be addressed. Listening adds to them. */
export class HostNames {
  readonly #names: Set<string>;
  /** True where the server is bound to more than loopback: then any address literal is as good a name. */
  anyAddress = false;

  constructor(hosts: readonly string[]) {
    this.#names = new Set([...LOOPBACK, ...hosts.map((host) => host.toLowerCase())]);
  }

  bind(host: string): void {
    this.#names.add(host.toLowerCase());
    this.anyAddress ||= !isLoopback(host);
  }

  /** Whether a Host header is one of them, whatever its port. */
  include(header: string): boolean {
    const name = nameOf(header);
    return name !== undefined && (this.#names.has(name) || (this.anyAddress && isIP(name) !== 0));
  }
}

export interface GuardOptions {
  hosts: HostNames;
  /** Origins whose pages may call the API. */
  origins: readonly string[];
  /** What control routes ask for; where undefined, they are open on loopback only. */
  controlKey: string | undefined;
  /** API keys that are let in. Who lists them lets nobody look into their sessions who has no key at all. */
  keys: readonly string[] | undefined;
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const CONTROL = /^\/_emulator(?:\/|$)/;
/** The inspector's page, which holds nothing: what it shows it has to ask for, with the key. */
const PAGE = /^\/_emulator\/ui(?:\/[\w.-]*)?$/;
/** What the page reads and does. */
const INSPECTED = /^\/_emulator\/inspect(?:\/|$)/;
export const HEALTH = '/_emulator/health';
/** Browsers send this also without an Origin, as for an image or a frame. */
const FOREIGN_SITES: readonly string[] = ['cross-site', 'same-site'];
const CORS_HEADERS = {
  'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
  'Access-Control-Expose-Headers':
    'ETag, Idempotent-Replayed, Kimi-Emulator-Hint, Kimi-Emulator-Ignored, Kimi-Emulator-Note, Msh-Request-Id, Retry-After, X-Retry-After, x-should-retry',
  'Access-Control-Max-Age': '600',
};

/**
 * Any web page can reach loopback, so the server answers to its own names only, and to pages only where their origin is
 * allowed; control routes to no foreign page at all. Departure: the live API is public and sends `*`.
 */
export function guard({ hosts, origins, controlKey, keys }: GuardOptions): Step {
  return (c, next) => {
    const host = c.req.header('host');
    if (host !== undefined && !hosts.include(host)) {
      throw new ApiError('permission_denied', { host });
    }
    const origin = c.req.header('origin');
    const control = CONTROL.test(c.req.path);
    const isPage = PAGE.test(c.req.path);
    if (control && !(isPage && isFollowedLink(c)) && FOREIGN_SITES.includes(c.req.header('sec-fetch-site') ?? '')) {
      throw new ApiError('permission_denied', { control: 'origin' });
    }
    if (control && c.req.path !== HEALTH && !isPage) {
      if (controlKey !== undefined) requireControlKey(c, controlKey);
      else if (hosts.anyAddress) refuseControl(c, 'no key');
      else if (keys !== undefined && INSPECTED.test(c.req.path)) refuseControl(c, 'api keys');
    }
    if (origin === undefined || isSameOrigin(origin, host)) return next(c);
    if (control || !origins.includes(origin)) throw new ApiError('permission_denied', { origin });
    setHeader(c, 'Access-Control-Allow-Origin', origin);
    setHeader(c, 'Vary', 'Origin');
    for (const [name, value] of Object.entries(CORS_HEADERS)) setHeader(c, name, value);
    if (c.req.method !== 'OPTIONS') return next(c);
    const asked = c.req.header('access-control-request-headers');
    if (asked !== undefined) setHeader(c, 'Access-Control-Allow-Headers', asked);
    return send(c, 204, null);
  };
}

/** A link to the page, followed by a person: whoever made it can neither read what comes nor frame it. */
function isFollowedLink(c: RequestContext): boolean {
  return c.req.header('sec-fetch-mode') === 'navigate' && c.req.header('sec-fetch-dest') === 'document';
}

/** @throws ApiError `permission_denied` */
function requireControlKey(c: RequestContext, controlKey: string): void {
  const given = BEARER.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
  if (!isSameSecret(given, controlKey)) refuseControl(c, 'wrong key');
}

/** In process it is the owner who asks. @throws ApiError `permission_denied` */
function refuseControl(c: RequestContext, problem: keyof typeof CONTROL_HINT): void {
  if (!c.env.incoming) return;
  setHeader(c, 'Kimi-Emulator-Hint', CONTROL_HINT[problem]);
  // So that a page can tell whether there is a key that would open it.
  if (problem === 'wrong key') setHeader(c, 'WWW-Authenticate', 'Bearer realm="control"');
  throw new ApiError('permission_denied', { control: problem });
}

const CONTROL_HINT = {
  'no key':
    'start with --control-key KEY or KIMI_EMULATOR_CONTROL_KEY, or bind to loopback; GET /_emulator/health is always open',
  'api keys':
    'start with --control-key KEY or KIMI_EMULATOR_CONTROL_KEY; all other control routes are open on loopback',
  'wrong key': 'the key is in --control-key or KIMI_EMULATOR_CONTROL_KEY of the server; an API key is not one',
} as const;

/** Of their hashes, which are equally long: how long it takes says nothing of the secret. */
function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(accountOf(one)), Buffer.from(accountOf(other)));
}

const nameOf = memoize(hostName);

/** The name in a Host header, without port and brackets. */
function hostName(header: string): string | undefined {
  if (!URL.canParse(`http://${header}`)) return undefined;
  const url = new URL(`http://${header}`);
  if (url.pathname !== '/' || url.username !== '' || url.search !== '') return undefined;
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`;
}

const HOSTED_AGENTS = 'Hosted Agents (kimi-api-version) are not emulated; leave the header out for the session dialect';
const BEARER = /^Bearer +(\S+) *$/i;

interface KeyOptions {
  /** Those that are let in; any where undefined. */
  keys: readonly string[] | undefined;
  /** Whether requests without a key are let in too. */
  isOptional?: boolean;
}

/**
 * The account is the key, stored as its hash only. Without a list of keys any key is an account of its own.
 * @throws ApiError `incorrect_api_key` without a key, `invalid_authentication` for one that is not on the list
 */
export function authenticate({ keys, isOptional = false }: KeyOptions): Step {
  const known = keys && new Set(keys.map(accountOf));
  const accounts = memoize(accountOf);
  const identities = memoize(identityHeaders);
  return (c, next) => {
    const key = BEARER.exec(c.req.header('authorization') ?? '')?.[1];
    if (key === undefined && isOptional) {
      c.set('account', NOBODY);
      return next(c);
    }
    if (key === undefined) throw missingKey();
    const account = accounts(key);
    c.get('exchange')?.by(account, key);
    if (known && !known.has(account)) throw new ApiError('invalid_authentication', {});
    c.set('account', account);
    Object.assign(c.get('headers'), identities(account));
    if (!isOptional) refuseHostedAgents(c);
    return next(c);
  };
}

/** @throws ApiError for what is not of the session dialect, and shares its paths */
export function refuseHostedAgents(c: RequestContext): void {
  if (c.req.header('kimi-api-version') !== undefined) throw invalid(HOSTED_AGENTS, undefined, 'hosted_agents');
}

/** The account of requests without a key, where another server is to judge them. */
export const NOBODY = '';

export function missingKey(): ApiError {
  return new ApiError('incorrect_api_key', {});
}

const MAX_RESULTS = 256;

/** The same pure function, which remembers its last results: for what every request of a client asks again. */
function memoize<Result>(compute: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined || known.has(text)) return found as Result;
    if (known.size >= MAX_RESULTS) known.clear();
    const result = compute(text);
    known.set(text, result);
    return result;
  };
}

/** Calls `listener` when the answer is over, however it ends; perhaps more than once. To be asked before there is one. */
function onAnswerEnd(c: RequestContext, listener: () => void): void {
  const { outgoing } = c.env;
  if (!outgoing) onClientGone(c, listener);
  else if (outgoing.destroyed) listener();
  else outgoing.once('close', listener);
}

/** The same answer in process, which tells when a stream has been read, given up or broken off. A text is over at once. */
function tellingEnd(response: Response, listener: () => void): Response {
  const { body, headers } = response;
  if (!body || headers.get('content-type') !== 'text/event-stream') {
    listener();
    return response;
  }
  const reader = body.getReader();
  void reader.closed.then(listener, listener);
  const told = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader.read();
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(told, response);
}
