import type { Fetch } from '../../client/index.ts';

/** One request on its way: what it is, how often it was made before, and what sends it on. */
export interface Passing {
  method: string;
  path: string;
  key: string | null;
  send(): Promise<Response>;
}

/** A fetch whose requests pass through `pass`, which may let them through, answer them itself, or fail. */
export function through(fetch: Fetch, pass: (passing: Passing) => Promise<Response>): Fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    const url = new URL(String(input));
    return pass({
      method: init?.method ?? 'GET',
      path: url.pathname,
      key: headers.get('idempotency-key'),
      send: async () => fetch(input, init),
    });
  };
}

/** A connection that breaks before the server has heard of the request, or after it has acted. */
export function reset(): never {
  throw new TypeError('fetch failed', { cause: new Error('ECONNRESET') });
}

/** An answer of the server that says to try again. */
export function refusal(status: number, type: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ error: { message: 'passing trouble', type } }), {
    status,
    headers: { 'Content-Type': 'application/json', 'x-should-retry': 'true', ...headers },
  });
}

/** A response whose event stream breaks off behind so many events. */
export function cutAfter(response: Response, events: number): Response {
  return new Response(response.body?.pipeThrough(breakOff(events)) ?? null, response);
}

/** A response that is read one event at a time, each after all that waits has had its turn. */
export function slowly(response: Response): Response {
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
  const slow = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      for (const event of splitEvents(chunk)) {
        await pause();
        controller.enqueue(event);
      }
    },
  });
  return new Response(response.body?.pipeThrough(slow) ?? null, response);
}

function breakOff(events: number): TransformStream<Uint8Array, Uint8Array> {
  let left = events;
  return new TransformStream({
    transform(chunk, controller) {
      for (const event of splitEvents(chunk)) {
        if (left <= 0) return controller.error(new TypeError('terminated'));
        controller.enqueue(event);
        left -= 1;
      }
    },
    flush(controller) {
      if (left <= 0) controller.error(new TypeError('terminated'));
    },
  });
}

function splitEvents(chunk: Uint8Array): Uint8Array[] {
  const parts = new TextDecoder().decode(chunk).split(/(?<=\n\n)/);
  return parts.map((part) => new TextEncoder().encode(part));
}
