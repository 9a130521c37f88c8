import { mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { answer, chain, editJson, type Handler, on } from '../../proxy.ts';
import { codeOf, refusal, sessionAt } from '../../rewrites.ts';
import { shown } from './creation.ts';

const mutant = mutantsOf('sessions');
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

export const CHANGE_MUTANTS: readonly Mutant[] = [
  mutant(
    'update-replaces-all',
    'what an update does not give is taken away',
    ['sessions.update/title-alone', 'sessions.update/metadata-alone', 'sessions.update/tools-alone'],
    updates((body) => ({ title: null, metadata: null, tools: [], ...body })),
  ),
  mutant(
    'metadata-merged',
    'new metadata is added to the old',
    ['sessions.update/metadata-alone', 'sessions.update/together'],
    () =>
      on('POST', ONE, async ({ body, ids: [id = ''] }, forward) => {
        const { metadata } = (body ?? {}) as Json;
        if (typeof metadata !== 'object' || metadata === null) return forward();
        const before = await sessionAt(forward, id);
        return forward({ body: { ...(body as Json), metadata: { ...(before.metadata as Json), ...metadata } } });
      }),
  ),
  mutant(
    'null-keeps',
    'a title of null is taken as no title given',
    ['sessions.update/emptied'],
    updates(({ title, ...body }) => (title === null || title === undefined ? body : { ...body, title })),
  ),
  mutant(
    'update-answers-before',
    'the answer to an update shows the session as it was',
    ['sessions.update/answer-is-read', 'sessions.update/together'],
    () =>
      on('POST', ONE, async ({ ids: [id = ''] }, forward) => {
        const before = await sessionAt(forward, id);
        const response = await forward();
        return response.ok ? answer(response, JSON.stringify(before)) : response;
      }),
  ),
  mutant('update-is-new', 'an update makes the session a new one', ['sessions.update/identity-stays'], () =>
    on('POST', ONE, async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      return editJson(response, (session: Json) => ({ ...session, created_at: Number(session.created_at) + 60 }));
    }),
  ),
  mutant(
    'tools-in-characters',
    'tools are counted by their characters',
    ['sessions.tools/counted-as-estimated'],
    shown((session) => {
      const usage = session.usage as Record<string, number>;
      const tools_tokens =
        (session.tools as Json[]).length > 0 ? Math.ceil(JSON.stringify(session.tools).length / 4) : 0;
      return { ...session, usage: { ...usage, tools_tokens } };
    }),
  ),
  mutant(
    'no-tools-count',
    'an empty list of tools counts as a declaration of none',
    ['sessions.tools/none-counts-nothing'],
    shown((session) => {
      const usage = session.usage as Record<string, number>;
      if ((session.tools as Json[]).length > 0) return session;
      return { ...session, usage: { ...usage, tools_tokens: 5, total_tokens: (usage.total_tokens ?? 0) + 5 } };
    }),
  ),
  mutant(
    'tools-beyond-window',
    'tools that do not fit the window are cut to fit',
    ['sessions.tools/beyond-window-refused'],
    () =>
      on('POST', ONE, async ({ body }, forward) => {
        const response = await forward();
        if ((await codeOf(response)) !== 'context_window_exceeded') return response;
        return forward({ body: { ...(body as Json), tools: [] } });
      }),
  ),
  mutant(
    'pairs-cut',
    'metadata over the number of pairs is cut silently',
    ['sessions.metadata/pairs-over'],
    cutting((pairs) => pairs.slice(0, 16)),
  ),
  mutant(
    'keys-cut',
    'keys that are too long are cut silently',
    ['sessions.metadata/key-over'],
    cutting((pairs) => pairs.map(([key, value]) => [key.slice(0, 64), value])),
  ),
  mutant(
    'values-cut',
    'values that are too long are cut silently',
    ['sessions.metadata/value-over'],
    cutting((pairs) => pairs.map(([key, value]) => [key, value.slice(0, 512)])),
  ),
  mutant(
    'pairs-one-less',
    'one pair less than allowed is accepted',
    ['sessions.metadata/pairs-exact'],
    refuses((body) => metadataOf(body).length === 16),
  ),
  mutant(
    'keys-one-less',
    'keys of one character less than allowed are accepted',
    ['sessions.metadata/key-exact'],
    refuses((body) => metadataOf(body).some(([key]) => key.length === 64)),
  ),
  mutant(
    'values-one-less',
    'values of one character less than allowed are accepted',
    ['sessions.metadata/value-exact'],
    refuses((body) => metadataOf(body).some(([, value]) => value.length === 512)),
  ),
  mutant(
    'titles-converted',
    'numbers are taken as text',
    ['sessions.bad-fields/create-refused', 'sessions.bad-fields/update-refused'],
    bodies((body) => (typeof body.title === 'number' ? { ...body, title: String(body.title) } : body)),
  ),
  mutant(
    'strict-fields',
    'a field that is not known is refused',
    ['sessions.bad-fields/unknown-at-creation', 'sessions.bad-fields/unknown-later'],
    refuses((body) => Object.keys(body).some((key) => !KNOWN.has(key))),
  ),
  mutant(
    'hosted-agents-served',
    'the header of another product is ignored',
    [
      'sessions.hosted-agents/read-refused',
      'sessions.hosted-agents/create-refused',
      'sessions.hosted-agents/change-refused',
    ],
    () =>
      ({ headers: { 'kimi-api-version': _, ...headers } }, forward) =>
        forward({ headers }),
  ),
  mutant(
    'hosted-agents-unsaid',
    'requests of another product are refused without saying why',
    ['sessions.hosted-agents/says-why'],
    () =>
      async ({ headers }, forward) =>
        headers['kimi-api-version'] === undefined
          ? forward()
          : refusal('invalid_request', 'Invalid request: unknown version'),
  ),
];
