import { SESSION_CHANGES } from '../../../wire/changes.ts';
import { mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, json, on } from '../../proxy.ts';
import { codeOf, refusal } from '../../rewrites.ts';

const mutant = mutantsOf('sessions');
const ONE = '/v1/sessions/:id';
const CHAT = '/v1/chat/completions';

const DELETED_ROUTES = SESSION_CHANGES.filter(({ name }) => name !== 'metadata' && name !== 'append-several').map(
  ({ name }) => `sessions.deleted-${name}/not-found`,
);

/** Deletion that only marks, and is heeded by the routes that `heeds` names. */
function softDelete(heeds: (method: string, path: string) => boolean): () => Handler {
  return () => {
    const gone = new Set<string>();
    return async (request, forward) => {
      const id = request.path.split('/')[3] ?? '';
      if (gone.has(id) && heeds(request.method, request.path))
        return refusal('session_not_found', `Not found the session ${id}`);
      if (request.method === 'POST' && request.path === '/v1/sessions') {
        // What is only marked takes its place until another needs it.
        for (const marked of gone) await forward({ method: 'DELETE', path: `/v1/sessions/${marked}`, body: undefined });
        gone.clear();
      }
      if (request.method !== 'DELETE' || request.path !== `/v1/sessions/${id}`) return forward();
      const known = await forward({ method: 'GET' });
      if (!known.ok) return known;
      gone.add(id);
      return json({ id, object: 'session.deleted', deleted: true });
    };
  };
}

const isOne = (path: string) => path.split('/').length === 4;

export const GONE_MUTANTS: readonly Mutant[] = [
  mutant(
    'delete-marks-only',
    'a deleted session is hidden from its own route, and every other route still works',
    ['sessions.delete/messages-not-read', ...DELETED_ROUTES.filter((id) => !/title|tools/.test(id))],
    softDelete((_, path) => isOne(path)),
  ),
  mutant(
    'deleted-still-answers',
    'a deleted session still answers',
    ['sessions.delete/not-read', 'sessions.delete/messages-not-read', ...DELETED_ROUTES],
    softDelete(() => false),
  ),
  mutant(
    'deleted-made-anew',
    'an update of a deleted session makes it anew',
    ['sessions.deleted-title/not-found', 'sessions.deleted-tools/not-found', 'sessions.unknown/not-changed'],
    () =>
      on('POST', ONE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'session_not_found') return response;
        return forward({ path: '/v1/sessions', body });
      }),
  ),
  mutant('delete-answers-nothing', 'a deletion is answered without a body', ['sessions.delete/answer'], () =>
    on('DELETE', ONE, async (_, forward) => {
      const response = await forward();
      return response.ok ? new Response(null, { status: 204 }) : response;
    }),
  ),
  mutant(
    'second-delete-breaks',
    'deleting for the second time breaks the server',
    ['sessions.delete/again-not-found', 'sessions.unknown/not-deleted'],
    () =>
      on('DELETE', ONE, async (_, forward) => {
        const response = await forward();
        return response.ok
          ? response
          : json({ error: { message: 'row is undefined', type: 'unexpected_output' } }, 500);
      }),
  ),
  mutant(
    'delete-of-nothing',
    'deleting what is not there succeeds',
    ['sessions.delete/again-not-found', 'sessions.unknown/not-deleted'],
    () =>
      on('DELETE', ONE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        return response.ok ? response : json({ id, object: 'session.deleted', deleted: true });
      }),
  ),
  mutant(
    'unknown-is-empty',
    'an id that no session has is read as an empty session',
    ['sessions.unknown/not-read', 'sessions.unknown/not-changed', 'sessions.delete/not-read'],
    () =>
      on('GET', ONE, async (_, forward) => {
        const response = await forward();
        return response.ok ? response : json({ object: 'session', usage: { total_tokens: 0 } });
      }),
  ),
  mutant(
    'chat-creates',
    'a chat with an id that no session has makes a session and goes on',
    [
      'sessions.chat-unknown/refused',
      'sessions.chat-unknown/stream-refused',
      'sessions.chat-unknown/none-made',
      'sessions.deleted-chat/not-found',
    ],
    () =>
      on('POST', CHAT, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'session_not_found') return response;
        const created = await forward({ path: '/v1/sessions', body: {} });
        const { id } = (await created.json()) as { id: string };
        return forward({ body: { ...(body as Json), session_id: id } });
      }),
  ),
  mutant(
    'chat-creates-and-refuses',
    'a chat with an id that no session has is refused, and leaves a session behind',
    ['sessions.chat-unknown/none-made'],
    () =>
      on('POST', CHAT, async (_, forward) => {
        const response = await forward();
        if ((await codeOf(response)) === 'session_not_found') await forward({ path: '/v1/sessions', body: {} });
        return response;
      }),
  ),
  mutant(
    'stream-breaks-late',
    'a streamed chat in no session is answered with a stream that holds the error',
    ['sessions.chat-unknown/stream-refused'],
    () =>
      on('POST', CHAT, async ({ body }, forward) => {
        const response = await forward();
        if (response.ok || (body as Json).stream !== true) return response;
        return new Response(`data: ${await response.text()}\n\ndata: [DONE]\n\n`, {
          headers: { 'Content-Type': 'text/event-stream' },
        });
      }),
  ),
  mutant(
    'append-everywhere',
    'a write reaches every session of the account',
    ['sessions.independent/append-stays-in-one'],
    () => {
      const ids: string[] = [];
      return chain(
        on('POST', '/v1/sessions', async (_, forward) => {
          const response = await forward();
          if (response.ok) ids.push(((await response.clone().json()) as { id: string }).id);
          return response;
        }),
        on('POST', `${ONE}/messages`, async ({ ids: [id] }, forward) => {
          for (const other of ids) if (other !== id) await forward({ path: `/v1/sessions/${other}/messages` });
          return forward();
        }),
      );
    },
  ),
  mutant(
    'last-session-meant',
    'changes and deletions are done to the session that was created last',
    [
      'sessions.independent/update-stays-in-one',
      'sessions.independent/delete-stays-in-one',
      'sessions.delete/other-stays',
    ],
    () => {
      let last = '';
      const instead = (method: string) =>
        on(method, ONE, (_, forward) => forward(last === '' ? {} : { path: `/v1/sessions/${last}` }));
      return chain(
        on('POST', '/v1/sessions', async (_, forward) => {
          const response = await forward();
          if (response.ok) last = ((await response.clone().json()) as { id: string }).id;
          return response;
        }),
        instead('POST'),
        instead('DELETE'),
      );
    },
  ),
];
