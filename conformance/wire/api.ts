import { type Ledger, RUN_MARK } from '../core/ledger.ts';
import type { Purse } from '../core/purse.ts';
import { Unsent } from '../core/verdict.ts';
import type { Connection } from './connection.ts';
import type { Reply } from './reply.ts';
import type { Enough } from './transport.ts';

/** What a request may carry besides its path and JSON body. */
export interface Send {
  headers?: Record<string, string>;
  /** Another key than the account's, or none. */
  key?: string | null;
  /** The body as it is, instead of JSON. */
  raw?: string | Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
  /** Stops reading, and drops the connection, once this says so. */
  enough?: Enough;
}

export interface ApiOptions {
  connection: Connection;
  baseURL: string;
  key: string;
  /** How the account is called in the ledger. */
  account: string;
  ledger: Ledger;
  purse: Purse;
  /** Aborted when the run is interrupted. */
  signal: AbortSignal;
}

const KEPT_EXCHANGES = 8;
const MAX_KEPT = 4_000;

/** Plain requests in the name of one account. Nothing is repaired or hidden; whatever is created is noted for clean-up. */
export class Api {
  readonly account: string;
  readonly #options: ApiOptions;
  /** What was sent and answered, newest last: the evidence of a failed check. */
  readonly exchanges: string[] = [];

  constructor(options: ApiOptions) {
    this.#options = options;
    this.account = options.account;
  }

  /** What tells sessions of this run from all others. */
  get mark(): Record<string, string> {
    return { [RUN_MARK]: this.#options.ledger.run };
  }

  get(path: string, send?: Send): Promise<Reply> {
    return this.send('GET', path, undefined, send);
  }

  post(path: string, body: unknown = {}, send?: Send): Promise<Reply> {
    return this.send('POST', path, body, send);
  }

  delete(path: string, send?: Send): Promise<Reply> {
    return this.send('DELETE', path, undefined, send);
  }

  /**
   * Paths are those below the base URL: `/sessions`.
   * @throws Fault where no whole answer came, NotRun where the money is used up
   */
  async send(
    method: string,
    path: string,
    body?: unknown,
    { headers, raw, signal, enough, key = this.#options.key }: Send = {},
  ): Promise<Reply> {
    const { connection, baseURL, ledger, purse, account } = this.#options;
    const what = `${method} /v1${path}`;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const reservation = purse.reserve({ method, path, content, body });
    const creates = ledger.intend(account, method, path);
    // What a creation made is known by its answer alone, so that no interruption drops it.
    const signals = [...(signal ? [signal] : []), ...(creates ? [] : [this.#options.signal])];
    try {
      const reply = await connection.send(
        what,
        {
          method,
          url: baseURL + path,
          headers: {
            ...(key !== null && { Authorization: `Bearer ${key}` }),
            ...(content !== undefined && { 'Content-Type': 'application/json' }),
            ...headers,
          },
          ...(content !== undefined && { body: content }),
          signal: AbortSignal.any(signals),
        },
        enough,
      );
      this.#keep(`${what} → ${reply.status} ${reply.text}`);
      ledger.note(account, method, path, reply);
      reservation.settle(reply);
      return reply;
    } catch (error) {
      this.#keep(`${what} → ${error instanceof Error ? error.message : error}`);
      if (error instanceof Unsent) ledger.settle(account, method, path);
      throw error;
    }
  }

  /** Only the newest, and of a long one its beginning: windows are large, and there are many. */
  #keep(exchange: string): void {
    this.exchanges.push(exchange.length > MAX_KEPT ? `${exchange.slice(0, MAX_KEPT)}…` : exchange);
    if (this.exchanges.length > KEPT_EXCHANGES) this.exchanges.shift();
  }
}
