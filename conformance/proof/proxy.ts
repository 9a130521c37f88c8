/** A request on its way to the real server. */
export interface Passing {
  readonly method: string;
  /** Without the base URL and query: `/v1/sessions`. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON of the body; its text where it is none; undefined where there is no body. */
  readonly body: unknown;
  /** The body where it is still being sent: nothing else of it is known then. Forwarded as it comes. */
  readonly stream: ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

/** What is changed of a request before it is forwarded. */
export type Change = Partial<Omit<Passing, 'signal' | 'stream'>>;
/** Sends the request, changed or not, to the real server. May be called any number of times. */
export type Forward = (change?: Change) => Promise<Response>;
/** What stands between a client and the real server. */
export type Handler = (request: Passing, forward: Forward) => Promise<Response>;

/** A `fetch` whose requests all pass `handler` on their way to `upstream`. */
export function proxy(upstream: typeof fetch, handler: Handler): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const stream = init?.body instanceof ReadableStream ? (request.body ?? undefined) : undefined;
    // The bytes as they are: they may be no text at all.
    const bytes = request.body && !stream ? new Uint8Array(await request.arrayBuffer()) : undefined;
    const { method } = request;
    // The sender's own: nobody holds the request, and one that is collected no longer follows it.
    const signal = init?.signal ?? request.signal;
    const headers = Object.fromEntries(request.headers);
    const body = parsed(bytes && new TextDecoder().decode(bytes));
    const passing: Passing = { method, path: url.pathname, search: url.search, headers, body, stream, signal };
    const forward: Forward = (change = {}) => {
      const next = { ...passing, ...change };
      const body = 'body' in change ? written(change.body) : (bytes ?? stream);
      const { 'content-length': _, ...kept } = next.headers;
      return upstream(url.origin + next.path + next.search, {
        method: next.method,
        headers: kept,
        signal,
        ...(body !== undefined && { body }),
        ...(body instanceof ReadableStream && { duplex: 'half' as const }),
      });
    };
    return handler(passing, forward);
  };
}

/** Only requests to one route: `on('POST', '/v1/sessions/:id/truncate', …)`. The rest pass as they are. */
export function on(
  method: string,
  route: string,
  handler: (request: Passing & { ids: string[] }, forward: Forward) => Promise<Response>,
): Handler {
  const pattern = new RegExp(`^${route.replace(/:\w+/g, '([^/]+)')}$`);
  return (request, forward) => {
    const match = request.method === method ? pattern.exec(request.path) : null;
    return match ? handler({ ...request, ids: match.slice(1) }, forward) : forward();
  };
}

/** The first handler nearest the client. */
export function chain(...handlers: Handler[]): Handler {
  return (request, forward) => {
    const at = (index: number, current: Passing): Promise<Response> => {
      const handler = handlers[index];
      return handler ? handler(current, (change = {}) => at(index + 1, { ...current, ...change })) : forward(current);
    };
    return at(0, request);
  };
}

/** The answer with its JSON changed. An answer that is no JSON stays as it is. */
export async function editJson(response: Response, edit: (body: never) => unknown): Promise<Response> {
  const text = await response.text();
  const body = parsed(text);
  return answer(response, typeof body === 'object' && body !== null ? JSON.stringify(edit(body as never)) : text);
}

/** The answer with its whole text changed: an event stream, or lines. */
export async function editText(response: Response, edit: (text: string) => string): Promise<Response> {
  return answer(response, edit(await response.text()));
}

/** Another body, or another status, under the same headers. */
export function answer(response: Response, body: string, status = response.status): Response {
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(body, { status, headers });
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  });
}

function parsed(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function written(body: unknown): string | undefined {
  return typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
}
