import { inMode, routeOf, withMessages, withoutHeaders } from '../../proof/cells.ts';
import { onChat } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import {
  editEachChunk,
  editJson,
  type Forward,
  type Handler,
  isEvents,
  type Json,
  objectIn,
  type Passing,
  withChoice,
} from '../../proof/proxy.ts';
import { ORIGIN_CASES } from './origin-cases.ts';

/** Servers that are wrong in one kind of session only: forks, forks from shares, forks of forks, sessions that were rolled back. */

type Meet = (request: Passing, forward: Forward, isIn: (id: string) => boolean) => Promise<Response>;

/** Knows which sessions are of an origin, and hands on what they are asked. The first answer of such a session is `made`. */
function ofOrigin(origin: string, made: (answer: Json, fields: Json) => Json | 'no-etag', meet?: Meet): Handler {
  const kinds = new Map<string, string>();
  const sources = new Map<string, string>();
  const isIn = (id: string) => kinds.get(id) === origin;
  return async (request, forward) => {
    const response = await (meet ? meet(request, forward, isIn) : forward());
    const { method, path } = request;
    if (method !== 'POST' || response.status >= 300) return response;
    const fields = objectIn(request);
    const id = path.split('/')[3] ?? '';
    const answer = () => response.clone().json() as Promise<Json & { id: string }>;
    if (path.endsWith('/snapshots')) sources.set((await answer()).id, id);
    if (path.endsWith('/rollback') && !kinds.has(id)) kinds.set(id, 'rolled-back');
    const kind = path === '/v1/sessions' ? kindOf(fields, kinds, sources) : undefined;
    if (kind) kinds.set((await answer()).id, kind);
    if (kind !== origin && !(origin === 'rolled-back' && path.endsWith('/rollback'))) return response;
    const edited = made((await answer()) as Json, fields);
    if (edited !== 'no-etag') return editJson(response, () => edited);
    const headers = new Headers(response.headers);
    headers.delete('etag');
    return new Response(response.body, { status: response.status, headers });
  };
}

function kindOf(fields: Json, kinds: Map<string, string>, sources: Map<string, string>): string | undefined {
  if ('share_id' in fields) return 'share-fork';
  if (!('snapshot_id' in fields)) return undefined;
  return kinds.has(sources.get(String(fields.snapshot_id)) ?? '') ? 'fork-of-fork' : 'fork';
}

const asItIs = (answer: Json) => answer;
const sessionOf = ({ path, body }: Passing) =>
  path.startsWith('/v1/sessions/') ? (path.split('/')[3] ?? '') : String((body as Json | undefined)?.session_id ?? '');
const read = (forward: Forward, request: Passing) =>
  forward({ method: 'GET', path: `/v1/sessions/${sessionOf(request)}`, search: '', body: undefined });

/** Meets the requests to sessions of the origin that `isIt` names. */
function meeting(
  isIt: (request: Passing) => boolean,
  then: (request: Passing, forward: Forward) => Promise<Response>,
): Meet {
  return (request, forward, isIn) => (isIn(sessionOf(request)) && isIt(request) ? then(request, forward) : forward());
}

/** Strips names of what is written in one way. */
function writesNoNames(mode: string): Meet {
  return (request, forward, isIn) =>
    isIn(sessionOf(request))
      ? inMode(mode, (met, on) => on(withMessages(met, ({ name: _, ...message }: Json) => message as never)))(
          request,
          forward,
        )
      : forward();
}

/** Gives another answer in place of what the model says. */
function saysNothing(streamed: boolean, withUsage: boolean): Meet {
  return (request, forward, isIn) =>
    onChat(async (body, on) => {
      const { include_usage = false } = (body.stream_options ?? {}) as { include_usage?: boolean };
      if (!isIn(String(body.session_id)) || (body.stream === true) !== streamed || include_usage !== withUsage)
        return on();
      const response = await on();
      if (!response.ok) return response;
      if (!isEvents(response)) {
        return editJson(response, (answer: Json) => ({
          ...answer,
          choices: (answer.choices as Json[]).map((choice) => ({
            ...choice,
            message: { role: 'assistant', content: 'No.' },
          })),
        }));
      }
      const silent = editEachChunk((chunk) =>
        (chunk.choices as Json[])[0]?.delta ? [withChoice(chunk, { delta: {} })] : [chunk],
      );
      return silent(request, async () => response);
    })(request, forward);
}

const endsIn =
  (end: string, method = 'POST') =>
  (request: Passing) =>
    request.method === method && request.path.endsWith(end);
const edited = (edit: (answer: Json) => Json) => async (_: Passing, forward: Forward) => {
  const response = await forward();
  return response.status < 300 ? editJson(response, edit) : response;
};

/** What each check of the cases sees, broken. */
function broken(check: string): Parameters<typeof ofOrigin> extends [string, ...infer How] ? How : never {
  const [kind, ...rest] = check.split('-');
  const of = rest.join('-');
  if (kind === 'stale') {
    const drop = (request: Passing, forward: Forward) =>
      forward({ headers: withoutHeaders(request.headers, 'if-match') });
    return [asItIs, meeting((request) => routeOf(request) === of, drop)];
  }
  if (kind === 'written') return [asItIs, writesNoNames(of)];
  if (kind === 'known') return [asItIs, saysNothing(of !== 'whole', of.endsWith('usage'))];
  const ways: Readonly<Record<string, Parameters<typeof ofOrigin> extends [string, ...infer How] ? How : never>> = {
    origin: [(answer) => ({ ...answer, forked_from: answer.forked_from ? null : { snapshot_id: 'snap_0' } })],
    'own-fields': [(answer) => ({ ...answer, metadata: {} })],
    'no-fields': [(answer, { title }) => (title === undefined ? { ...answer, title: 'Source' } : answer)],
    window: [
      asItIs,
      meeting(
        endsIn('/messages', 'GET'),
        edited((page) => ({
          ...page,
          data: (page.data as Json[]).map(({ name: _, ...message }) => message),
        })),
      ),
    ],
    tools: [(answer) => ({ ...answer, tools: [] })],
    etag: [() => 'no-etag'],
    'as-read': [(answer) => ({ ...answer, created_at: Number(answer.created_at) - 1 })],
    'as-listed': [
      asItIs,
      async (request, forward, isIn) => {
        const response = await forward();
        if (request.method !== 'GET' || request.path !== '/v1/sessions' || !response.ok) return response;
        return editJson(response, (page: Json) => ({
          ...page,
          data: (page.data as (Json & { id: string })[]).map((session) =>
            isIn(session.id)
              ? { ...session, forked_from: session.forked_from ? null : { snapshot_id: 'snap_0' } }
              : session,
          ),
        }));
      },
    ],
    replayed: [
      asItIs,
      meeting(endsIn('/messages'), (request, forward) =>
        forward({ headers: withoutHeaders(request.headers, 'idempotency-key') }),
      ),
    ],
    'snapshot-own': [
      asItIs,
      meeting(
        endsIn('/snapshots'),
        edited((answer) => ({ ...answer, session_id: 'sess_0' })),
      ),
    ],
    'snapshot-archived': [
      asItIs,
      meeting(
        endsIn('/snapshots'),
        edited((answer) => ({
          ...answer,
          archived: { ...(answer.archived as Json), messages: 1 },
        })),
      ),
    ],
    'snapshot-listed': [
      asItIs,
      meeting(
        endsIn('/snapshots', 'GET'),
        edited((page) => ({
          ...page,
          data: [],
          first_id: null,
          last_id: null,
        })),
      ),
    ],
    'rolls-back': [
      asItIs,
      meeting(endsIn('/rollback'), async (request, forward) => {
        // Its own refusals stay.
        const rehearsed = await forward({ headers: { ...request.headers, 'if-match': '"0"' } });
        return rehearsed.status === 409 ? read(forward, request) : rehearsed;
      }),
    ],
    'source-mismatch': [
      asItIs,
      meeting(endsIn('/rollback'), async (request, forward) => {
        const response = await forward();
        return response.status >= 400 ? read(forward, request) : response;
      }),
    ],
    truncates: [
      asItIs,
      meeting(endsIn('/truncate'), (request, forward) => forward({ body: { ...objectIn(request), dry_run: true } })),
    ],
  };
  const way = ways[check];
  if (!way) throw new Error(`no broken server for the check ${check}`);
  return way;
}

const mutant = mutantsOf('forks', { ofOrigin });

export const ORIGIN_MUTANTS: readonly Mutant[] = ORIGIN_CASES.flatMap(({ id, checks }) => {
  const origin = id.replace('forks.origin-', '');
  return Object.keys(checks).map((check) =>
    mutant(`${origin}-${check}`, `${check} does not hold in a session that is a ${origin}`)
      .caughtBy(`${id}/${check}`)
      .ofOrigin(origin, ...broken(check)),
  );
});
