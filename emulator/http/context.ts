import { type Blob, releaseBlobs } from '../engines/media/data-url.ts';
import type { RequestFaults } from '../faults/request-faults.ts';
import type { Exchange } from '../journal/exchange.ts';
import { type Connection, UnreadableRequest } from '../server.ts';
import type { Services } from '../services.ts';
import type { AccountRate } from './rate-limits.ts';

/** What one request carries through the walk. */
interface Variables {
  readonly services: Services;
  /** When the request came in, on the monotonic clock. */
  readonly startedAt: number;
  /** Headers of the answer, whatever it will be. */
  headers: Record<string, string>;
  /** Hash of the key; set once the request is authenticated. */
  account: string;
  /** Bytes of the request body, once read. */
  body: Uint8Array;
  /** Pictures, videos and files that were read apart from the body, by hash, until `releaseLifted`. */
  lifted: ReadonlyMap<string, Blob>;
  /** Whether path or body name a session, a snapshot or a share, so that errors are the dialect's and carry their code. */
  addressed: boolean;
  /** What is to go wrong with the request; undefined where nothing is. */
  faults: RequestFaults | undefined;
  /** What the account may do; undefined where that is not limited. */
  rate: AccountRate | undefined;
  /** The request's journal entry; undefined for the emulator's own routes, and without a journal. */
  exchange: Exchange | undefined;
}

const NO_BODY = new Uint8Array();
const NOTHING_LIFTED: ReadonlyMap<string, Blob> = new Map();
const IN_PROCESS: Partial<Connection> = {};

/** A request on its way to its answer, from a connection or in process. */
export class RequestContext {
  readonly req: RequestHead;
  /** Empty in process. */
  readonly env: Partial<Connection>;
  readonly var: Variables;

  /** @param headers of the answer, to which whoever knows one adds it */
  constructor(req: RequestHead, services: Services, headers: Record<string, string>) {
    this.req = req;
    this.env = req.connection ?? IN_PROCESS;
    this.var = {
      services,
      startedAt: performance.now(),
      headers,
      account: '',
      body: NO_BODY,
      lifted: NOTHING_LIFTED,
      addressed: false,
      faults: undefined,
      rate: undefined,
      exchange: undefined,
    };
  }

  get<Name extends keyof Variables>(name: Name): Variables[Name] {
    return this.var[name];
  }

  set<Name extends keyof Variables>(name: Name, value: Variables[Name]): void {
    this.var[name] = value;
  }

  /** Gives the memory of what was read apart from the body back, once it is measured and stored, or refused. */
  releaseLifted(): void {
    releaseBlobs(this.var.lifted.values());
    this.var.lifted = NOTHING_LIFTED;
  }
}

/** What is asked: the request without its body. */
export class RequestHead {
  readonly connection: Connection | undefined;
  readonly method: string;
  /** Decoded, but for what would then read as another path. */
  readonly path: string;
  /** As it was asked for. */
  readonly rawPath: string;
  /** With its question mark; empty where there is none. */
  readonly search: string;
  /** Parts of the path that its route names. */
  params: Readonly<Record<string, string>> = {};
  readonly #request: Request | undefined;

  private constructor(method: string, target: Target, asked: Connection | Request) {
    this.method = method;
    this.rawPath = target.path;
    this.path = target.path.includes('%') ? decodePath(target.path) : target.path;
    this.search = target.search;
    if ('incoming' in asked) this.connection = asked;
    else this.#request = asked;
  }

  /** @throws UnreadableRequest where Host or the target are not those of a URL */
  static of(connection: Connection): RequestHead {
    const { method = 'GET', url = '', headers, httpVersion } = connection.incoming;
    // RFC 9112, 3.2: HTTP/1.0 alone may leave it out.
    if (headers.host === undefined && httpVersion !== '1.0') throw new UnreadableRequest();
    return new RequestHead(method, targetOf(headers.host || 'localhost', url), connection);
  }

  static inProcess(request: Request): RequestHead {
    const { pathname: path, search } = new URL(request.url);
    return new RequestHead(request.method, { path, search }, request);
  }

  /** The request itself. @throws Error for one from a connection, which has none */
  get raw(): Request {
    if (!this.#request) throw new Error('a request from a connection is read from there');
    return this.#request;
  }

  get url(): string {
    return this.#request?.url ?? `http://${this.header('host') ?? 'localhost'}${this.path}${this.search}`;
  }

  /** One that is sent more than once is joined. */
  header(header: string): string | undefined {
    if (this.#request) return this.#request.headers.get(header) ?? undefined;
    const name = header.toLowerCase();
    const raw = this.connection?.incoming.rawHeaders ?? [];
    let found: string | undefined;
    for (let index = 0; index < raw.length; index += 2) {
      const key = raw[index] ?? '';
      if (key.length !== name.length || key.toLowerCase() !== name) continue;
      const value = raw[index + 1] ?? '';
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** Of a name that is given more than once, the first counts. */
  query(): Record<string, string> {
    return Object.fromEntries([...new URLSearchParams(this.search)].reverse());
  }

  /** A part of the path, decoded; empty where its route names none. */
  param(name: string): string {
    const value = this.params[name] ?? '';
    return value.includes('%') ? decodeWith(decodeURIComponent, value) : value;
  }
}

interface Target {
  path: string;
  search: string;
}

const PLAIN_HOST = /^[a-z0-9._-]+(?::(?:[1-5]?\d{1,4}|6[0-4]\d{3}))?$/;
/** What a URL's parser would leave as it is. */
const PLAIN_TARGET = /^\/[!$&-;=?-[\]_a-z~]*$/;
const DOT_SEGMENT = /\/\.\.?(?:[/?]|$)/;

/** @throws UnreadableRequest */
function targetOf(host: string, target: string): Target {
  const isPlain = PLAIN_HOST.test(host) && PLAIN_TARGET.test(target) && !DOT_SEGMENT.test(target);
  return isPlain ? split(target) : parseTarget(host, target);
}

function split(target: string): Target {
  const place = target.indexOf('?');
  return place === -1 ? { path: target, search: '' } : { path: target.slice(0, place), search: target.slice(place) };
}

/** As a URL's parser reads it; a whole URL too, as a proxy is asked for one. @throws UnreadableRequest */
function parseTarget(host: string, target: string): Target {
  const isWhole = /^https?:\/\//.test(target);
  const hasBackslash = split(target).path.includes('\\');
  const text = isWhole ? target : `http://${host}${target}`;
  if (hasBackslash || (!isWhole && !target.startsWith('/')) || !URL.canParse(text)) {
    throw new UnreadableRequest();
  }
  const { pathname: path, search, hostname } = new URL(text);
  // A name that reads as something else, such as one with a user in front of it.
  if (!isWhole && hostname.length !== host.length && hostname !== host.replace(/:\d+$/, '').toLowerCase()) {
    throw new UnreadableRequest();
  }
  return { path, search };
}

/** What is escaped twice stays escaped once, and what is not escaped rightly stays as it is. */
function decodePath(path: string): string {
  return decodeWith((text) => decodeURI(text.replaceAll('%25', '%2525')), path);
}

function decodeWith(decode: (text: string) => string, text: string): string {
  try {
    return decode(text);
  } catch {
    return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escaped) => {
      try {
        return decode(escaped);
      } catch {
        return escaped;
      }
    });
  }
}

/** Answers a request. */
export type Handler = (c: RequestContext) => Response | Promise<Response>;

/** The same, or leaves the request to what follows. */
export type Step = (c: RequestContext, next: Handler) => Response | Promise<Response>;

/** Routes of one module, by `METHOD /path`. A part of a path that begins with a colon takes any one segment. */
export class Routes {
  readonly handlers = new Map<string, Handler>();

  get(path: string, handler: Handler): void {
    this.handlers.set(`GET ${path}`, handler);
  }

  post(path: string, handler: Handler): void {
    this.handlers.set(`POST ${path}`, handler);
  }

  put(path: string, handler: Handler): void {
    this.handlers.set(`PUT ${path}`, handler);
  }

  delete(path: string, handler: Handler): void {
    this.handlers.set(`DELETE ${path}`, handler);
  }
}

/** What a path may go on with. */
interface Place {
  readonly segments: Map<string, Place>;
  /** For any other segment. */
  any: Place | undefined;
  readonly handlers: Map<string, Found>;
}

interface Found {
  handler: Handler;
  /** Names of the segments that may be any, in their order. */
  names: readonly string[];
}

const newPlace = (): Place => ({ segments: new Map(), any: undefined, handlers: new Map() });

/** Finds the handler of a request by its method and path. */
export class Router {
  readonly #root = newPlace();
  /** Paths without names, such as that of chats. */
  readonly #fixed = new Map<string, Handler>();

  add(method: string, path: string, handler: Handler): void {
    const names: string[] = [];
    let place = this.#root;
    for (const segment of path.slice(1).split('/')) {
      if (segment.startsWith(':')) {
        names.push(segment.slice(1));
        place.any ??= newPlace();
        place = place.any;
      } else {
        const next = place.segments.get(segment) ?? newPlace();
        place.segments.set(segment, next);
        place = next;
      }
    }
    place.handlers.set(method, { handler, names });
    if (names.length === 0) this.#fixed.set(`${method} ${path}`, handler);
  }

  /** Its handler, with what its path names in `c.req.params`. HEAD is answered as GET is. */
  match(c: RequestContext): Handler | undefined {
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    const fixed = this.#fixed.get(`${method} ${c.req.path}`);
    if (fixed) return fixed;
    const values: string[] = [];
    const found = find(this.#root, c.req.path.slice(1).split('/'), 0, values)?.handlers.get(method);
    if (found) c.req.params = Object.fromEntries(found.names.map((name, index) => [name, values[index] ?? '']));
    return found?.handler;
  }
}

function find(place: Place, segments: readonly string[], at: number, values: string[]): Place | undefined {
  const segment = segments[at];
  if (segment === undefined) return place.handlers.size > 0 ? place : undefined;
  const next = place.segments.get(segment);
  const found = next && find(next, segments, at + 1, values);
  if (found || !place.any || segment === '') return found;
  values.push(segment);
  const named = find(place.any, segments, at + 1, values);
  if (!named) values.pop();
  return named;
}
