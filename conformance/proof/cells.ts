import { toLines } from '../tables/writes.ts';
import type { Message } from '../wire/sessions.ts';
import { type Forward, type Handler, type Json, objectIn, type Passing } from './proxy.ts';

/** Which cell of the tables a request belongs to, so that a server can be broken in that cell alone. */

const WRITE = /^\/v1\/sessions\/[^/]+\/messages$/;

function linesOf(body: unknown): Json[] {
  if (typeof body !== 'string') return typeof body === 'object' && body !== null ? [body as Json] : [];
  return body
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Json);
}

const isLines = ({ headers }: Passing) => (headers['content-type'] ?? '').includes('ndjson');

/** The way in which a request writes messages; undefined where it writes none. */
function writeModeOf(request: Passing): string | undefined {
  const { method, path, body } = request;
  if (method !== 'POST' || (typeof body !== 'object' && !isLines(request))) return undefined;
  const fields = (body ?? {}) as Json;
  if (WRITE.test(path)) {
    if (isLines(request)) return request.stream ? undefined : 'ndjson';
    return 'role' in fields ? 'single' : 'list';
  }
  if (path === '/v1/sessions') return Array.isArray(fields.messages) ? 'create' : undefined;
  if (path !== '/v1/chat/completions' || typeof fields.session_id !== 'string') return undefined;
  return fields.stream === true ? 'streamed-turn' : 'turn';
}

/** The messages of a write. */
export function writtenBy(request: Passing): Message[] {
  if (isLines(request)) return linesOf(request.body) as Message[];
  const { messages } = request.body as { messages?: Message[] };
  return messages ?? [request.body as Message];
}

/** The same request with other messages. A line before the first is left as it is where only later ones are meant. */
export function withMessages(request: Passing, edit: (message: Message) => Message, from = 0): Partial<Passing> {
  const messages = writtenBy(request).map((message, index) => (index < from ? message : edit(message)));
  if (isLines(request)) return { body: toLines(messages) };
  const body = request.body as Json;
  return { body: 'role' in body ? messages[0] : { ...body, messages } };
}

/** Breaks what is written in one way. `ndjson-later` leaves the first line as it is. */
export function inMode(
  mode: string,
  meet: (request: Passing, forward: Forward, from: number) => Promise<Response>,
): Handler {
  const later = mode === 'ndjson-later';
  return (request, forward) => {
    const isIt = writeModeOf(request) === (later ? 'ndjson' : mode);
    return isIt ? meet(request, forward, later ? 1 : 0) : forward();
  };
}

/** The route of the table that a request is on, as far as path and body tell; undefined for reads and what is in no table. */
export function routeOf(request: Passing): string | undefined {
  const { method, path } = request;
  const body = objectIn(request);
  if (method === 'DELETE') {
    if (path.endsWith('/share')) return 'unshare';
    return path.startsWith('/v1/snapshots/') ? 'delete-snapshot' : 'delete';
  }
  if (method !== 'POST') return undefined;
  if (path.endsWith('/share')) return 'share';
  if (path.endsWith('/snapshots')) return 'snapshot';
  if (path.endsWith('/rollback')) return 'rollback';
  for (const name of ['truncate', 'compress']) {
    if (path.endsWith(`/${name}`)) return body.dry_run === true ? `${name}-rehearsal` : name;
  }
  if (WRITE.test(path)) return isLines(request) ? 'append-lines' : 'role' in body ? 'append' : 'append-several';
  if (/\/messages\/[^/]+$/.test(path)) return body.pinned === false ? 'unpin' : 'pin';
  if (path === '/v1/chat/completions') {
    if (typeof body.session_id !== 'string') return undefined;
    return body.stream === true ? 'streamed-chat' : 'tools' in body ? 'chat-with-tools' : 'chat';
  }
  if (path === '/v1/sessions') {
    if ('snapshot_id' in body) return 'fork';
    if ('share_id' in body) return 'share-fork';
    return 'messages' in body ? 'create-with-messages' : 'create';
  }
  const fields = Object.keys(body).filter((field) => !field.startsWith('x_'));
  return fields.length === 1 ? ['title', 'metadata', 'tools'].find((field) => field === fields[0]) : undefined;
}

/** Breaks one route. */
export function onRoute(name: string, meet: (request: Passing, forward: Forward) => Promise<Response>): Handler {
  return (request, forward) => (routeOf(request) === name ? meet(request, forward) : forward());
}

export function withoutHeaders(headers: Passing['headers'], ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

/** The answer with a header changed; null takes it away. */
export function withHeader(response: Response, name: string, value: string | null): Response {
  const headers = new Headers(response.headers);
  if (value === null) headers.delete(name);
  else headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}

export const ROUTE_WAYS = { inMode, onRoute };
