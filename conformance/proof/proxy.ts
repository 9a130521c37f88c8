/** A request on its way to the real server. */
export interface Passing {
  readonly method: string;
  /** Without the base URL and query: `/v1/sessions`. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body's JSON; its text where it is not JSON; undefined where there is no body. */
  readonly body: unknown;
  /** The body where it is still being sent: nothing else of it is known then. Forwarded as it comes. */
  readonly stream: ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

/** What is changed of a request before it is forwarded. */
type Change = Partial<Omit<Passing, 'signal' | 'stream'>>;

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

/** The answer with its JSON changed. An answer that is not JSON is not changed. */
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

export type Json = Record<string, unknown>;

/** The object that a request carries; an empty one where it carries none. */
export function objectIn({ body }: Passing): Json {
  return typeof body === 'object' && body !== null ? (body as Json) : {};
}

/** Members that hold what the user wrote, and come back as they were. */
const WRITTEN = new Set(['metadata', 'tools', 'tool_calls', 'content']);

export const isEvents = (response: Response) =>
  (response.headers.get('content-type') ?? '').startsWith('text/event-stream');

export const isJson = (response: Response) =>
  (response.headers.get('content-type') ?? '').startsWith('application/json');

/** Changes every answer of one kind. */
export function editResponse(edit: (response: Response, request: Passing) => Response | Promise<Response>): Handler {
  return async (request, forward) => edit(await forward(), request);
}

export function editJsonResponse(edit: (value: unknown) => unknown): Handler {
  return editResponse((response) => (isJson(response) ? editJson(response, edit) : response));
}

/** Changes every chunk of a stream; a list stands for several events, an empty one for none. */
export function editEachChunk(edit: (chunk: Json) => Json[]): Handler {
  return editEachEvent((data) =>
    data === '[DONE]' ? [data] : edit(JSON.parse(data)).map((chunk) => JSON.stringify(chunk)),
  );
}

export function editEachEvent(
  edit: (data: string) => string[],
  render = (data: string) => `data: ${data}\n\n`,
): Handler {
  return editResponse((response) =>
    isEvents(response)
      ? editText(response, (text) => {
          const data = text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));
          return data.flatMap(edit).map(render).join('');
        })
      : response,
  );
}

/** The same value with every object changed, but for what the user wrote. */
export function editObjects(value: unknown, edit: (object: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => editObjects(item, edit));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, child]) => [
    key,
    WRITTEN.has(key) ? child : editObjects(child, edit),
  ]);
  return edit(Object.fromEntries(members));
}

export function choiceOf(
  chunk: Json,
): { index: number; delta: Json; finish_reason: unknown; usage?: unknown } | undefined {
  return (chunk.choices as { index: number; delta: Json; finish_reason: unknown; usage?: unknown }[])[0];
}

export function withChoice(chunk: Json, change: Json): Json {
  return { ...chunk, choices: [{ index: 0, ...(choiceOf(chunk) ?? {}), ...change }] };
}

/** Answers as bytes in pieces of one. */
export function byteByByte(response: Response): Response {
  if (!response.body) return response;
  const split = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      for (let index = 0; index < bytes.length; index += 1) controller.enqueue(bytes.slice(index, index + 1));
    },
  });
  const { status, headers } = response;
  return new Response(response.body.pipeThrough(split), { status, headers });
}

/** One refusal of the kind that asks to come again; everything after it is let through. */
export function refuseOnce(isIt: (request: Passing) => boolean): Handler {
  let refused = false;
  return (request, forward) => {
    if (refused || !isIt(request)) return forward();
    refused = true;
    const message = 'The engine is currently overloaded, please try again later';
    const error = { message, type: 'engine_overloaded_error' };
    return Promise.resolve(json({ error }, 429, { 'Retry-After': '0', 'x-should-retry': 'true' }));
  };
}

/** Every id under another name, both ways. */
export function renamedIds(rename: (id: string) => string, restore: (id: string) => string): Handler {
  return async (request: Passing, forward: Forward) => {
    const text = typeof request.body === 'string' ? request.body : (JSON.stringify(request.body) ?? '');
    const restored = restore(text);
    const response = await forward({
      path: restore(request.path),
      search: restore(request.search),
      // A body without ids stays as it is, to the byte.
      ...(restored !== text && { body: restored }),
    });
    return response.body ? editText(response, rename) : response;
  };
}

export function indented(response: Response): Promise<Response> {
  return editText(response, (text) => JSON.stringify(JSON.parse(text), null, 2));
}

/** The same answer with more headers, or others. */
export function withHeaders(response: Response, more: Record<string, string>): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  const { status, body } = response;
  return new Response(body, { status, headers });
}
