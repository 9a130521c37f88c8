import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import {
  chain,
  editJson,
  editJsonResponse,
  editObjects,
  type Forward,
  type Handler,
  isEvents,
  type Json,
  json,
  on,
  type Passing,
} from './proxy.ts';

export const WRITE = '/v1/sessions/:id/messages';

/** A message on its way to the server, or from it. */
export type Message = Json & { role: string };

/** The messages of a write that is not a stream; undefined for a stream. */
export function messagesOf(body: unknown): Message[] | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { messages } = body as { messages?: unknown };
  if (Array.isArray(messages)) return messages as Message[];
  return 'role' in body ? [body as Message] : undefined;
}

/** Changes the messages of every write before they are written. */
function editWrites(edit: (messages: Message[]) => Message[]): Handler {
  return on('POST', WRITE, ({ body }, forward) => {
    const messages = messagesOf(body);
    return messages ? forward({ body: { messages: edit(messages) } }) : forward();
  });
}

/** Changes the messages of every page of a window that is read. */
export function editListed(edit: (messages: Message[]) => Message[]): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (request.method !== 'GET' || !/\/sessions\/[^/]+\/messages$/.test(request.path)) return response;
    const page = (await response.clone().json()) as { data?: Message[] };
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

/** The session as it is; without usage where there is none. */
export async function sessionAt(forward: Forward, id: string): Promise<Json & { usage?: { total_tokens: number } }> {
  const response = await forward({ method: 'GET', path: `/v1/sessions/${id}`, search: '', body: undefined });
  return (await response.json()) as Json & { usage?: { total_tokens: number } };
}

/** Tokens of messages by the server's own counter. */
export async function countOf(forward: Forward, messages: readonly Message[], model: string): Promise<number> {
  const path = '/v1/tokenizers/estimate-token-count';
  const { data } = (await (await forward({ path, body: { model, messages } })).json()) as {
    data: { total_tokens: number };
  };
  return data.total_tokens - 3;
}

/** Several writes in one answer, as if they had been one; the first that was refused, where one was. */
export async function joinAnswers(responses: readonly Response[]): Promise<Response> {
  const refused = responses.find(({ status }) => status >= 400);
  if (refused) return refused;
  const answers = (await Promise.all(responses.map((response) => response.json()))) as (Json & {
    data: Message[];
    tokens: number;
  })[];
  const data = answers.flatMap((answer) => answer.data);
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
  return json({ ...answers.at(-1), data, tokens });
}

/** A server whose true limits are `real`, and that says others. Its mistake about a limit is the difference. */
export function claimsLimits(said: Partial<Limits>, real: Partial<Limits>): Handler {
  const lent = (said.window_tokens ?? 0) - (real.window_tokens ?? 0);
  return editJsonResponse((body) =>
    editObjects(body, (object) => {
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
function onConcurrentWrite(
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

interface Reply {
  status: number;
  body: Json;
}

export async function ask(forward: Forward, method: string, path: string, body?: unknown, search = ''): Promise<Reply> {
  const response = await forward({ method, path, body, search });
  return { status: response.status, body: (await response.json()) as Json };
}

/** The window as the real server has it; the newest hundred messages are enough for the kit's cases at small scale. */
export async function windowAt(forward: Forward, id: string, kind = 'sessions'): Promise<SessionMessage[]> {
  const path = `/v1/${kind}/${id}/messages`;
  const { body } = await ask(forward, 'GET', path, undefined, '?limit=100');
  return (body.data ?? []) as SessionMessage[];
}

/** Only where it succeeded: a refusal stays as it is. */
export function editSuccess(response: Response, edit: (body: Json) => Json): Promise<Response> | Response {
  return response.ok ? editJson(response, edit) : response;
}

/** Changes the answers of one route, where they are JSON and no refusals. Undefined leaves an answer as it is. */
export function editAnswers(method: string, route: string, edit: (body: Json, ids: string[]) => unknown): Handler {
  return on(method, route, async ({ ids }, forward) => {
    const response = await forward();
    return response.ok ? editJson(response, (body: Json) => edit(body, ids) ?? body) : response;
  });
}

/** Takes note of the requests to one route, which pass as they are. */
export function noteRequests(
  method: string,
  route: string,
  note: (request: Passing & { ids: string[] }) => unknown,
): Handler {
  return on(method, route, (request, forward) => {
    note(request);
    return forward();
  });
}

/** Changes what one route is asked. A body that is not there is an empty object. */
export function editBodies(method: string, route: string, edit: (body: Json, ids: string[]) => unknown): Handler {
  return on(method, route, ({ body, ids }, forward) => forward({ body: edit((body ?? {}) as Json, ids) }));
}

/** Changes what is listed of windows. */
export function editWindows(edit: (messages: SessionMessage[], sessionId: string) => SessionMessage[]): Handler {
  return on('GET', '/v1/sessions/:id/messages', async ({ ids: [id = ''] }, forward) =>
    editSuccess(await forward(), (body) => ({ ...body, data: edit(body.data as SessionMessage[], id) })),
  );
}

/** What is known of the last change of a session. */
interface Past {
  before: SessionMessage[];
  body: Json;
  /** How often it has been done, this time included. */
  times: number;
}

/** Shows windows otherwise once an action (`truncate`, `rollback`, `compress`) has succeeded, until they are rolled back. */
export function showAfter(action: string, edit: (now: SessionMessage[], past: Past) => SessionMessage[]): Handler {
  const known = new Map<string, Past>();
  return chain(
    noteRequests('POST', '/v1/sessions/:id/rollback', ({ ids: [id = ''] }) => known.delete(id)),
    on('POST', `/v1/sessions/:id/${action}`, async ({ ids: [id = ''], body }, forward) => {
      const before = await windowAt(forward, id);
      const response = await forward();
      const asked = body as Json;
      const times = (known.get(id)?.times ?? 0) + 1;
      if (response.ok && asked.dry_run !== true) known.set(id, { before, body: asked, times });
      return response;
    }),
    editWindows((messages, id) => {
      const past = known.get(id);
      return past ? edit(messages, past) : messages;
    }),
  );
}

/** Takes every pin of the window away, leading ones included, but for those that `keep` names. */
export async function unpin(
  forward: Forward,
  id: string,
  keep: (message: SessionMessage) => boolean = () => false,
): Promise<void> {
  for (const message of await windowAt(forward, id)) {
    if (!message.pinned || keep(message)) continue;
    await ask(forward, 'POST', `/v1/sessions/${id}/messages/${message.id}`, { pinned: false });
  }
}

/** After a request to `route` the model goes on with what the window held before. */
function modelRemembers(route: string): Handler {
  const logs = new Map<string, SessionMessage[]>();
  return chain(
    on('POST', route, async ({ ids: [id = ''] }, forward) => {
      logs.set(id, await windowAt(forward, id));
      return forward();
    }),
    answersFrom(async (id, forward) => logs.get(id) ?? windowAt(forward, id)),
  );
}

/** After a request to `route` the model reads nothing of the window any more. */
function modelForgets(route: string): Handler {
  const forgotten = new Set<string>();
  return chain(
    noteRequests('POST', route, ({ ids: [id = ''] }) => forgotten.add(id)),
    answersFrom(async (id, forward) => (forgotten.has(id) ? [] : windowAt(forward, id))),
  );
}

/** Turns of a session are answered from other messages than its window's. Nothing is stored of them. */
export function answersFrom(history: (sessionId: string, forward: Forward) => Promise<SessionMessage[]>): Handler {
  return on('POST', '/v1/chat/completions', async ({ body }, forward) => {
    const { session_id, ...rest } = body as Json;
    if (typeof session_id !== 'string') return forward();
    const earlier = (await history(session_id, forward)).map(({ role, content }) => ({ role, content }));
    return forward({ body: { ...rest, messages: [...earlier, ...(rest.messages as Json[])] } });
  });
}

/** The headers of a request of the server's own: no condition and no key of the client's. */
function ownHeaders({ headers }: Passing): Record<string, string> {
  return { authorization: headers.authorization ?? '', 'content-type': 'application/json' };
}

/** Another change of the session, so that its version steps. */
export async function bumpVersion(request: Passing, forward: Forward, id: string): Promise<void> {
  const change = { method: 'POST', path: `/v1/sessions/${id}`, search: '', headers: ownHeaders(request) };
  await (await forward({ ...change, body: { title: `touched ${crypto.randomUUID()}` } })).text();
}

export async function versionOf(request: Passing, forward: Forward, id: string): Promise<number | undefined> {
  const read = {
    method: 'GET',
    path: `/v1/sessions/${id}`,
    search: '',
    body: undefined,
    headers: ownHeaders(request),
  };
  const { version } = (await (await forward(read)).json()) as { version?: number };
  return version;
}

/** The session that a POST changes; undefined where it changes none. */
export function changedBy({ method, path, body }: Passing): string | undefined {
  if (method !== 'POST') return undefined;
  if (path !== '/v1/chat/completions') return /^\/v1\/sessions\/([^/]+)/.exec(path)?.[1];
  const { session_id } = (body ?? {}) as { session_id?: unknown };
  return typeof session_id === 'string' ? session_id : undefined;
}

/** Tells requests of a session in which a chat is under way: `meet` answers them, or lets them pass. */
export function whileChatting(meet: (request: Passing, forward: Forward) => Promise<Response>): Handler {
  const running = new Map<string, number>();
  const count = (id: string, by: number) => running.set(id, (running.get(id) ?? 0) + by);
  const chats = on('POST', '/v1/chat/completions', async (request, forward) => {
    const id = changedBy(request) ?? '';
    count(id, 1);
    const response = await forward().catch((error: unknown) => {
      count(id, -1);
      throw error;
    });
    // A stream is under way until it has been read, however slowly.
    if (response.body && isEvents(response)) return untilRead(response, () => count(id, -1));
    count(id, -1);
    return response;
  });
  return (request, forward) => {
    const id = changedBy(request) ?? '';
    return (running.get(id) ?? 0) > 0 ? meet(request, () => chats(request, forward)) : chats(request, forward);
  };
}

/** The same answer, read only as fast as it is asked for; `ended` is called when all of it has been. */
export function untilRead(response: Response, ended: () => void): Response {
  const reader = response.body?.getReader();
  if (!reader) return response;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      },
      async cancel(reason) {
        ended();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, headers: response.headers });
}

export const SESSION_WAYS = {
  editAnswers,
  editBodies,
  editWrites,
  editListed,
  editWindows,
  showAfter,
  modelRemembers,
  modelForgets,
  whileChatting,
  onConcurrentWrite,
};
