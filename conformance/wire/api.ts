import type { Budget } from '../core/budget.ts';
import { type CreatedResources, RUN_MARK } from '../core/created-resources.ts';
import { NotSent } from '../core/verdict.ts';
import { type Connection, type StopCondition, Unresponsive } from './connection.ts';
import type { Exchanges } from './exchanges.ts';
import type { Reply } from './reply.ts';

/** What a request may carry besides its path and JSON body. */
export interface SendOptions {
  headers?: Record<string, string>;
  /** Another key than the account's, or none. */
  key?: string | null;
  /** The body as it is, instead of JSON. */
  raw?: string | Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
  /** Stops reading, and drops the connection, once this says so. */
  stopWhen?: StopCondition;
}

export interface ApiOptions {
  connection: Connection;
  baseURL: string;
  key: string;
  /** How the account is called in the record of created resources. */
  account: string;
  exchanges: Exchanges;
  resources: CreatedResources;
  budget: Budget;
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
    return { [RUN_MARK]: this.#options.resources.run };
  }

  get(path: string, send?: SendOptions): Promise<Reply> {
    return this.send('GET', path, undefined, send);
  }

  post(path: string, body: unknown = {}, send?: SendOptions): Promise<Reply> {
    return this.send('POST', path, body, send);
  }

  delete(path: string, send?: SendOptions): Promise<Reply> {
    return this.send('DELETE', path, undefined, send);
  }

  /**
   * Paths are those below the base URL: `/sessions`.
   * @throws Inconclusive where no whole answer came, NotRun where the money is used up or the target is gone
   */
  async send(
    method: string,
    path: string,
    body?: unknown,
    { headers, raw, signal, stopWhen, key = this.#options.key }: SendOptions = {},
  ): Promise<Reply> {
    const { connection, baseURL, resources, budget, account, exchanges } = this.#options;
    const what = `${method} /v1${path}`;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const reservation = budget.reserve({ method, path, content, body });
    const creates = resources.recordIntent(account, method, path);
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
        stopWhen,
      );
      exchanges.record(account, `${what} → ${reply.status} ${reply.text}`);
      resources.recordReply(account, method, path, reply);
      reservation.settle(reply);
      return reply;
    } catch (error) {
      exchanges.record(account, `${what} → ${error instanceof Error ? error.message : error}`);
      if (error instanceof NotSent || error instanceof Unresponsive) {
        resources.settle(account, method, path);
        reservation.release();
      }
      throw error;
    }
  }
}
