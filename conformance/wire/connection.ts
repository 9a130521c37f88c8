import { setTimeout as wait } from 'node:timers/promises';
import { Fault, NotRun } from '../core/verdict.ts';
import { Reply } from './reply.ts';
import { type Enough, exchange, type TransportOptions, type WireRequest } from './transport.ts';

/** A request that was sent again, and why. */
export interface Retry {
  request: string;
  reason: string;
}

/** Reads that failed are sent again this often. */
const MAX_READS = 3;
/**
 * After so many requests in a row without an answer nothing is sent any more: two reads, each with all its repetitions. A single route that does not
 * answer ends sooner, since what is sent after it is answered; where nothing is, each further request would cost a whole deadline.
 */
const MOST_UNANSWERED = 2 * (1 + MAX_READS);
/** Seconds to wait where a 429 does not say: the lowest tier serves three requests a minute. */
const WAITS_S = [1, 5, 20, 60];
const LONGEST_WAIT_S = 60;

/** The target stopped answering, so that nothing was sent. */
export class Gone extends NotRun {}

/** Sends requests, and sends again what surely had no effect: a read that failed, and whatever was told to come later. */
export class Connection {
  readonly retries: Retry[] = [];
  readonly #transport: TransportOptions;
  /** In a row, up to now. */
  #unanswered = 0;
  #lastFault = '';

  constructor(transport: TransportOptions) {
    this.#transport = transport;
  }

  /** Why nothing is sent any more; undefined while the target answers. */
  get gone(): string | undefined {
    if (this.#unanswered < MOST_UNANSWERED) return undefined;
    return `the target stopped answering: ${this.#unanswered} requests in a row had no answer, the last ${this.#lastFault}`;
  }

  /** @throws Fault where no whole answer came, Gone where none is expected any more */
  async send(what: string, request: WireRequest, enough?: Enough): Promise<Reply> {
    for (let retries = 0; ; retries += 1) {
      if (this.gone !== undefined) throw new Gone(this.gone);
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
    const before = this.#unanswered;
    try {
      const reply = new Reply(what, await exchange(this.#transport, request, enough));
      this.#unanswered = 0;
      return reply;
    } catch (error) {
      if (!(error instanceof Fault) || request.signal?.aborted) throw error;
      // Of requests that were under way together and are lost together, one counts.
      if (this.#unanswered === before) this.#unanswered += 1;
      this.#lastFault = error.message;
      return error;
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
