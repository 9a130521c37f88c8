import { mutantsOf } from '../../proof/mutant.ts';
import { chain, type Handler, type Json, json, on, type Passing } from '../../proof/proxy.ts';
import { codeOf, refusal } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('sessions', { softDelete });
const ONE = '/v1/sessions/:id';

const CHAT = '/v1/chat/completions';

/** Deletion that only marks, and is heeded by the routes that `heeds` names. */
function softDelete(heeds: (method: string, path: string) => boolean): Handler {
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
}

const isOne = (path: string) => path.split('/').length === 4;

export const GONE_MUTANTS = [
  mutant('delete-marks-only', 'a deleted session is hidden from its own route, and every other route still works')
    .caughtBy('sessions.delete/messages-not-read')
    .softDelete((_, path) => isOne(path)),
  mutant('deleted-still-answers', 'a deleted session still answers')
    .caughtBy('sessions.delete/not-read messages-not-read')
    .softDelete(() => false),
  mutant('deleted-made-anew', 'an update of a deleted session makes it anew')
    .caughtBy('sessions.unknown/not-changed')
    .on('POST', ONE, async ({ body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'session_not_found') return response;
      return forward({ path: '/v1/sessions', body });
    }),
  mutant('delete-answers-nothing', 'a deletion is answered without a body')
    .caughtBy('sessions.delete/answer')
    .on('DELETE', ONE, async (_, forward) => {
      const response = await forward();
      return response.ok ? new Response(null, { status: 204 }) : response;
    }),
  mutant('second-delete-breaks', 'deleting for the second time breaks the server')
    .caughtBy('sessions.delete/again-not-found', 'sessions.unknown/not-deleted')
    .on('DELETE', ONE, async (_, forward) => {
      const response = await forward();
      return response.ok ? response : json({ error: { message: 'row is undefined', type: 'unexpected_output' } }, 500);
    }),
  mutant('delete-of-nothing', 'deleting what is not there succeeds')
    .caughtBy('sessions.delete/again-not-found', 'sessions.unknown/not-deleted')
    .on('DELETE', ONE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      return response.ok ? response : json({ id, object: 'session.deleted', deleted: true });
    }),
  mutant('unknown-is-empty', 'an id that no session has is read as an empty session')
    .caughtBy('sessions.unknown/not-read not-changed', 'sessions.delete/not-read')
    .on('GET', ONE, async (_, forward) => {
      const response = await forward();
      return response.ok ? response : json({ object: 'session', usage: { total_tokens: 0 } });
    }),
  mutant('chat-creates', 'a chat with an id that no session has makes a session and goes on')
    .caughtBy('sessions.chat-unknown/refused stream-refused none-made')
    .on('POST', CHAT, async ({ body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'session_not_found') return response;
      const created = await forward({ path: '/v1/sessions', body: {} });
      const { id } = (await created.json()) as { id: string };
      return forward({ body: { ...(body as Json), session_id: id } });
    }),
  mutant('chat-creates-and-refuses', 'a chat with an id that no session has is refused, and leaves a session behind')
    .caughtBy('sessions.chat-unknown/none-made')
    .on('POST', CHAT, async (_, forward) => {
      const response = await forward();
      if ((await codeOf(response)) === 'session_not_found') await forward({ path: '/v1/sessions', body: {} });
      return response;
    }),
  mutant('stream-breaks-late', 'a streamed chat in no session is answered with a stream that holds the error')
    .caughtBy('sessions.chat-unknown/stream-refused')
    .on('POST', CHAT, async ({ body }, forward) => {
      const response = await forward();
      if (response.ok || (body as Json).stream !== true) return response;
      return new Response(`data: ${await response.text()}\n\ndata: [DONE]\n\n`, {
        headers: { 'Content-Type': 'text/event-stream' },
      });
    }),
  mutant('append-everywhere', 'a write reaches every session of the account')
    .caughtBy('sessions.independent/append-stays-in-one')
    .proxy(() => {
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
    }),
  mutant('last-session-meant', 'changes and deletions are done to the session that was created last')
    .caughtBy('sessions.independent/update-stays-in-one delete-stays-in-one', 'sessions.delete/other-stays')
    .proxy(() => {
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
    }),
];

const limit = SMALL_LIMITS.sessions;

/**
 * A server that counts for itself, and looks at its count before it has counted what is on its way.
 * @param freed slots that a deletion frees
 */
function counting({ freed }: { freed: number }): Handler {
  const held = new Map<string, number>();
  const keyOf = ({ headers }: Passing) => headers.authorization ?? '';
  const add = (key: string, count: number) => held.set(key, (held.get(key) ?? 0) + count);
  return chain(
    on('POST', '/v1/sessions', async (request, forward) => {
      if ((held.get(keyOf(request)) ?? 0) >= limit) return refusal('session_limit_reached');
      const response = await forward();
      if (response.ok) add(keyOf(request), 1);
      return response;
    }),
    on('DELETE', '/v1/sessions/:id', async (request, forward) => {
      const response = await forward();
      if (response.ok) add(keyOf(request), -freed);
      return response;
    }),
  );
}

export const SLOT_MUTANTS = [
  mutant('one-too-many', 'one session more than the limit is accepted')
    .caughtBy('sessions.capacity/over-refused')
    .limits({ sessions: limit + 1 }),
  mutant('one-too-few', 'the last session of the limit is refused')
    .caughtBy('sessions.capacity/exact-accepted', 'sessions.race/slots-filled')
    .limits({ sessions: limit - 1 }),
  mutant('race-past-limit', 'creations at the same time each see the slot that is free, and race past the limit')
    .caughtBy('sessions.race/no-more-than-slots full-after')
    .limits({ sessions: 1_000 }, () => counting({ freed: 1 })),
  mutant('delete-frees-two', 'a deletion is counted twice')
    .caughtBy('sessions.capacity/full-again')
    .limits({ sessions: 1_000 }, () => counting({ freed: 2 })),
  mutant('delete-frees-none', 'a deleted session keeps its slot')
    .caughtBy('sessions.capacity/delete-frees')
    .limits({ sessions: 1_000 }, () => counting({ freed: 0 })),
  mutant('race-refuses-all', 'creations at the same time see each other and all give up')
    .caughtBy('sessions.race/slots-filled')
    .proxy(() => {
      let running = 0;
      return on('POST', '/v1/sessions', async (_, forward) => {
        running += 1;
        try {
          return running > 1 ? refusal('session_limit_reached') : await forward();
        } finally {
          running -= 1;
        }
      });
    }),
  mutant('race-limited-rate', 'concurrent creations over the limit are refused as too many requests')
    .caughtBy('sessions.race/rest-refused')
    .proxy(() => {
      let running = 0;
      return on('POST', '/v1/sessions', async (_, forward) => {
        running += 1;
        const crowd = running > 1;
        const response = await forward();
        running -= 1;
        return crowd && (await codeOf(response)) === 'session_limit_reached' ? refusal('session_busy') : response;
      });
    }),
  mutant('refused-takes-slot', 'a creation that is refused takes a slot')
    .caughtBy('sessions.capacity/refused-takes-no-slot')
    .on('POST', '/v1/sessions', async (_, forward) => {
      const response = await forward();
      const code = await codeOf(response);
      if (code !== undefined && code !== 'session_limit_reached') await forward({ body: {} });
      return response;
    }),
  mutant('id-reused', 'the id of a deleted session is given to the next')
    .caughtBy('sessions.ids/of-those-gone')
    .proxy(() => {
      const free: string[] = [];
      const real = new Map<string, string>();
      return async (request, forward) => {
        const alias = [...real].find(([old]) => request.path.includes(old));
        const response = await forward(alias ? { path: request.path.replace(alias[0], alias[1]) } : {});
        if (request.method === 'DELETE' && response.ok) free.push(request.path.split('/').at(-1) ?? '');
        if (request.method !== 'POST' || request.path !== '/v1/sessions' || !response.ok) return response;
        const old = free.shift();
        if (old === undefined) return response;
        const text = await response.text();
        const { id } = JSON.parse(text) as { id: string };
        real.set(old, id);
        return new Response(text.replaceAll(id, old), response);
      };
    }),
  mutant('ids-of-the-clock', 'the id is made of the second in which a session is created')
    .caughtBy('sessions.ids/of-those-there')
    .on('POST', '/v1/sessions', async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const body = (await response.json()) as Json;
      const id = `sess_${String(body.created_at).slice(0, -3)}`;
      return new Response(JSON.stringify({ ...body, id, session_id: id }), response);
    }),
];
