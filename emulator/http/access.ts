import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { accountOf } from '../account.ts';
import { ApiError, invalid } from '../errors.ts';
import { memoize } from '../memoize.ts';
import type { Env } from './context.ts';
import { send, setHeader } from './respond.ts';

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
    this.anyAddress ||= !LOOPBACK.includes(host);
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
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const CONTROL = /^\/_emulator(?:\/|$)/;
/** Browsers say so also where they send no Origin, as for an image or a frame. */
const FOREIGN_SITES: readonly string[] = ['cross-site', 'same-site'];
const CORS_HEADERS = {
  'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
  'Access-Control-Expose-Headers':
    'ETag, Idempotent-Replayed, Kimi-Emulator-Hint, Kimi-Emulator-Ignored, Msh-Request-Id, Retry-After, x-should-retry',
  'Access-Control-Max-Age': '600',
};

/**
 * Any web page can reach loopback, so the server answers to its own names only, and to pages only where their origin is
 * allowed; control routes to no foreign page at all. Departure: the live API is public and sends `*`.
 */
export function guard({ hosts, origins }: GuardOptions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const host = c.req.header('host');
    if (host !== undefined && !hosts.include(host)) {
      throw new ApiError('permission_denied', { host });
    }
    const origin = c.req.header('origin');
    const control = CONTROL.test(c.req.path);
    if (control && FOREIGN_SITES.includes(c.req.header('sec-fetch-site') ?? '')) {
      throw new ApiError('permission_denied', { control: true });
    }
    if (origin === undefined || isSameOrigin(origin, host)) return next();
    if (control || !origins.includes(origin)) throw new ApiError('permission_denied', { origin });
    setHeader(c, 'Access-Control-Allow-Origin', origin);
    setHeader(c, 'Vary', 'Origin');
    for (const [name, value] of Object.entries(CORS_HEADERS)) setHeader(c, name, value);
    if (c.req.method !== 'OPTIONS') return next();
    const asked = c.req.header('access-control-request-headers');
    if (asked !== undefined) setHeader(c, 'Access-Control-Allow-Headers', asked);
    return send(c, 204, null);
  };
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

/**
 * The account is the key, stored as its hash only. Without a list of keys any key is an account of its own.
 * @throws ApiError `invalid_authentication`, `incorrect_api_key`
 */
export function authenticate(keys: readonly string[] | undefined): MiddlewareHandler<Env> {
  const known = keys && new Set(keys.map(accountOf));
  const accounts = memoize(accountOf);
  return async (c, next) => {
    const key = BEARER.exec(c.req.header('authorization') ?? '')?.[1];
    if (key === undefined) throw new ApiError('invalid_authentication', {});
    const account = accounts(key);
    c.get('exchange')?.by(account, key);
    if (known && !known.has(account)) throw new ApiError('incorrect_api_key', {});
    c.set('account', account);
    if (c.req.header('kimi-api-version') !== undefined) {
      throw invalid(HOSTED_AGENTS, undefined, 'hosted_agents');
    }
    await next();
  };
}
