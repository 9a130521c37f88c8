import { deep, type Json, jsonAnswers } from '../../proof/edits.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, chain, editJson, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { codeOf, refusal, sessionAt } from '../../proof/rewrites.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { SESSION_CHANGES } from '../../wire/changes.ts';

const mutant = mutantsOf('sessions');

/** Changes every session that is shown. */
function shown(edit: (session: Json) => Json): () => Handler {
  return () => jsonAnswers((body) => deep(body, (object) => (object.object === 'session' ? edit(object) : object)));
}

/** Changes what creations ask for. */
function creations(edit: (body: Json) => Json): () => Handler {
  return () => on('POST', '/v1/sessions', ({ body }, forward) => forward({ body: edit((body ?? {}) as Json) }));
}

/** Changes what is read of a session, and what other answers show of it stays. */
function reads(edit: (session: Json) => Json): () => Handler {
  return () =>
    on('GET', '/v1/sessions/:id', async (_, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, edit) : response;
    });
}

const usage = (edit: (usage: Json) => Json) => shown((session) => ({ ...session, usage: edit(session.usage as Json) }));

const kebab = (name: string) => name.replaceAll('_', '-');

/** Names a limit otherwise than it is in force. */
const misnames = (name: keyof typeof SMALL_LIMITS): Mutant =>
  mutant(`limit-${kebab(name)}-misnamed`, `${name} is named with its default instead of the limit in force`)
    .caughtBy(`sessions.limits/${kebab(name)}-declared`)
    .proxy(shown((session) => ({ ...session, limits: { ...(session.limits as Json), [name]: 1_048_576 } })));

const CREATION_MUTANTS = [
  mutant('no-session-id', 'a new session is named in `id` only')
    .caughtBy('sessions.create/returns-id')
    .proxy(shown(({ session_id, ...session }) => session)),
  mutant('object-incomplete', 'members without a value are left out of the session')
    .caughtBy('sessions.create/whole')
    .proxy(shown((session) => Object.fromEntries(Object.entries(session).filter(([, value]) => value !== null)))),
  mutant('ids-differ', '`session_id` is an id of another kind')
    .caughtBy('sessions.create/one-id')
    .proxy(shown((session) => ({ ...session, session_id: `${session.session_id}-0` }))),
  mutant('title-made-up', 'a session without title is given one')
    .caughtBy('sessions.create/empty')
    .proxy(creations((body) => ({ title: 'New session', ...body }))),
  mutant('default-prompt', 'a session begins with a system prompt that nobody wrote')
    .caughtBy('sessions.create/counts-nothing', 'sessions.fields/messages-in-order')
    .proxy(
      creations((body) => ({
        ...body,
        messages: [{ role: 'system', content: 'You are Kimi.' }, ...((body.messages ?? []) as Json[])],
      })),
    ),
  mutant('times-in-milliseconds', 'times are given in milliseconds')
    .caughtBy('sessions.create/times')
    .proxy(
      shown((session) => ({
        ...session,
        created_at: Number(session.created_at) * 1_000,
        updated_at: Number(session.updated_at) * 1_000,
      })),
    ),
  mutant('read-elsewhere', 'reads show a session with a title of its own')
    .caughtBy('sessions.create/read-back', 'sessions.fields/read-back', 'sessions.update/answer-is-read')
    .proxy(reads((session) => ({ ...session, title: 'Untitled' }))),
  mutant('model-forgotten', 'every session says that it has the model of the server')
    .caughtBy('sessions.fields/model-kept', 'sessions.model/alias-accepted')
    .proxy(shown((session) => ({ ...session, model: 'kimi-latest' }))),
  mutant('title-lowered', 'titles are kept in ASCII only')
    .caughtBy('sessions.fields/title-kept')
    .proxy(
      shown((session) =>
        typeof session.title === 'string' ? { ...session, title: session.title.replaceAll(/[^ -~]/g, '?') } : session,
      ),
    ),
  mutant('empty-values-dropped', 'metadata loses pairs whose value is empty')
    .caughtBy('sessions.fields/metadata-kept')
    .proxy(
      shown((session) => ({
        ...session,
        metadata: Object.fromEntries(Object.entries(session.metadata as Json).filter(([, value]) => value !== '')),
      })),
    ),
  mutant('tools-not-stored', 'tools that come with a creation are not stored')
    .caughtBy('sessions.fields/tools-kept', 'sessions.fields/usage-adds-up', 'sessions.tools/counted-as-estimated')
    .proxy(creations(({ tools, ...body }) => body)),
  mutant('first-messages-reversed', 'the messages of a creation are written in reverse')
    .caughtBy('sessions.fields/messages-in-order')
    .proxy(
      creations((body) => (Array.isArray(body.messages) ? { ...body, messages: body.messages.toReversed() } : body)),
    ),
  mutant('total-without-tools', 'the total leaves the tools out')
    .caughtBy('sessions.fields/usage-adds-up', 'sessions.tools/counted-in-total')
    .proxy(
      usage((counted) => ({ ...counted, total_tokens: Number(counted.total_tokens) - Number(counted.tools_tokens) })),
    ),
  mutant('remaining-fixed', 'what remains of the window is always the whole of it')
    .caughtBy('sessions.fields/remaining-adds-up')
    .proxy(usage((counted) => ({ ...counted, remaining_tokens: SMALL_LIMITS.window_tokens }))),
  mutant('first-messages-one-by-one', 'the messages of a creation are each a write of their own')
    .caughtBy('sessions.first-messages/over-refused')
    .proxy(() =>
      on('POST', '/v1/sessions', async ({ body, path }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'append_too_large') return response;
        const { messages, ...rest } = body as { messages: Json[] };
        const created = await forward({ body: rest });
        const { id } = (await created.clone().json()) as { id: string };
        for (const message of messages) await forward({ path: `${path}/${id}/messages`, body: message });
        return answer(created, await (await forward({ method: 'GET', path: `${path}/${id}`, body: undefined })).text());
      }),
    ),
  mutant('first-messages-half', 'the first write may be half as large as others')
    .caughtBy('sessions.first-messages/exact-accepted')
    .proxy(() =>
      on('POST', '/v1/sessions', ({ body }, forward) => {
        const { messages = [] } = (body ?? {}) as { messages?: { content?: unknown }[] };
        return messages.length > 1 &&
          messages.every(({ content }) => String(content).length > SMALL_LIMITS.append_tokens)
          ? Promise.resolve(refusal('append_too_large'))
          : forward();
      }),
    ),
  mutant('alias-unknown', 'the short name of the model is not known')
    .caughtBy('sessions.model/alias-accepted')
    .proxy(() =>
      on('POST', '/v1/sessions', ({ body }, forward) =>
        forward((body as Json | undefined)?.model === 'kimi-k2-0905' ? { body: { model: 'kimi-k2-of-old' } } : {}),
      ),
    ),
  mutant('any-model', 'a model that does not exist is replaced by the default')
    .caughtBy('sessions.model/unknown-refused')
    .proxy(creations(({ model, ...body }) => (String(model).includes('nowhere') ? body : { ...body, model }))),
  mutant('model-reworded', 'a model that does not exist is refused in words of our own')
    .caughtBy('sessions.model/unknown-text')
    .proxy(() =>
      jsonAnswers((body) =>
        JSON.parse(JSON.stringify(body).replace(/Not found the model (\S+) or Permission denied/, 'No such model: $1')),
      ),
    ),
  misnames('sessions'),
  misnames('append_tokens'),
  misnames('min_preserve_tokens'),
  misnames('window_tokens'),
  misnames('snapshots'),
];

const ONE = '/v1/sessions/:id';

/** Changes what updates ask for. */
function updates(edit: (body: Json) => Json): () => Handler {
  return () => on('POST', ONE, ({ body }, forward) => forward({ body: edit((body ?? {}) as Json) }));
}

/** Changes the body of creations and updates alike. */
function bodies(edit: (body: Json) => Json): () => Handler {
  return () =>
    chain(
      on('POST', '/v1/sessions', ({ body }, forward) => forward({ body: edit((body ?? {}) as Json) })),
      on('POST', ONE, ({ body }, forward) => forward({ body: edit((body ?? {}) as Json) })),
    );
}

/** Refuses creations and updates that a true server would take. */
function refuses(isIt: (body: Json) => boolean): () => Handler {
  const meet = ({ body }: { body: unknown }, forward: () => Promise<Response>) =>
    isIt((body ?? {}) as Json) ? Promise.resolve(refusal('invalid_request')) : forward();
  return () => chain(on('POST', '/v1/sessions', meet), on('POST', ONE, meet));
}

const metadataOf = (body: Json) => Object.entries((body.metadata ?? {}) as Record<string, string>);

/** Takes as much metadata as fits, silently. */
const cutting = (edit: (pairs: [string, string][]) => [string, string][]) =>
  bodies((body) => {
    const pairs = metadataOf(body);
    const texts = pairs.length > 0 && pairs.every(([, value]) => typeof value === 'string');
    return texts ? { ...body, metadata: Object.fromEntries(edit(pairs)) } : body;
  });

const KNOWN = new Set(['model', 'title', 'metadata', 'tools', 'messages', 'snapshot_id', 'share_id', 'preserve_len']);

const CHANGE_MUTANTS = [
  mutant('update-replaces-all', 'what an update does not give is taken away')
    .caughtBy('sessions.update/title-alone', 'sessions.update/metadata-alone', 'sessions.update/tools-alone')
    .proxy(updates((body) => ({ title: null, metadata: null, tools: [], ...body }))),
  mutant('metadata-merged', 'new metadata is added to the old')
    .caughtBy('sessions.update/metadata-alone', 'sessions.update/together')
    .proxy(() =>
      on('POST', ONE, async ({ body, ids: [id = ''] }, forward) => {
        const { metadata } = (body ?? {}) as Json;
        if (typeof metadata !== 'object' || metadata === null) return forward();
        const before = await sessionAt(forward, id);
        return forward({ body: { ...(body as Json), metadata: { ...(before.metadata as Json), ...metadata } } });
      }),
    ),
  mutant('null-keeps', 'a title of null is taken as no title given')
    .caughtBy('sessions.update/emptied')
    .proxy(updates(({ title, ...body }) => (title === null || title === undefined ? body : { ...body, title }))),
  mutant('update-answers-before', 'the answer to an update shows the session as it was')
    .caughtBy('sessions.update/answer-is-read', 'sessions.update/together')
    .proxy(() =>
      on('POST', ONE, async ({ ids: [id = ''] }, forward) => {
        const before = await sessionAt(forward, id);
        const response = await forward();
        return response.ok ? answer(response, JSON.stringify(before)) : response;
      }),
    ),
  mutant('update-is-new', 'an update makes the session a new one')
    .caughtBy('sessions.update/identity-stays')
    .proxy(() =>
      on('POST', ONE, async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        return editJson(response, (session: Json) => ({ ...session, created_at: Number(session.created_at) + 60 }));
      }),
    ),
  mutant('tools-in-characters', 'tools are counted by their characters')
    .caughtBy('sessions.tools/counted-as-estimated')
    .proxy(
      shown((session) => {
        const usage = session.usage as Record<string, number>;
        const tools_tokens =
          (session.tools as Json[]).length > 0 ? Math.ceil(JSON.stringify(session.tools).length / 4) : 0;
        return { ...session, usage: { ...usage, tools_tokens } };
      }),
    ),
  mutant('no-tools-count', 'an empty list of tools counts as a declaration of none')
    .caughtBy('sessions.tools/none-counts-nothing')
    .proxy(
      shown((session) => {
        const usage = session.usage as Record<string, number>;
        if ((session.tools as Json[]).length > 0) return session;
        return { ...session, usage: { ...usage, tools_tokens: 5, total_tokens: (usage.total_tokens ?? 0) + 5 } };
      }),
    ),
  mutant('tools-beyond-window', 'tools that do not fit the window are cut to fit')
    .caughtBy('sessions.tools/beyond-window-refused')
    .proxy(() =>
      on('POST', ONE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        return forward({ body: { ...(body as Json), tools: [] } });
      }),
    ),
  mutant('pairs-cut', 'metadata over the number of pairs is cut silently')
    .caughtBy('sessions.metadata/pairs-over')
    .proxy(cutting((pairs) => pairs.slice(0, 16))),
  mutant('keys-cut', 'keys that are too long are cut silently')
    .caughtBy('sessions.metadata/key-over')
    .proxy(cutting((pairs) => pairs.map(([key, value]) => [key.slice(0, 64), value]))),
  mutant('values-cut', 'values that are too long are cut silently')
    .caughtBy('sessions.metadata/value-over')
    .proxy(cutting((pairs) => pairs.map(([key, value]) => [key, value.slice(0, 512)]))),
  mutant('pairs-one-less', 'one pair less than allowed is accepted')
    .caughtBy('sessions.metadata/pairs-exact')
    .proxy(refuses((body) => metadataOf(body).length === 16)),
  mutant('keys-one-less', 'keys of one character less than allowed are accepted')
    .caughtBy('sessions.metadata/key-exact')
    .proxy(refuses((body) => metadataOf(body).some(([key]) => key.length === 64))),
  mutant('values-one-less', 'values of one character less than allowed are accepted')
    .caughtBy('sessions.metadata/value-exact')
    .proxy(refuses((body) => metadataOf(body).some(([, value]) => value.length === 512))),
  mutant('titles-converted', 'numbers are taken as text')
    .caughtBy('sessions.bad-fields/create-refused', 'sessions.bad-fields/update-refused')
    .proxy(bodies((body) => (typeof body.title === 'number' ? { ...body, title: String(body.title) } : body))),
  mutant('strict-fields', 'a field that is not known is refused')
    .caughtBy('sessions.bad-fields/unknown-at-creation', 'sessions.bad-fields/unknown-later')
    .proxy(refuses((body) => Object.keys(body).some((key) => !KNOWN.has(key)))),
  mutant('hosted-agents-served', 'the header of another product is ignored')
    .caughtBy(
      'sessions.hosted-agents/read-refused',
      'sessions.hosted-agents/create-refused',
      'sessions.hosted-agents/change-refused',
    )
    .proxy(
      () =>
        ({ headers: { 'kimi-api-version': _, ...headers } }, forward) =>
          forward({ headers }),
    ),
  mutant('hosted-agents-unsaid', 'requests of another product are refused without saying why')
    .caughtBy('sessions.hosted-agents/says-why')
    .proxy(
      () =>
        async ({ headers }, forward) =>
          headers['kimi-api-version'] === undefined
            ? forward()
            : refusal('invalid_request', 'Invalid request: unknown version'),
    ),
];

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

const GONE_MUTANTS = [
  mutant('delete-marks-only', 'a deleted session is hidden from its own route, and every other route still works')
    .caughtBy('sessions.delete/messages-not-read', ...DELETED_ROUTES.filter((id) => !/title|tools/.test(id)))
    .proxy(softDelete((_, path) => isOne(path))),
  mutant('deleted-still-answers', 'a deleted session still answers')
    .caughtBy('sessions.delete/not-read', 'sessions.delete/messages-not-read', ...DELETED_ROUTES)
    .proxy(softDelete(() => false)),
  mutant('deleted-made-anew', 'an update of a deleted session makes it anew')
    .caughtBy('sessions.deleted-title/not-found', 'sessions.deleted-tools/not-found', 'sessions.unknown/not-changed')
    .proxy(() =>
      on('POST', ONE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'session_not_found') return response;
        return forward({ path: '/v1/sessions', body });
      }),
    ),
  mutant('delete-answers-nothing', 'a deletion is answered without a body')
    .caughtBy('sessions.delete/answer')
    .proxy(() =>
      on('DELETE', ONE, async (_, forward) => {
        const response = await forward();
        return response.ok ? new Response(null, { status: 204 }) : response;
      }),
    ),
  mutant('second-delete-breaks', 'deleting for the second time breaks the server')
    .caughtBy('sessions.delete/again-not-found', 'sessions.unknown/not-deleted')
    .proxy(() =>
      on('DELETE', ONE, async (_, forward) => {
        const response = await forward();
        return response.ok
          ? response
          : json({ error: { message: 'row is undefined', type: 'unexpected_output' } }, 500);
      }),
    ),
  mutant('delete-of-nothing', 'deleting what is not there succeeds')
    .caughtBy('sessions.delete/again-not-found', 'sessions.unknown/not-deleted')
    .proxy(() =>
      on('DELETE', ONE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        return response.ok ? response : json({ id, object: 'session.deleted', deleted: true });
      }),
    ),
  mutant('unknown-is-empty', 'an id that no session has is read as an empty session')
    .caughtBy('sessions.unknown/not-read', 'sessions.unknown/not-changed', 'sessions.delete/not-read')
    .proxy(() =>
      on('GET', ONE, async (_, forward) => {
        const response = await forward();
        return response.ok ? response : json({ object: 'session', usage: { total_tokens: 0 } });
      }),
    ),
  mutant('chat-creates', 'a chat with an id that no session has makes a session and goes on')
    .caughtBy(
      'sessions.chat-unknown/refused',
      'sessions.chat-unknown/stream-refused',
      'sessions.chat-unknown/none-made',
      'sessions.deleted-chat/not-found',
    )
    .proxy(() =>
      on('POST', CHAT, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'session_not_found') return response;
        const created = await forward({ path: '/v1/sessions', body: {} });
        const { id } = (await created.json()) as { id: string };
        return forward({ body: { ...(body as Json), session_id: id } });
      }),
    ),
  mutant('chat-creates-and-refuses', 'a chat with an id that no session has is refused, and leaves a session behind')
    .caughtBy('sessions.chat-unknown/none-made')
    .proxy(() =>
      on('POST', CHAT, async (_, forward) => {
        const response = await forward();
        if ((await codeOf(response)) === 'session_not_found') await forward({ path: '/v1/sessions', body: {} });
        return response;
      }),
    ),
  mutant('stream-breaks-late', 'a streamed chat in no session is answered with a stream that holds the error')
    .caughtBy('sessions.chat-unknown/stream-refused')
    .proxy(() =>
      on('POST', CHAT, async ({ body }, forward) => {
        const response = await forward();
        if (response.ok || (body as Json).stream !== true) return response;
        return new Response(`data: ${await response.text()}\n\ndata: [DONE]\n\n`, {
          headers: { 'Content-Type': 'text/event-stream' },
        });
      }),
    ),
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
    .caughtBy(
      'sessions.independent/update-stays-in-one',
      'sessions.independent/delete-stays-in-one',
      'sessions.delete/other-stays',
    )
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
function counting({ freed }: { freed: number }): () => Handler {
  return () => {
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
  };
}

const SLOT_MUTANTS = [
  mutant('one-too-many', 'one session more than the limit is accepted')
    .caughtBy('sessions.capacity/over-refused')
    .limits({ sessions: limit + 1 }),
  mutant('one-too-few', 'the last session of the limit is refused')
    .caughtBy('sessions.capacity/exact-accepted', 'sessions.race/slots-filled')
    .limits({ sessions: limit - 1 }),
  mutant('race-past-limit', 'creations at the same time each see the slot that is free, and race past the limit')
    .caughtBy('sessions.race/no-more-than-slots', 'sessions.race/full-after')
    .limits({ sessions: 1_000 }, counting({ freed: 1 })),
  mutant('delete-frees-two', 'a deletion is counted twice')
    .caughtBy('sessions.capacity/full-again')
    .limits({ sessions: 1_000 }, counting({ freed: 2 })),
  mutant('delete-frees-none', 'a deleted session keeps its slot')
    .caughtBy('sessions.capacity/delete-frees')
    .limits({ sessions: 1_000 }, counting({ freed: 0 })),
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
  mutant('race-limited-rate', 'the limit is told as too many requests where creations come at once')
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
    .proxy(() =>
      on('POST', '/v1/sessions', async (_, forward) => {
        const response = await forward();
        const code = await codeOf(response);
        if (code !== undefined && code !== 'session_limit_reached') await forward({ body: {} });
        return response;
      }),
    ),
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
    .proxy(() =>
      on('POST', '/v1/sessions', async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const body = (await response.json()) as Json;
        const id = `sess_${String(body.created_at).slice(0, -3)}`;
        return new Response(JSON.stringify({ ...body, id, session_id: id }), response);
      }),
    ),
];

export const SESSIONS_MUTANTS: readonly Mutant[] = [
  ...CREATION_MUTANTS,
  ...CHANGE_MUTANTS,
  ...SLOT_MUTANTS,
  ...GONE_MUTANTS,
];
