import { APIConnectionError, APIError, APIUserAbortError } from 'openai';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8_000;
const LONGEST_RETRY_AFTER_MS = 120_000;
/** So many times more often than a failure, a conflict with a request that is still running is tried again. */
const PATIENCE = 5;
/** Share of a delay that chance takes away, so that many clients do not come back at once. */
const JITTER = 0.25;

export interface RetryOptions {
  /** How often a request is tried again. */
  retries: number;
  /** Waits; rejects as soon as the signal is aborted. */
  sleep: Sleep;
  signal?: AbortSignal | undefined;
  onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** Tries again what may succeed the next time. Only for requests that have an effect once, however often they are sent. */
export async function withRetries<Value>(work: () => Promise<Value>, options: RetryOptions): Promise<Value> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      await waitOrThrow(error, attempt, options);
    }
  }
}

/** Waits before attempt `attempt` + 1, or throws `error` where another attempt would be of no use. */
export async function waitOrThrow(
  error: unknown,
  attempt: number,
  { retries, sleep, signal, onRetry }: RetryOptions,
): Promise<void> {
  // Waiting for another request to end is not a failure, however long it takes.
  const most = error instanceof APIError && error.status === 409 ? retries * PATIENCE : retries;
  if (attempt >= most || signal?.aborted || !isRetryable(error)) throw error;
  const delayMs = retryDelayMs(error, attempt);
  onRetry?.(error, attempt + 1, delayMs);
  await sleep(delayMs, signal);
}

/** Whether the same request may succeed later: the server says so, or the connection failed. */
function isRetryable(error: unknown): boolean {
  if (!(error instanceof APIError) || error instanceof APIUserAbortError) return false;
  if (error instanceof APIConnectionError) return true;
  const said = error.headers?.get('x-should-retry');
  if (error.status !== undefined && (said === 'true' || said === 'false')) return said === 'true';
  // An error in the middle of a stream has no status; with a code it is a refusal.
  if (error.status === undefined) return typeof error.code !== 'string';
  return error.status === 408 || error.status === 409 || error.status === 429 || error.status >= 500;
}

/** `please try again after 1 seconds`, as the live API's rate limits say it, also where a header is missing. */
function waitInText({ status, message }: APIError): number | undefined {
  const seconds = status === 429 ? /try again after (\d+(?:\.\d+)?) seconds?/.exec(message)?.[1] : undefined;
  return seconds === undefined ? undefined : Math.min(LONGEST_RETRY_AFTER_MS, Number(seconds) * 1_000);
}

/** What the server asks for in Retry-After, or else twice as long each time, less some chance. */
export function retryDelayMs(error: unknown, attempt: number): number {
  const asked =
    error instanceof APIError ? (retryAfterMs(error.headers ?? new Headers()) ?? waitInText(error)) : undefined;
  if (asked !== undefined) return asked;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (1 - JITTER * Math.random());
}

/** The Retry-After of an answer, in seconds or as a date, within two minutes. Undefined where there is none. */
export function retryAfterMs(headers: Headers): number | undefined {
  // The live API sends both [captured 2026-09-01].
  const value = headers.get('retry-after') ?? headers.get('x-retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms));
}

/** @throws APIUserAbortError as soon as the signal is aborted */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new APIUserAbortError());
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new APIUserAbortError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
