import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../core/verdict.ts';
import { Reply } from './reply.ts';
import { type Enough, exchange, type TransportOptions, type WireRequest } from './transport.ts';

/** A request that was sent again, and why. */
export interface Retry {
  request: string;
  reason: string;
}

const MAX_RETRIES = 3;
const LONGEST_WAIT_S = 30;

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
      const again = retries < MAX_RETRIES && !(request.body instanceof ReadableStream) && mayRepeat(request, outcome);
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

/** Whether a request may be sent again without doing anything twice. */
function mayRepeat({ method }: WireRequest, outcome: Reply | Fault): { reason: string; afterMs: number } | false {
  if (outcome instanceof Fault) return method === 'GET' && { reason: outcome.message, afterMs: 0 };
  if (outcome.status >= 500) return method === 'GET' && { reason: `status ${outcome.status}`, afterMs: 0 };
  if (outcome.status !== 429 || outcome.headers.get('x-should-retry') === 'false') return false;
  const { error } = (outcome.json ?? {}) as { error?: { type?: string } };
  if (error?.type === 'exceeded_current_quota_error') return false;
  const seconds = Number(outcome.headers.get('retry-after') ?? 1);
  return { reason: 'status 429', afterMs: Math.min(seconds >= 0 ? seconds : 1, LONGEST_WAIT_S) * 1_000 };
}
