import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { mutantsOf } from '../../chats.ts';
import { deep, type Json, jsonAnswers } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { answer, editJson, type Handler, on } from '../../proxy.ts';
import { codeOf, refusal } from '../../rewrites.ts';

const mutant = mutantsOf('sessions');

/** Changes every session that is shown. */
export function shown(edit: (session: Json) => Json): () => Handler {
  return () => jsonAnswers((body) => deep(body, (object) => (object.object === 'session' ? edit(object) : object)));
}

/** Changes what creations ask for. */
export function creations(edit: (body: Json) => Json): () => Handler {
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
  mutant(
    `limit-${kebab(name)}-misnamed`,
    `${name} is named with its default instead of the limit in force`,
    [`sessions.limits/${kebab(name)}-declared`],
    shown((session) => ({ ...session, limits: { ...(session.limits as Json), [name]: 1_048_576 } })),
  );

export const CREATION_MUTANTS: readonly Mutant[] = [
  mutant(
    'no-session-id',
    'a new session is named in `id` only',
    ['sessions.create/returns-id'],
    shown(({ session_id, ...session }) => session),
  ),
  mutant(
    'object-incomplete',
    'members without a value are left out of the session',
    ['sessions.create/whole'],
    shown((session) => Object.fromEntries(Object.entries(session).filter(([, value]) => value !== null))),
  ),
  mutant(
    'ids-differ',
    '`session_id` is an id of another kind',
    ['sessions.create/one-id'],
    shown((session) => ({ ...session, session_id: `${session.session_id}-0` })),
  ),
  mutant(
    'title-made-up',
    'a session without title is given one',
    ['sessions.create/empty'],
    creations((body) => ({ title: 'New session', ...body })),
  ),
  mutant(
    'default-prompt',
    'a session begins with a system prompt that nobody wrote',
    ['sessions.create/counts-nothing', 'sessions.fields/messages-in-order'],
    creations((body) => ({
      ...body,
      messages: [{ role: 'system', content: 'You are Kimi.' }, ...((body.messages ?? []) as Json[])],
    })),
  ),
  mutant(
    'times-in-milliseconds',
    'times are given in milliseconds',
    ['sessions.create/times'],
    shown((session) => ({
      ...session,
      created_at: Number(session.created_at) * 1_000,
      updated_at: Number(session.updated_at) * 1_000,
    })),
  ),
  mutant(
    'read-elsewhere',
    'reads show a session with a title of its own',
    ['sessions.create/read-back', 'sessions.fields/read-back', 'sessions.update/answer-is-read'],
    reads((session) => ({ ...session, title: 'Untitled' })),
  ),
  mutant(
    'model-forgotten',
    'every session says that it has the model of the server',
    ['sessions.fields/model-kept', 'sessions.model/alias-accepted'],
    shown((session) => ({ ...session, model: 'kimi-latest' })),
  ),
  mutant(
    'title-lowered',
    'titles are kept in ASCII only',
    ['sessions.fields/title-kept'],
    shown((session) =>
      typeof session.title === 'string' ? { ...session, title: session.title.replaceAll(/[^ -~]/g, '?') } : session,
    ),
  ),
  mutant(
    'empty-values-dropped',
    'metadata loses pairs whose value is empty',
    ['sessions.fields/metadata-kept'],
    shown((session) => ({
      ...session,
      metadata: Object.fromEntries(Object.entries(session.metadata as Json).filter(([, value]) => value !== '')),
    })),
  ),
  mutant(
    'tools-not-stored',
    'tools that come with a creation are not stored',
    ['sessions.fields/tools-kept', 'sessions.fields/usage-adds-up', 'sessions.tools/counted-as-estimated'],
    creations(({ tools, ...body }) => body),
  ),
  mutant(
    'first-messages-reversed',
    'the messages of a creation are written in reverse',
    ['sessions.fields/messages-in-order'],
    creations((body) => (Array.isArray(body.messages) ? { ...body, messages: body.messages.toReversed() } : body)),
  ),
  mutant(
    'total-without-tools',
    'the total leaves the tools out',
    ['sessions.fields/usage-adds-up', 'sessions.tools/counted-in-total'],
    usage((counted) => ({ ...counted, total_tokens: Number(counted.total_tokens) - Number(counted.tools_tokens) })),
  ),
  mutant(
    'remaining-fixed',
    'what remains of the window is always the whole of it',
    ['sessions.fields/remaining-adds-up'],
    usage((counted) => ({ ...counted, remaining_tokens: SMALL_LIMITS.window_tokens })),
  ),
  mutant(
    'first-messages-one-by-one',
    'the messages of a creation are each a write of their own',
    ['sessions.first-messages/over-refused'],
    () =>
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
  mutant(
    'first-messages-half',
    'the first write may be half as large as others',
    ['sessions.first-messages/exact-accepted'],
    () =>
      on('POST', '/v1/sessions', ({ body }, forward) => {
        const { messages = [] } = (body ?? {}) as { messages?: { content?: unknown }[] };
        return messages.length > 1 &&
          messages.every(({ content }) => String(content).length > SMALL_LIMITS.append_tokens)
          ? Promise.resolve(refusal('append_too_large'))
          : forward();
      }),
  ),
  mutant('alias-unknown', 'the short name of the model is not known', ['sessions.model/alias-accepted'], () =>
    on('POST', '/v1/sessions', ({ body }, forward) =>
      forward((body as Json | undefined)?.model === 'kimi-k2-0905' ? { body: { model: 'kimi-k2-of-old' } } : {}),
    ),
  ),
  mutant(
    'any-model',
    'a model that does not exist is replaced by the default',
    ['sessions.model/unknown-refused'],
    creations(({ model, ...body }) => (String(model).includes('nowhere') ? body : { ...body, model })),
  ),
  mutant(
    'model-reworded',
    'a model that does not exist is refused in words of our own',
    ['sessions.model/unknown-text'],
    () =>
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
