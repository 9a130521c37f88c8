import { type Forward, type Handler, on, type Passing } from './proxy.ts';

/** What a broken server does to a session beside what it was asked for. */

let touches = 0;

/** The headers of a request of the server's own: no condition and no key of the client's. */
export function plainHeaders({ headers }: Passing): Record<string, string> {
  return { authorization: headers.authorization ?? '', 'content-type': 'application/json' };
}

/** Another change of the session, so that its version steps. */
export async function touch(request: Passing, forward: Forward, id: string): Promise<void> {
  touches += 1;
  const change = { method: 'POST', path: `/v1/sessions/${id}`, search: '', headers: plainHeaders(request) };
  await (await forward({ ...change, body: { title: `touched ${touches}` } })).text();
}

export async function versionOf(request: Passing, forward: Forward, id: string): Promise<number | undefined> {
  const read = {
    method: 'GET',
    path: `/v1/sessions/${id}`,
    search: '',
    body: undefined,
    headers: plainHeaders(request),
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
export function whileChatting(meet: (request: Passing, forward: Forward) => Promise<Response>): () => Handler {
  return () => {
    const running = new Map<string, number>();
    const count = (id: string, by: number) => running.set(id, (running.get(id) ?? 0) + by);
    const chats = on('POST', '/v1/chat/completions', async (request, forward) => {
      const id = changedBy(request) ?? '';
      count(id, 1);
      try {
        const response = await forward();
        const text = await response.text();
        return new Response(text, response);
      } finally {
        count(id, -1);
      }
    });
    return (request, forward) => {
      const id = changedBy(request) ?? '';
      return (running.get(id) ?? 0) > 0 ? meet(request, () => chats(request, forward)) : chats(request, forward);
    };
  };
}
