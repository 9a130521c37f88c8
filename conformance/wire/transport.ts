import { Fault, Unsent } from '../core/verdict.ts';

/** One request, as it goes over the wire. */
export interface WireRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
}

/** One whole answer. */
export interface WireReply {
  status: number;
  headers: Headers;
  text: string;
}

export interface TransportOptions {
  fetch: typeof fetch;
  /** Milliseconds that an answer may take, its body included. */
  deadlineMs: number;
}

/** What a connection fails with before a byte of the request leaves. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** More than any answer of the API takes; an endless one is given up here. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

/** Called with the text that has come so far; true ends the reading and drops the connection. */
export type Enough = (text: string) => boolean;

/**
 * Sends one request and reads its answer, in bounded time and size. No retries, no repairs.
 * @throws Fault where no whole answer came
 */
export async function exchange(
  { fetch, deadlineMs }: TransportOptions,
  request: WireRequest,
  enough: Enough = () => false,
): Promise<WireReply> {
  const { method, url, headers, body, signal } = request;
  const abort = new AbortController();
  const giveUp = () => abort.abort(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted) giveUp();
  const timer = setTimeout(() => abort.abort(new Fault(`no answer within ${deadlineMs / 1_000} s`)), deadlineMs);
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

async function readText(response: Response, abort: AbortController, enough: Enough): Promise<string> {
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
      if (bytes > MAX_ANSWER_BYTES) throw new Fault(`the answer does not end after ${MAX_ANSWER_BYTES} bytes`);
      if (enough(text)) return text;
    }
  } finally {
    // A reader that is through has nothing left to cancel; any other lets the connection go.
    await reader.cancel().catch(() => undefined);
  }
}

function asFault(error: unknown, what: string): Error {
  if (error instanceof Fault) return new Fault(`${what}: ${error.message}`);
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const message = error instanceof Error ? error.message : String(error);
  const Kind = UNSENT.has(cause?.code ?? '') ? Unsent : Fault;
  return new Kind(`${what}: ${cause?.code ?? cause?.message ?? message}`, { cause: error });
}
