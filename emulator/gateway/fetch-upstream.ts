import { ApiError } from '../api-error.ts';
import {
  failureOf,
  NO_PART,
  pairsOf,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamRequest,
  type UpstreamTimeouts,
} from './upstream.ts';

/** An upstream that is asked through a `fetch`, such as that of an emulator in this process. */
export class FetchUpstream implements Upstream {
  readonly name: string;
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #timeouts: UpstreamTimeouts;

  constructor(base: URL, fetchUpstream: typeof fetch, timeouts: UpstreamTimeouts) {
    this.name = base.host;
    this.#base = base.href.replace(/\/$/, '');
    this.#fetch = fetchUpstream;
    this.#timeouts = timeouts;
  }

  async ask({ method, path, headers, body, signal }: UpstreamRequest): Promise<UpstreamAnswer> {
    const pairs = pairsOf(headers).filter(([name]) => !/^(?:content-length|host)$/i.test(name));
    const bytes = method === 'GET' || method === 'HEAD' ? undefined : await whole(body);
    const { firstByte, idle } = this.#timeouts;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    try {
      const asking = this.#fetch(this.#base + path, {
        method,
        headers: pairs,
        ...(bytes && { body: bytes }),
        redirect: 'manual',
        signal: either,
      });
      const answer = await within(asking, firstByte, 'no answer', ended);
      // The bytes of the answer are decoded already.
      const kept = [...answer.headers].filter(([name]) => name !== 'content-encoding' && name !== 'content-length');
      return {
        status: answer.status,
        statusText: answer.statusText,
        headers: kept.flat(),
        body: readFetched(answer, { signal, idle, ended }),
      };
    } catch (error) {
      throw fetchFailure(error, signal);
    }
  }

  async close(): Promise<void> {}
}

/** What comes in time. @throws ApiError `upstream_timeout`, and aborts what takes longer */
async function within<Result>(
  asking: Promise<Result>,
  ms: number,
  what: string,
  ended: AbortController,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const timedOut = new ApiError('upstream_timeout', { what, seconds: ms / 1_000 });
      reject(timedOut);
      ended.abort(timedOut);
    }, ms);
  });
  try {
    return await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface FetchedReading {
  signal: AbortSignal;
  idle: number;
  ended: AbortController;
}

async function* readFetched(
  { body }: Response,
  { signal, idle, ended }: FetchedReading,
): AsyncGenerator<Uint8Array, void> {
  const reader = body?.getReader();
  try {
    for (;;) {
      const step = await within(reader?.read() ?? DONE, idle, NO_PART, ended);
      if (step.done) return;
      yield step.value;
    }
  } catch (error) {
    throw fetchFailure(error, signal);
  } finally {
    reader?.cancel().catch(() => undefined);
  }
}

const DONE = Promise.resolve({ done: true as const, value: undefined });

function fetchFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ApiError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  return failureOf(cause);
}

async function whole(body: UpstreamRequest['body']): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}
