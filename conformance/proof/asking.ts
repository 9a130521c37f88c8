import type { SessionMessage } from '../../contract/sessions.ts';
import type { Json } from './edits.ts';
import { chain, editJson, type Forward, type Handler, on } from './proxy.ts';

/** Requests that a broken server makes of the real one by itself, and what it shows instead of the real window. */

export interface Told {
  status: number;
  body: Json;
}

export async function ask(forward: Forward, method: string, path: string, body?: unknown, search = ''): Promise<Told> {
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

/** Changes what is listed of windows. */
export function editWindows(edit: (messages: SessionMessage[], sessionId: string) => SessionMessage[]): Handler {
  return on('GET', '/v1/sessions/:id/messages', async ({ ids: [id = ''] }, forward) =>
    editSuccess(await forward(), (body) => ({ ...body, data: edit(body.data as SessionMessage[], id) })),
  );
}

/** What is known of the last change of a session. */
export interface Past {
  before: SessionMessage[];
  body: Json;
  /** How often it has been done, this time included. */
  times: number;
}

/** Shows windows otherwise once an action (`truncate`, `rollback`, `compress`) has succeeded, until they are rolled back. */
export function showAfter(
  action: string,
  edit: (now: SessionMessage[], past: Past) => SessionMessage[],
): () => Handler {
  return () => {
    const known = new Map<string, Past>();
    return chain(
      on('POST', '/v1/sessions/:id/rollback', ({ ids: [id = ''] }, forward) => {
        known.delete(id);
        return forward();
      }),
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
  };
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
export function modelRemembers(route: string): () => Handler {
  return () => {
    const logs = new Map<string, SessionMessage[]>();
    return chain(
      on('POST', route, async ({ ids: [id = ''] }, forward) => {
        logs.set(id, await windowAt(forward, id));
        return forward();
      }),
      answersFrom(async (id, forward) => logs.get(id) ?? windowAt(forward, id)),
    );
  };
}

/** After a request to `route` the model reads nothing of the window any more. */
export function modelForgets(route: string): () => Handler {
  return () => {
    const forgotten = new Set<string>();
    return chain(
      on('POST', route, ({ ids: [id = ''] }, forward) => {
        forgotten.add(id);
        return forward();
      }),
      answersFrom(async (id, forward) => (forgotten.has(id) ? [] : windowAt(forward, id))),
    );
  };
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
