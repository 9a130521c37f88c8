import { setTimeout as wait } from 'node:timers/promises';
import { Inconclusive, NotRun, NotSent } from '../core/verdict.ts';
import { Reply, type WireReply } from './reply.ts';

/** A request that was sent again, and why. */
interface Retry {
  request: string;
  reason: string;
  /** Whether the target asked for it, with a 429. */
  asked: boolean;
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
export class Unresponsive extends NotRun {}

/** Sends requests, and sends again what surely had no effect: a read that failed, and whatever was told to come later. */
export class Connection {
  readonly retries: Retry[] = [];
  /** Sent, repetitions included. */
  requests = 0;
  readonly #transport: TransportOptions;
  /** In a row, up to now. */
  #unanswered = 0;
  #lastFault = '';

  constructor(transport: TransportOptions) {
    this.#transport = transport;
  }

  /** Why nothing is sent any more; undefined while the target answers. */
  get unresponsive(): string | undefined {
    if (this.#unanswered < MOST_UNANSWERED) return undefined;
    return `the target stopped answering: ${this.#unanswered} requests in a row had no answer, the last ${this.#lastFault}`;
  }

  /** @throws Inconclusive where no whole answer came, Unresponsive where none is expected any more */
  async send(what: string, request: WireRequest, enough?: StopCondition): Promise<Reply> {
    for (let retries = 0; ; retries += 1) {
      if (this.unresponsive !== undefined) throw new Unresponsive(this.unresponsive);
      const outcome = await this.#attempt(what, request, enough);
      const again = request.body instanceof ReadableStream ? undefined : nextTry(request, outcome, retries);
      if (!again) {
        if (outcome instanceof Reply) return outcome;
        throw outcome;
      }
      this.retries.push({
        request: what,
        reason: again.reason,
        asked: outcome instanceof Reply && outcome.status === 429,
      });
      await wait(again.afterMs, undefined, request.signal && { signal: request.signal });
    }
  }

  async #attempt(what: string, request: WireRequest, enough?: StopCondition): Promise<Reply | Inconclusive> {
    const before = this.#unanswered;
    this.requests += 1;
    try {
      const reply = new Reply(what, await exchange(this.#transport, request, enough));
      this.#unanswered = 0;
      return reply;
    } catch (error) {
      if (!(error instanceof Inconclusive) || request.signal?.aborted) throw error;
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
  outcome: Reply | Inconclusive,
  retries: number,
): { reason: string; afterMs: number } | undefined {
  const failed =
    outcome instanceof Inconclusive ? outcome.message : outcome.status >= 500 && `status ${outcome.status}`;
  if (failed) return method === 'GET' && retries < MAX_READS ? { reason: failed, afterMs: 0 } : undefined;
  if (outcome instanceof Inconclusive || outcome.status !== 429 || !mayPass(outcome)) return undefined;
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

/** One request, as it goes over the wire. */
interface WireRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
}

interface TransportOptions {
  fetch: typeof fetch;
  /** Milliseconds that an answer may take, its body included. */
  deadlineMs: number;
}

/** What a connection fails with before a byte of the request leaves. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** More than any answer of the API takes; an endless one is given up here. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

/** Called with the text that has come so far; nothing is read meanwhile. True ends the reading and drops the connection. */
export type StopCondition = (text: string) => boolean | Promise<boolean>;

/**
 * Sends one request and reads its answer, in bounded time and size. No retries, no repairs.
 * @throws Inconclusive where no whole answer came
 */
async function exchange(
  { fetch, deadlineMs }: TransportOptions,
  request: WireRequest,
  enough: StopCondition = () => false,
): Promise<WireReply> {
  const { method, url, headers, body, signal } = request;
  const abort = new AbortController();
  const giveUp = () => abort.abort(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted) giveUp();
  const timer = setTimeout(() => abort.abort(new Inconclusive(`no answer within ${deadlineMs / 1_000} s`)), deadlineMs);
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: abort.signal,
      ...(body !== undefined && { body }),
      ...(body instanceof ReadableStream && { duplex: 'half' as const }),
    });
    const text = await readText(response, abort, enough);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    throw asFault(abort.signal.aborted ? abort.signal.reason : error, `${method} ${new URL(url).pathname}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

async function readText(response: Response, abort: AbortController, enough: StopCondition): Promise<string> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  // Not every fetch ties the body to the signal, so the reading watches it as well.
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
  });
  aborted.catch(() => undefined);
  let text = '';
  let bytes = 0;
  try {
    for (;;) {
      const { value, done } = await Promise.race([reader.read(), aborted]);
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
      if (done) return text;
      bytes += value.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Inconclusive(`the answer does not end after ${MAX_ANSWER_BYTES} bytes`);
      if (await enough(text)) return text;
    }
  } finally {
    // A reader that is through has nothing left to cancel; any other lets the connection go.
    await reader.cancel().catch(() => undefined);
  }
}

function asFault(error: unknown, what: string): Error {
  if (error instanceof Inconclusive) return new Inconclusive(`${what}: ${error.message}`);
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const message = error instanceof Error ? error.message : String(error);
  const Kind = UNSENT.has(cause?.code ?? '') ? NotSent : Inconclusive;
  return new Kind(`${what}: ${cause?.code ?? cause?.message ?? message}`, { cause: error });
}
