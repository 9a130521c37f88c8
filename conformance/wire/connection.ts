import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../core/verdict.ts';
import { Reply } from './reply.ts';
import { type Enough, exchange, type TransportOptions, type WireRequest } from './transport.ts';

/** A request that was sent again, and why. */
export interface Retry {
  request: string;
  reason: string;
}

/** Reads that failed are sent again this often. */
const MAX_READS = 3;
/** Seconds to wait where a 429 does not say: the lowest tier serves three requests a minute. */
const WAITS_S = [1, 5, 20, 60];
const LONGEST_WAIT_S = 60;

/** Sends requests, and sends again what surely had no effect: a read that failed, and whatever was told to come later. */
export class Connection {
  readonly retries: Retry[] = [];
  readonly #transport: TransportOptions;

  constructor(transport: TransportOptions) {
    this.#transport = transport;
  }

  /** @throws Fault where no whole answer came */
  async send(what: string, request: WireRequest, enough?: Enough): Promise<Reply> {
    for (let retries = 0; ; retries += 1) {
      const outcome = await this.#attempt(what, request, enough);
      const again = request.body instanceof ReadableStream ? undefined : nextTry(request, outcome, retries);
      if (!again) {
        if (outcome instanceof Reply) return outcome;
        throw outcome;
      }
      this.retries.push({ request: what, reason: again.reason });
      await wait(again.afterMs, undefined, request.signal && { signal: request.signal });
    }
  }

  async #attempt(what: string, request: WireRequest, enough?: Enough): Promise<Reply | Fault> {
    try {
      return new Reply(what, await exchange(this.#transport, request, enough));
    } catch (error) {
      if (error instanceof Fault && !request.signal?.aborted) return error;
      throw error;
    }
  }
}

/** When a request may be sent again without doing anything twice; undefined where it may not. */
function nextTry(
  { method }: WireRequest,
  outcome: Reply | Fault,
  retries: number,
): { reason: string; afterMs: number } | undefined {
  const failed = outcome instanceof Fault ? outcome.message : outcome.status >= 500 && `status ${outcome.status}`;
  if (failed) return method === 'GET' && retries < MAX_READS ? { reason: failed, afterMs: 0 } : undefined;
  if (outcome instanceof Fault || outcome.status !== 429 || !mayPass(outcome)) return undefined;
  const wait = WAITS_S[retries];
  if (wait === undefined) return undefined;
  const said = Number(outcome.headers.get('retry-after') ?? Number.NaN);
  return { reason: 'status 429', afterMs: Math.min(said >= 0 ? said : wait, LONGEST_WAIT_S) * 1_000 };
}

/** Whether a 429 says or implies that it passes. */
function mayPass(reply: Reply): boolean {
  const { error } = (reply.json ?? {}) as { error?: { type?: string } };
  return reply.headers.get('x-should-retry') !== 'false' && error?.type !== 'exceeded_current_quota_error';
}
