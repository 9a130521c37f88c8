import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, chain, editJsonResponse, editObjects, type Handler, type Json, on } from '../../proof/proxy.ts';
import { codeOf, editAnswers, editBodies, refusal, sessionAt } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { GONE_MUTANTS, SLOT_MUTANTS } from './lifetime-mutants.ts';

const mutant = mutantsOf('sessions', { bodies, creations, cutting, reads, refuses, shown, updates, usage });
const ONE = '/v1/sessions/:id';

/** Changes every session that is shown. */
function shown(edit: (session: Json) => Json): Handler {
  return editJsonResponse((body) =>
    editObjects(body, (object) => (object.object === 'session' ? edit(object) : object)),
  );
}

/** Changes what creations ask for. */
function creations(edit: (body: Json) => Json): Handler {
  return editBodies('POST', '/v1/sessions', edit);
}

/** Changes what is read of a session, and what other answers show of it stays. */
function reads(edit: (session: Json) => Json): Handler {
  return editAnswers('GET', '/v1/sessions/:id', edit);
}

function usage(edit: (usage: Json) => Json): Handler {
  return shown((session) => ({ ...session, usage: edit(session.usage as Json) }));
}

const nameOf = (tool: { function?: { name?: unknown } }) => String(tool.function?.name);

/** Of several tools that are the same, the first. */
function onceEach({ tools, ...body }: Json): Json {
  if (!Array.isArray(tools)) return { ...body, ...(tools !== undefined && { tools }) };
  return { ...body, tools: [...new Map(tools.map((tool) => [JSON.stringify(tool), tool])).values()] };
}

const kebab = (name: string) => name.replaceAll('_', '-');

/** Names a limit otherwise than it is in force. */
const misnames = (name: keyof typeof SMALL_LIMITS): Mutant =>
  mutant(`limit-${kebab(name)}-misnamed`, `${name} is named with its default instead of the limit in force`)
    .caughtBy(`sessions.limits/${kebab(name)}-declared`)
    .shown((session) => ({ ...session, limits: { ...(session.limits as Json), [name]: 1_048_576 } }));

const CREATION_MUTANTS = [
  mutant('no-session-id', 'a new session is named in `id` only')
    .caughtBy('sessions.create/returns-id')
    .shown(({ session_id, ...session }) => session),
  mutant('object-incomplete', 'members without a value are left out of the session')
    .caughtBy('sessions.create/whole')
    .shown((session) => Object.fromEntries(Object.entries(session).filter(([, value]) => value !== null))),
  mutant('ids-differ', '`session_id` is an id of another kind')
    .caughtBy('sessions.create/one-id')
    .shown((session) => ({ ...session, session_id: `${session.session_id}-0` })),
  mutant('title-made-up', 'a session without title is given one')
    .caughtBy('sessions.create/empty')
    .creations((body) => ({ title: 'New session', ...body })),
  mutant('default-prompt', 'a session begins with a system prompt that nobody wrote')
    .caughtBy('sessions.create/counts-nothing', 'sessions.fields/messages-in-order')
    .creations((body) => ({
      ...body,
      messages: [{ role: 'system', content: 'You are Kimi.' }, ...((body.messages ?? []) as Json[])],
    })),
  mutant('times-in-milliseconds', 'times are given in milliseconds')
    .caughtBy('sessions.create/times')
    .shown((session) => ({
      ...session,
      created_at: Number(session.created_at) * 1_000,
      updated_at: Number(session.updated_at) * 1_000,
    })),
  mutant('read-elsewhere', 'reads show a session with a title of its own')
    .caughtBy('sessions.create/read-back', 'sessions.fields/read-back', 'sessions.update/answer-is-read')
    .reads((session) => ({ ...session, title: 'Untitled' })),
  mutant('model-forgotten', 'every session says that it has the model of the server')
    .caughtBy('sessions.fields/model-kept', 'sessions.model/alias-accepted')
    .shown((session) => ({ ...session, model: 'kimi-latest' })),
  mutant('title-lowered', 'titles are kept in ASCII only')
    .caughtBy('sessions.fields/title-kept')
    .shown((session) =>
      typeof session.title === 'string' ? { ...session, title: session.title.replaceAll(/[^ -~]/g, '?') } : session,
    ),
  mutant('empty-values-dropped', 'metadata loses pairs whose value is empty')
    .caughtBy('sessions.fields/metadata-kept')
    .shown((session) => ({
      ...session,
      metadata: Object.fromEntries(Object.entries(session.metadata as Json).filter(([, value]) => value !== '')),
    })),
  mutant('tools-not-stored', 'tools that come with a creation are not stored')
    .caughtBy('sessions.fields/tools-kept usage-adds-up', 'sessions.tools/counted-as-estimated')
    .creations(({ tools, ...body }) => body),
  mutant('first-messages-reversed', 'the messages of a creation are written in reverse')
    .caughtBy('sessions.fields/messages-in-order')
    .creations((body) => (Array.isArray(body.messages) ? { ...body, messages: body.messages.toReversed() } : body)),
  mutant('total-without-tools', 'the total leaves the tools out')
    .caughtBy('sessions.fields/usage-adds-up', 'sessions.tools/counted-in-total')
    .usage((counted) => ({ ...counted, total_tokens: Number(counted.total_tokens) - Number(counted.tools_tokens) })),
  mutant('remaining-fixed', 'what remains of the window is always the whole of it')
    .caughtBy('sessions.fields/remaining-adds-up')
    .usage((counted) => ({ ...counted, remaining_tokens: SMALL_LIMITS.window_tokens })),
  mutant('alias-unknown', 'the short name of the model is not known')
    .caughtBy('sessions.model/alias-accepted')
    .on('POST', '/v1/sessions', ({ body }, forward) =>
      forward((body as Json | undefined)?.model === 'kimi-k2-0905' ? { body: { model: 'kimi-k2-of-old' } } : {}),
    ),
  mutant('any-model', 'a model that does not exist is replaced by the default')
    .caughtBy('sessions.model/unknown-refused')
    .creations(({ model, ...body }) => (String(model).includes('nowhere') ? body : { ...body, model })),
  mutant('model-reworded', 'a model that does not exist is refused in words of our own')
    .caughtBy('sessions.model/unknown-text')
    .editJsonResponse((body) =>
      JSON.parse(JSON.stringify(body).replace(/Not found the model (\S+) or Permission denied/, 'No such model: $1')),
    ),
  ...(['sessions', 'append_tokens', 'min_preserve_tokens', 'window_tokens', 'snapshots'] as const).map(misnames),
];

/** Changes what updates ask for. */
function updates(edit: (body: Json) => Json): Handler {
  return editBodies('POST', ONE, edit);
}

/** Changes the body of creations and updates alike. */
function bodies(edit: (body: Json) => Json): Handler {
  return chain(editBodies('POST', '/v1/sessions', edit), editBodies('POST', ONE, edit));
}

/** Refuses creations and updates that a true server would take. */
function refuses(isIt: (body: Json) => boolean): Handler {
  const meet = ({ body }: { body: unknown }, forward: () => Promise<Response>) =>
    isIt((body ?? {}) as Json) ? Promise.resolve(refusal('invalid_request')) : forward();
  return chain(on('POST', '/v1/sessions', meet), on('POST', ONE, meet));
}

const metadataOf = (body: Json) => Object.entries((body.metadata ?? {}) as Record<string, string>);

/** Takes as much metadata as fits, silently. */
function cutting(edit: (pairs: [string, string][]) => [string, string][]): Handler {
  return bodies((body) => {
    const pairs = metadataOf(body);
    const texts = pairs.length > 0 && pairs.every(([, value]) => typeof value === 'string');
    return texts ? { ...body, metadata: Object.fromEntries(edit(pairs)) } : body;
  });
}

const KNOWN = new Set(['model', 'title', 'metadata', 'tools', 'messages', 'snapshot_id', 'share_id', 'preserve_len']);

const CHANGE_MUTANTS = [
  mutant('update-replaces-all', 'what an update does not give is taken away')
    .caughtBy('sessions.update/title-alone metadata-alone tools-alone')
    .updates((body) => ({ title: null, metadata: null, tools: [], ...body })),
  mutant('metadata-merged', 'new metadata is added to the old')
    .caughtBy('sessions.update/metadata-alone together')
    .on('POST', ONE, async ({ body, ids: [id = ''] }, forward) => {
      const { metadata } = (body ?? {}) as Json;
      if (typeof metadata !== 'object' || metadata === null) return forward();
      const before = await sessionAt(forward, id);
      return forward({ body: { ...(body as Json), metadata: { ...(before.metadata as Json), ...metadata } } });
    }),
  mutant('null-keeps', 'a title of null is taken as no title given')
    .caughtBy('sessions.update/emptied')
    .updates(({ title, ...body }) => (title === null || title === undefined ? body : { ...body, title })),
  mutant('tools-sorted', 'tools of a creation are sorted by name')
    .caughtBy('sessions.fields/tools-kept')
    .creations(({ tools, ...body }) => ({
      ...body,
      ...(Array.isArray(tools) && { tools: tools.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1)) }),
    })),
  mutant('tool-members-lost', 'an update keeps of tools what the server knows')
    .caughtBy('sessions.update/tools-alone together')
    .updates(({ tools, ...body }) => ({
      ...body,
      ...(Array.isArray(tools) && {
        tools: tools.map(({ function: { x_made_up: _, ...known }, ...tool }) => ({ ...tool, function: known })),
      }),
    })),
  mutant('null-tools-cleared', 'tools of null take the tools of a session away')
    .caughtBy('sessions.update/null-tools')
    .updates((body) => (body.tools === null ? { ...body, tools: [] } : body)),
  mutant('tools-twice-updated', 'two tools of one name are taken as one in an update')
    .caughtBy('sessions.bad-fields/tools-twice-later')
    .updates(onceEach),
  mutant('tools-twice-created', 'two tools of one name are taken as one at a creation')
    .caughtBy('sessions.bad-fields/tools-twice-at-creation')
    .creations(onceEach),
  mutant('update-answers-before', 'the answer to an update shows the session as it was')
    .caughtBy('sessions.update/answer-is-read together')
    .on('POST', ONE, async ({ ids: [id = ''] }, forward) => {
      const before = await sessionAt(forward, id);
      const response = await forward();
      return response.ok ? answer(response, JSON.stringify(before)) : response;
    }),
  mutant('update-is-new', 'an update makes the session a new one')
    .caughtBy('sessions.update/identity-stays')
    .editAnswers('POST', ONE, (session) => ({ ...session, created_at: Number(session.created_at) + 60 })),
  mutant('tools-in-characters', 'tools are counted by their characters')
    .caughtBy('sessions.tools/counted-as-estimated')
    .shown((session) => {
      const usage = session.usage as Record<string, number>;
      const tools_tokens =
        (session.tools as Json[]).length > 0 ? Math.ceil(JSON.stringify(session.tools).length / 4) : 0;
      return { ...session, usage: { ...usage, tools_tokens } };
    }),
  mutant('no-tools-count', 'an empty list of tools counts as a declaration of none')
    .caughtBy('sessions.tools/none-counts-nothing')
    .shown((session) => {
      const usage = session.usage as Record<string, number>;
      if ((session.tools as Json[]).length > 0) return session;
      return { ...session, usage: { ...usage, tools_tokens: 5, total_tokens: (usage.total_tokens ?? 0) + 5 } };
    }),
  mutant('tools-beyond-window', 'tools that do not fit the window are cut to fit')
    .caughtBy('sessions.tools/beyond-window-refused')
    .on('POST', ONE, async ({ body }, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'context_window_exceeded') return response;
      return forward({ body: { ...(body as Json), tools: [] } });
    }),
  mutant('pairs-cut', 'metadata over the number of pairs is cut silently')
    .caughtBy('sessions.metadata/pairs-over')
    .cutting((pairs) => pairs.slice(0, 16)),
  mutant('keys-cut', 'keys that are too long are cut silently')
    .caughtBy('sessions.metadata/key-over')
    .cutting((pairs) => pairs.map(([key, value]) => [key.slice(0, 64), value])),
  mutant('values-cut', 'values that are too long are cut silently')
    .caughtBy('sessions.metadata/value-over')
    .cutting((pairs) => pairs.map(([key, value]) => [key, value.slice(0, 512)])),
  mutant('pairs-one-less', 'one pair less than allowed is accepted')
    .caughtBy('sessions.metadata/pairs-exact')
    .refuses((body) => metadataOf(body).length === 16),
  mutant('keys-one-less', 'keys of one character less than allowed are accepted')
    .caughtBy('sessions.metadata/key-exact')
    .refuses((body) => metadataOf(body).some(([key]) => key.length === 64)),
  mutant('values-one-less', 'values of one character less than allowed are accepted')
    .caughtBy('sessions.metadata/value-exact')
    .refuses((body) => metadataOf(body).some(([, value]) => value.length === 512)),
  mutant('titles-converted', 'numbers are taken as text')
    .caughtBy('sessions.bad-fields/create-refused update-refused')
    .bodies((body) => (typeof body.title === 'number' ? { ...body, title: String(body.title) } : body)),
  mutant('strict-fields', 'a field that is not known is refused')
    .caughtBy('sessions.bad-fields/unknown-at-creation unknown-later')
    .refuses((body) => Object.keys(body).some((key) => !KNOWN.has(key))),
  mutant('hosted-agents-served', 'the header of another product is ignored')
    .caughtBy('sessions.hosted-agents/read-refused create-refused change-refused')
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

export const SESSIONS_MUTANTS: readonly Mutant[] = [
  mutant('title-trimmed', 'blanks around a title are lost')
    .caughtBy('sessions.fields/title-kept')
    .on('POST', '/v1/sessions', ({ body }, forward) => {
      const { title } = (body ?? {}) as { title?: unknown };
      return typeof title === 'string' ? forward({ body: { ...(body as object), title: title.trim() } }) : forward();
    }),
  ...(['lower-case', 'composed'] as const).map((how) =>
    mutant(`metadata-${how}`, `metadata is stored ${how}`)
      .caughtBy('sessions.fields/metadata-kept')
      .on('POST', '/v1/sessions', ({ body }, forward) => {
        const { metadata } = (body ?? {}) as { metadata?: object };
        if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return forward();
        const text = JSON.stringify(metadata);
        const stored = how === 'composed' ? text.normalize('NFC') : text.toLowerCase();
        return forward({ body: { ...(body as object), metadata: JSON.parse(stored) as object } });
      }),
  ),
  ...CREATION_MUTANTS,
  ...CHANGE_MUTANTS,
  ...SLOT_MUTANTS,
  ...GONE_MUTANTS,
];
