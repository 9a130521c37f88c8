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

/** A response whose event stream breaks off behind so many events, all of which have been read. */
export function cutAfter(response: Response, events: number): Response {
  return remade(response, async function* (all) {
    let left = events;
    for await (const event of all) {
      if (left-- <= 0) break;
      yield event;
    }
    if (left <= 0) throw new TypeError('terminated');
  });
}

/** A response that is read one event at a time, each after all that waits has had its turn. */
export function slowly(response: Response): Response {
  return remade(response, async function* (all) {
    for await (const event of all) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      yield event;
    }
  });
}

type Events = AsyncGenerator<Uint8Array, void>;

/** A response with its events made anew, each only when it is asked for. */
function remade(response: Response, make: (events: Events) => Events): Response {
  if (!response.body) return response;
  const events = make(splitEvents(response.body));
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await events.next();
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      async cancel() {
        await events.return();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}

async function* splitEvents(body: ReadableStream<Uint8Array>): Events {
  for await (const chunk of body) {
    for (const part of new TextDecoder().decode(chunk).split(/(?<=\n\n)/)) yield new TextEncoder().encode(part);
  }
}
