import type { Session } from '../contract/sessions.ts';
import { isSessionError } from './errors.ts';
import type { Fetch, KimiClient } from './kimi-client.ts';
import { retryAfterMs, retryDelayMs, type Sleep, sleep } from './retry.ts';
import type { SessionCreateParams } from './sessions.ts';
import { iterate, type Source } from './streams.ts';

/** Sessions that an account may hold, where nothing else is known. */
const MOST_SESSIONS = 100;
const DEFAULT_CONCURRENCY = 8;
/** Requests that meet the account's rate limit are tried again so often: all of them wait together. */
const RETRIES = 8;

export interface MapSessionsOptions {
  /** Sessions at a time, 1 to 100. Default 8; fewer where the account holds others. */
  concurrency?: number;
  /** What each session is created with. */
  session?: SessionCreateParams;
  signal?: AbortSignal;
  /** Waits while the account is over its rate limit. */
  sleep?: Sleep;
}

/** What a worker is given. */
export interface SessionTask<Input> {
  input: Input;
  index: number;
  session: Session;
  /** A client whose requests wait while the account is over its rate limit. */
  client: KimiClient;
  signal: AbortSignal | undefined;
}

/**
 * Runs a worker for every input, each in a session of its own, several at a time. One that fails does not lose the others.
 * Every session is deleted when its worker has ended; an abort ends the rest as rejected.
 * @returns what became of each, in the order of the inputs
 * @throws what the source of the inputs throws, once all that had begun has ended
 * @example
 * ```ts
 * const results = await mapSessions(client, ['a.ts', 'b.ts'], async ({ input, session, client }) => {
 *   return client.sessions.append(session.id, { role: 'user', content: `Review ${input}` });
 * });
 * ```
 */
export async function mapSessions<Input, Result>(
  client: KimiClient,
  inputs: Source<Input>,
  worker: (task: SessionTask<Input>) => Promise<Result>,
  options: MapSessionsOptions = {},
): Promise<PromiseSettledResult<Result>[]> {
  const { concurrency = DEFAULT_CONCURRENCY, session: params = {}, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST_SESSIONS) {
    throw new RangeError(`concurrency must be a whole number from 1 to ${MOST_SESSIONS}, not ${concurrency}`);
  }
  const gate = new RateLimitGate(options.sleep ?? sleep, signal);
  const gated = client.withFetch((fetch) => gate.guard(fetch)).withOptions({ maxRetries: RETRIES });
  const slots = new SessionSlots();
  const results: PromiseSettledResult<Result>[] = [];
  const source = iterate(inputs);
  let nextIndex = 0;
  const run = async (input: Input, index: number): Promise<Result> => {
    signal?.throwIfAborted();
    const session = await slots.acquire(() => gated.sessions.create(params, { signal }));
    try {
      return await worker({ input, index, session, client: gated, signal });
    } finally {
      // Not with the caller's signal: a session that was given up has to be closed all the more. What the worker has
      // achieved counts for more than a session that could not be closed.
      await gated.sessions.delete(session.id).catch(() => undefined);
      slots.release();
    }
  };
  const runNext = async (): Promise<void> => {
    for (;;) {
      const next = await source.next();
      if (next.done) return;
      const index = nextIndex++;
      results[index] = await run(next.value, index).then(
        (value) => ({ status: 'fulfilled', value }),
        (reason: unknown) => ({ status: 'rejected', reason }),
      );
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: concurrency }, runNext));
  const broken = workers.find((ended) => ended.status === 'rejected');
  if (broken) throw broken.reason;
  return results;
}

/** The account's slots for sessions: one that finds none waits until one of ours is free again. */
class SessionSlots {
  #held = 0;
  #released = 0;
  #waiting: (() => void)[] = [];

  /** @throws what `create` throws; `session_limit_reached` only where none of the sessions is ours */
  async acquire<Value>(create: () => Promise<Value>): Promise<Value> {
    for (;;) {
      const before = this.#released;
      this.#held += 1;
      try {
        return await create();
      } catch (error) {
        this.#held -= 1;
        const isFull = isSessionError(error, 'session_limit_reached');
        // A slot that was released while the refusal was on its way is free.
        if (isFull && this.#released !== before) continue;
        if (!isFull || this.#held === 0) {
          this.#wake();
          throw error;
        }
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  release(): void {
    this.#held -= 1;
    this.#released += 1;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Holds back all requests of an account while one of them was told to come back later. */
class RateLimitGate {
  readonly #sleep: Sleep;
  readonly #signal: AbortSignal | undefined;
  #open: Promise<void> = Promise.resolve();
  #refusals = 0;

  constructor(wait: Sleep, signal: AbortSignal | undefined) {
    this.#sleep = wait;
    this.#signal = signal;
  }

  guard(fetch: Fetch): Fetch {
    return async (input, init) => {
      await this.#open;
      const response = await fetch(input, init);
      if (response.status !== 429 || response.headers.get('x-should-retry') === 'false') this.#refusals = 0;
      else this.#close(response);
      return response;
    };
  }

  #close({ headers }: Response): void {
    const ms = retryAfterMs(headers) ?? retryDelayMs(undefined, this.#refusals);
    this.#refusals += 1;
    // An abort lets the requests go on: they fail by their own signal.
    this.#open = this.#open.then(() => this.#sleep(ms, this.#signal)).catch(() => undefined);
  }
}
