import { type Ledger, RUN_MARK } from '../core/ledger.ts';
import type { Purse } from '../core/purse.ts';
import { Unsent } from '../core/verdict.ts';
import { type Connection, Gone } from './connection.ts';
import type { Exchanges } from './exchanges.ts';
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
  exchanges: Exchanges;
  ledger: Ledger;
  purse: Purse;
  /** Aborted when the run is interrupted. */
  signal: AbortSignal;
}

/** Plain requests in the name of one account. Nothing is repaired or hidden; whatever is created is noted for clean-up. */
export class Api {
  readonly account: string;
  readonly #options: ApiOptions;

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
   * @throws Fault where no whole answer came, NotRun where the money is used up or the target is gone
   */
  async send(
    method: string,
    path: string,
    body?: unknown,
    { headers, raw, signal, enough, key = this.#options.key }: Send = {},
  ): Promise<Reply> {
    const { connection, baseURL, ledger, purse, account, exchanges } = this.#options;
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
      exchanges.keep(account, `${what} → ${reply.status} ${reply.text}`);
      ledger.note(account, method, path, reply);
      reservation.settle(reply);
      return reply;
    } catch (error) {
      exchanges.keep(account, `${what} → ${error instanceof Error ? error.message : error}`);
      if (error instanceof Unsent || error instanceof Gone) {
        ledger.settle(account, method, path);
        reservation.release();
      }
      throw error;
    }
  }
}
