import { SESSION_CHANGES } from '../../../wire/changes.ts';
import { mutantsOf } from '../../chats.ts';
import { isEvents } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { editText, type Handler, json, type Passing } from '../../proxy.ts';
import { KEY } from './keys.ts';

const mutant = mutantsOf('idempotency');
type Kills = readonly [string, ...string[]];

const REPEATABLE = new Set(['append', 'append-several', 'rollback', 'chat']);
const each = (check: string, names: readonly string[] = SESSION_CHANGES.map(({ name }) => name)) =>
  names.map((name) => `idempotency.${name}/${check}`);

/** Takes the key off requests. */
function forgetting(isIt: (request: Passing) => boolean): () => Handler {
  return () => (request, forward) => {
    const { [KEY]: _, ...headers } = request.headers;
    return isIt(request) ? forward({ headers }) : forward();
  };
}

/** Changes answers that are stored ones. */
function replays(edit: (response: Response) => Response | Promise<Response>): () => Handler {
  return () => async (_, forward) => {
    const response = await forward();
    return response.headers.has('idempotent-replayed') ? edit(response) : response;
  };
}

function without(response: Response, name: string): Response {
  const headers = new Headers(response.headers);
  headers.delete(name);
  return new Response(response.body, { status: response.status, headers });
}

const MARKED = [
  'idempotency.create/marked',
  'idempotency.snapshot/marked',
  'idempotency.delete/session-marked',
  'idempotency.stream/marked',
  ...each('marked'),
] as unknown as Kills;

export const REPLAY_MUTANTS: readonly Mutant[] = [
  mutant(
    'keys-ignored',
    'keys are ignored',
    [
      'idempotency.create/same-answer',
      'idempotency.create/once',
      'idempotency.snapshot/same-answer',
      'idempotency.snapshot/once',
      ...each('same-answer'),
      ...each('once', [...REPEATABLE]),
      'idempotency.race/append-once',
      'idempotency.race/replayed-after',
    ] as unknown as Kills,
    forgetting(() => true),
  ),
  mutant(
    'keys-of-posts-only',
    'keys are ignored on deletions',
    ['idempotency.delete/session-same-answer', 'idempotency.delete/snapshot-same-answer'],
    forgetting(({ method }) => method === 'DELETE'),
  ),
  mutant(
    'keys-of-writes-only',
    'keys are heeded on writes of messages only',
    ['idempotency.create/once', 'idempotency.rollback/once', 'idempotency.chat/once'],
    forgetting(({ path }) => !path.endsWith('/messages')),
  ),
  mutant(
    'deletion-always-succeeds',
    'deleting what is gone succeeds, key or not',
    ['idempotency.delete/session-without-key'],
    () =>
      async ({ method, path }, forward) => {
        const response = await forward();
        if (method !== 'DELETE' || response.status !== 404) return response;
        return json({ id: path.split('/').at(-1), object: 'session.deleted', deleted: true });
      },
  ),
  mutant(
    'replays-unmarked',
    'a stored answer does not say that it is one',
    MARKED,
    replays((response) => without(response, 'idempotent-replayed')),
  ),
  mutant(
    'all-marked',
    'every answer to a request with a key says that it is a stored one',
    MARKED,
    () =>
      async ({ headers }, forward) => {
        const response = await forward();
        if (headers[KEY] === undefined || !response.ok) return response;
        const marked = new Headers(response.headers);
        marked.set('Idempotent-Replayed', 'true');
        return new Response(response.body, { status: response.status, headers: marked });
      },
  ),
  mutant(
    'replays-without-etag',
    'a stored answer has lost its version',
    each('same-answer') as unknown as Kills,
    replays((response) => without(response, 'etag')),
  ),
  mutant(
    'replays-empty',
    'that a request was carried out is remembered, and not what it was answered',
    ['idempotency.create/same-answer', 'idempotency.append/same-answer', 'idempotency.delete/session-same-answer'],
    replays((response) => new Response('{}', response)),
  ),
  mutant(
    'stream-replayed-whole',
    'a streamed chat is answered again as one body',
    ['idempotency.stream/streams-again'],
    replays(async (response) =>
      isEvents(response) ? json({ object: 'chat.completion' }, 200, { 'Idempotent-Replayed': 'true' }) : response,
    ),
  ),
  mutant(
    'stream-replay-renamed',
    'a stream that is sent again is a completion with an id of its own',
    ['idempotency.stream/same-reply'],
    replays((response) => editText(response, (text) => text.replaceAll('"chatcmpl-', '"chatcmpl-again-'))),
  ),
  mutant(
    'streams-run-again',
    'keys are ignored on streamed chats',
    ['idempotency.stream/same-reply', 'idempotency.stream/writes-nothing', 'idempotency.stream/marked'],
    forgetting(({ body }) => (body as { stream?: unknown } | undefined)?.stream === true),
  ),
];
