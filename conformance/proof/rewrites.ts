import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import { deep, type Json, jsonAnswers } from './edits.ts';
import { type Forward, type Handler, json, on, type Passing } from './proxy.ts';

/** What mutants of the session dialect do with writes. */

export const WRITE = '/v1/sessions/:id/messages';

/** A message on its way to the server, or from it. */
export type Sent = Json & { role: string };

/** The messages of a write that is no stream; undefined for a stream. */
export function messagesOf(body: unknown): Sent[] | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { messages } = body as { messages?: unknown };
  if (Array.isArray(messages)) return messages as Sent[];
  return 'role' in body ? [body as Sent] : undefined;
}

/** Changes the messages of every write before they are written. */
export function writes(edit: (messages: Sent[]) => Sent[]): Handler {
  return on('POST', WRITE, ({ body }, forward) => {
    const messages = messagesOf(body);
    return messages ? forward({ body: { messages: edit(messages) } }) : forward();
  });
}

/** Changes the text of every message that is written. */
export function texts(edit: (text: string) => string): Handler {
  return writes((messages) =>
    messages.map((message) =>
      typeof message.content === 'string' ? { ...message, content: edit(message.content) } : message,
    ),
  );
}

/** Changes the messages of every page of a window that is read. */
export function listed(edit: (messages: Sent[]) => Sent[]): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (request.method !== 'GET' || !/\/sessions\/[^/]+\/messages$/.test(request.path)) return response;
    const page = (await response.clone().json()) as { data?: Sent[] };
    return page.data ? json({ ...page, data: edit(page.data) }) : response;
  };
}

/** A refusal in the right form. */
export function refusal(code: ErrorCode, message = 'Invalid request: refused'): Response {
  const { status, type, retry, bare } = ERRORS[code];
  const error = { message, type, ...(!bare && { code }) };
  return json({ error }, status, { 'x-should-retry': String(retry), ...(retry && { 'Retry-After': '1' }) });
}

/** The code of a refusal; undefined for a success. */
export async function codeOf(response: Response): Promise<string | undefined> {
  if (response.status < 300) return undefined;
  const { error } = (await response.clone().json()) as { error?: { code?: string; type?: string } };
  return error?.code ?? error?.type;
}

/** What stands in a window of at most a page, oldest first. */
export async function windowAt(forward: Forward, id: string): Promise<Sent[]> {
  const read = { method: 'GET', path: `/v1/sessions/${id}/messages`, search: '?limit=100', body: undefined };
  const { data = [] } = (await (await forward(read)).json()) as { data?: Sent[] };
  return data;
}

/** The session as it is; without usage where there is none. */
export async function sessionAt(forward: Forward, id: string): Promise<Json & { usage?: { total_tokens: number } }> {
  const response = await forward({ method: 'GET', path: `/v1/sessions/${id}`, search: '', body: undefined });
  return (await response.json()) as Json & { usage?: { total_tokens: number } };
}

/** Tokens of messages by the server's own counter. */
export async function countOf(forward: Forward, messages: readonly Sent[], model: string): Promise<number> {
  const path = '/v1/tokenizers/estimate-token-count';
  const { data } = (await (await forward({ path, body: { model, messages } })).json()) as {
    data: { total_tokens: number };
  };
  return data.total_tokens - 3;
}

/** Several writes in one answer, as if they had been one; the first that was refused, where one was. */
export async function joined(responses: readonly Response[]): Promise<Response> {
  const refused = responses.find(({ status }) => status >= 400);
  if (refused) return refused;
  const answers = (await Promise.all(responses.map((response) => response.json()))) as (Json & {
    data: Sent[];
    tokens: number;
  })[];
  const data = answers.flatMap((answer) => answer.data);
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
  return json({ ...answers.at(-1), data, tokens });
}

/** A server whose true limits are `real`, and that says others. Its mistake about a limit is the difference. */
export function saying(said: Partial<Limits>, real: Partial<Limits>): Handler {
  const lent = (said.window_tokens ?? 0) - (real.window_tokens ?? 0);
  return jsonAnswers((body) =>
    deep(body, (object) => {
      if ('min_preserve_tokens' in object && 'append_tokens' in object) return { ...object, ...only(said, object) };
      if (typeof object.remaining_tokens !== 'number') return object;
      return { ...object, remaining_tokens: object.remaining_tokens + lent };
    }),
  );
}

function only(said: Partial<Limits>, object: Json): Json {
  return Object.fromEntries(Object.entries(said).filter(([name]) => name in object));
}

/** Writes that come while another write of the same session is under way. */
export function overlapping(
  meet: (request: Passing & { ids: string[] }, forward: Forward, first: Promise<Response>) => Promise<Response>,
): Handler {
  const running = new Map<string, Promise<Response>>();
  return on('POST', WRITE, async (request, forward) => {
    const id = request.ids[0] ?? '';
    const first = running.get(id);
    if (first) return meet(request, forward, first);
    const write = forward();
    running.set(id, write);
    try {
      return (await write).clone();
    } finally {
      running.delete(id);
    }
  });
}
