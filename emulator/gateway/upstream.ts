import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { ApiError } from '../api-error.ts';
import { yieldToEventLoop } from '../engines/scheduler.ts';

/** One request as it leaves for the upstream. */
export interface UpstreamRequest {
  readonly method: string;
  /** Behind the base URL, with its query, such as `/chat/completions`. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Parts that are there, or that come in. */
  readonly body: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** Ends the exchange. */
  readonly signal: AbortSignal;
}

/** An answer whose head is there. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** Read once. Throws `upstream_failed` or `upstream_timeout` where it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Where answers come from: a server, or a recording of one. */
export interface Upstream {
  /** What the user calls it, without anything secret. */
  readonly name: string;
  /** @throws ApiError `upstream_failed`, `upstream_timeout`; the reason of the signal where that aborts */
  ask(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

/** Milliseconds. */
export interface UpstreamTimeouts {
  /** Until a connection is there. */
  connect: number;
  /** From the request to the first byte of the answer. */
  firstByte: number;
  /** Between two parts of an answer. */
  idle: number;
  /** For the whole answer of a session turn: parts that drip in keep a session busy no longer. */
  turn: number;
}

/** `firstByte`: after 900 s the live API's own proxy answers 504 [captured 2026-07]. */
export const UPSTREAM_TIMEOUTS: UpstreamTimeouts = {
  connect: 10_000,
  firstByte: 900_000,
  idle: 300_000,
  turn: 3_600_000,
};

/** How long an unused connection is kept: less than servers do, so that none is closed while a request is on its way. */
const UNUSED_MS = 4_000;

export const NO_PART = 'no further part of the answer';

/** Failures of a connection in words; others are named by their code. */
const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up now',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate is signed by nobody known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is signed by nobody known',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
};

export function upstreamFailed(problem: string, unsent = false): ApiError {
  return new ApiError('upstream_failed', { problem, unsent });
}

/** Whether a request failed before any of it was sent, so that it cannot have cost anything. */
export function isUnsent(error: unknown): boolean {
  return error instanceof ApiError && 'unsent' in error.details && error.details.unsent === true;
}

export function failureOf(error: NodeJS.ErrnoException, unsent = false): ApiError {
  const { code = '' } = error;
  const problem = code.startsWith('HPE_') ? 'it does not speak HTTP' : (FAILURES[code] ?? (code || error.message));
  return upstreamFailed(problem, unsent);
}

/** What becomes of a request, told as it happens. After `failed` nothing more is told. */
export interface ExchangeReader {
  /** The head of the answer. Its body is read from `incoming`, and is whole where that is complete at its end. */
  head(answer: Omit<UpstreamAnswer, 'body'>, incoming: IncomingMessage): void;
  failed(error: Error): void;
}

/** A base URL that requests go to. Certificates are always checked, and redirects never followed. */
export class HttpUpstream implements Upstream {
  readonly name: string;
  readonly timeouts: UpstreamTimeouts;
  readonly #base: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #request: typeof httpRequest;

  constructor(base: URL, timeouts: UpstreamTimeouts) {
    this.name = base.host;
    this.timeouts = timeouts;
    this.#base = base;
    const secure = base.protocol === 'https:';
    const kept = { keepAlive: true, timeout: UNUSED_MS };
    this.#agent = secure ? new HttpsAgent(kept) : new HttpAgent(kept);
    this.#request = secure ? httpsRequest : httpRequest;
  }

  ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const { signal } = request;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = (): void => exchange.end(signal.reason as Error);
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      const exchange = this.send(request, {
        head: (answer, incoming) => resolve({ ...answer, body: partsOf(incoming, exchange, settle) }),
        failed(error) {
          settle();
          reject(error);
        },
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** As `ask`, without a promise, a signal and an iterator: they would cost as much as the exchange itself. */
  send({ method, path, headers, body }: Omit<UpstreamRequest, 'signal'>, reader: ExchangeReader): HttpExchange {
    const { hostname, port, host, pathname } = this.#base;
    const outgoing = this.#request({
      agent: this.#agent,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      method,
      path: pathname.replace(/\/$/, '') + path,
      headers: ['Host', host, ...framed(headers, body)],
      setHost: false,
    });
    const exchange = new HttpExchange(outgoing, this.timeouts, reader);
    // A body that fails to come in ends the request; one that the upstream does not read to its end is its own affair.
    send(outgoing, body).catch((error) => exchange.end(error));
    return exchange;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}

/** One request on its way, and its answer. */
class HttpExchange {
  readonly #outgoing: ClientRequest;
  readonly #timeouts: UpstreamTimeouts;
  readonly #reader: ExchangeReader;
  #timer: NodeJS.Timeout | undefined;
  #isConnected = false;
  #hasHead = false;
  /** Why it was ended here. */
  #reason: Error | undefined;

  constructor(outgoing: ClientRequest, timeouts: UpstreamTimeouts, reader: ExchangeReader) {
    this.#outgoing = outgoing;
    this.#timeouts = timeouts;
    this.#reader = reader;
    this.#limit('no connection', timeouts.connect);
    outgoing.once('socket', (socket: Socket) => {
      const connected = (): void => {
        this.#isConnected = true;
        if (!this.#hasHead && !this.#reason) this.#limit('no answer', timeouts.firstByte);
      };
      if (!socket.connecting) connected();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
    });
    outgoing.once('response', (incoming) => this.#onHead(incoming));
    // An error that comes when nobody waits for the head any more is told by the body; unheard, it would end the process.
    outgoing.on('error', (error) => this.#onFailure(error));
    outgoing.once('close', () => this.#onFailure());
  }

  /** Ends it, wherever it is. @param reason what whoever reads it is told */
  end(reason: Error): void {
    this.#reason ??= reason;
    this.rest();
    // Without the reason: its connection may be back with the agent already, where nobody would hear of an error.
    this.#outgoing.destroy();
  }

  /** Somebody waits for the next part of the body from now on. */
  awaitPart(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#limit(NO_PART, this.#timeouts.idle);
  }

  /** Nobody waits. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What a failure of the connection is to whoever asked. */
  failure(error: Error): Error {
    return this.#reason ?? (error instanceof ApiError ? error : failureOf(error, !this.#isConnected));
  }

  #limit(what: string, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.end(new ApiError('upstream_timeout', { what, seconds: ms / 1_000, unsent: !this.#isConnected }));
    }, ms);
  }

  #onHead(incoming: IncomingMessage): void {
    this.rest();
    const { statusCode: status = 0, statusMessage = '', rawHeaders: headers } = incoming;
    if (status < 200 || status > LAST_STATUS) {
      this.end(upstreamFailed(`it answered with the status ${status}`));
      return;
    }
    this.#hasHead = true;
    const statusText = REASON_PHRASE.test(statusMessage) ? statusMessage : '';
    this.#reader.head({ status, statusText, headers }, incoming);
  }

  #onFailure(error?: Error): void {
    if (this.#hasHead) return;
    this.#hasHead = true;
    this.rest();
    this.#reader.failed(this.failure(error ?? cut()));
  }
}

export type { HttpExchange };

/** RFC 9110, 15: others are not statuses, and no server of HTTP can hand them on. */
const LAST_STATUS = 599;
/** RFC 9112, 4: what else an upstream puts there cannot be handed on. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Headers with a length that is the body's own. What is longer or shorter than it says, or says nothing of its length, would be
 * read by the upstream as the start of the next request on the connection.
 */
function framed(headers: readonly string[], body: UpstreamRequest['body']): readonly string[] {
  const told = headerOf(headers, 'content-length');
  if (!Array.isArray(body)) return told === undefined ? [...headers, 'Transfer-Encoding', 'chunked'] : headers;
  const length = String(body.reduce((sum, part) => sum + part.length, 0));
  if (told === length || (told === undefined && length === '0')) return headers;
  return [...endToEnd(headers, (name) => name === 'content-length'), 'Content-Length', length];
}

async function send(outgoing: ClientRequest, body: UpstreamRequest['body']): Promise<void> {
  if (Array.isArray(body)) {
    for (const part of body) outgoing.write(part);
  } else {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      // An upstream that refuses a body may close at once: its answer is to be read before a write finds the connection closed.
      // The first tick may end without a look at the network, the second has had one.
      await yieldToEventLoop();
      await yieldToEventLoop();
      if (outgoing.destroyed) return;
      if (!outgoing.write(part)) await drained(outgoing);
    }
  }
  outgoing.end();
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}

/** The body as it comes in, only as fast as it is read. */
async function* partsOf(
  incoming: IncomingMessage,
  exchange: HttpExchange,
  settle: () => void,
): AsyncGenerator<Uint8Array, void> {
  exchange.awaitPart();
  try {
    for await (const part of incoming as AsyncIterable<Buffer>) {
      exchange.rest();
      yield part;
      exchange.awaitPart();
    }
    // Node ends the iteration of a body that was cut in some versions, and throws in others.
    if (!incoming.complete) throw cut();
  } catch (error) {
    throw exchange.failure(error as Error);
  } finally {
    exchange.rest();
    settle();
    if (!incoming.complete) incoming.destroy();
  }
}

function cut(): Error {
  return Object.assign(new Error('cut'), { code: 'ECONNRESET' });
}

/** Headers as pairs. */
export function pairsOf(headers: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([headers[at] ?? '', headers[at + 1] ?? '']);
  return pairs;
}

/** The value of a header; undefined where there is none. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]?.toLowerCase() === name) return headers[at + 1];
  return undefined;
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers less those that are for one connection only (RFC 9110, 7.6.1), and less those that `drops` names. */
export function endToEnd(headers: readonly string[], drops: (name: string) => boolean = () => false): string[] {
  const names: string[] = [];
  const named = new Set<string>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]?.toLowerCase() ?? '';
    names.push(name);
    if (name !== 'connection') continue;
    for (const each of headers[at + 1]?.toLowerCase().split(',') ?? []) named.add(each.trim());
  }
  const kept: string[] = [];
  for (const [place, name] of names.entries()) {
    if (HOP_BY_HOP.has(name) || named.has(name) || drops(name)) continue;
    kept.push(headers[2 * place] ?? '', headers[2 * place + 1] ?? '');
  }
  return kept;
}
