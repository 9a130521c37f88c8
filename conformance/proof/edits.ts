import { editJson, editText, type Forward, type Handler, json, type Passing } from './proxy.ts';

/** Edits that proxies are made of. */

export type Json = Record<string, unknown>;

/** Members that hold what the user wrote, and come back as they were. */
const WRITTEN = new Set(['metadata', 'tools', 'tool_calls', 'content']);

export const isEvents = (response: Response) =>
  (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
export const isJson = (response: Response) =>
  (response.headers.get('content-type') ?? '').startsWith('application/json');

/** Changes every answer of one kind. */
export function answers(edit: (response: Response, request: Passing) => Response | Promise<Response>): Handler {
  return async (request, forward) => edit(await forward(), request);
}

export function jsonAnswers(edit: (value: unknown) => unknown): Handler {
  return answers((response) => (isJson(response) ? editJson(response, edit) : response));
}

/** Changes every chunk of a stream; a list stands for several events, an empty one for none. */
export function chunks(edit: (chunk: Json) => Json[]): Handler {
  return events((data) => (data === '[DONE]' ? [data] : edit(JSON.parse(data)).map((chunk) => JSON.stringify(chunk))));
}

export function events(edit: (data: string) => string[], render = (data: string) => `data: ${data}\n\n`): Handler {
  return answers((response) =>
    isEvents(response)
      ? editText(response, (text) => {
          const data = text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));
          return data.flatMap(edit).map(render).join('');
        })
      : response,
  );
}

/** The same value with every object changed, but for what the user wrote. */
export function deep(value: unknown, edit: (object: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => deep(item, edit));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, child]) => [key, WRITTEN.has(key) ? child : deep(child, edit)]);
  return edit(Object.fromEntries(members));
}

export function choiceOf(chunk: Json): { delta: Json; finish_reason: unknown; usage?: unknown } | undefined {
  return (chunk.choices as { delta: Json; finish_reason: unknown; usage?: unknown }[])[0];
}

export function withChoice(chunk: Json, change: Json): Json {
  return { ...chunk, choices: [{ ...(choiceOf(chunk) ?? {}), index: 0, ...change }] };
}

/** Answers as bytes in pieces of one. */
export function drip(response: Response): Response {
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
export function onceRefused(isIt: (request: Passing) => boolean): () => Handler {
  return () => {
    let refused = false;
    return (request, forward) => {
      if (refused || !isIt(request)) return forward();
      refused = true;
      const message = 'The engine is currently overloaded, please try again later';
      const error = { message, type: 'engine_overloaded_error' };
      return Promise.resolve(json({ error }, 429, { 'Retry-After': '0', 'x-should-retry': 'true' }));
    };
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
