import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, type Forward, type Handler, json, on } from '../../proof/proxy.ts';
import {
  answersFrom,
  ask,
  editAnswers,
  editSuccess,
  editWindows,
  noteRequests,
  unpin,
  windowAt,
} from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('forks', { dying, forked, forking, mirrored, shown, without });

/** Where forks come from. */
class Origins {
  readonly sessionOf = new Map<string, string>();
  readonly snapshotOf = new Map<string, string>();
  readonly #sessions = new Map<string, string>();

  /** @param work is done with each fork and its answer */
  handler(work: (fork: Json, forward: Forward, source: string) => Promise<Json> | Json = (fork) => fork): Handler {
    return chain(
      editAnswers(
        'POST',
        '/v1/sessions/:id/snapshots',
        (taken, [session = '']) => void this.#sessions.set(String(taken.id), session),
      ),
      on('POST', '/v1/sessions', async ({ body }, forward) => {
        const response = await forward();
        const { snapshot_id } = (body ?? {}) as { snapshot_id?: string };
        if (!response.ok || snapshot_id === undefined) return response;
        const fork = (await response.json()) as Json;
        const source = this.#sessions.get(snapshot_id) ?? '';
        this.sessionOf.set(String(fork.id), source);
        this.snapshotOf.set(String(fork.id), snapshot_id);
        return json(await work(fork, forward, source), response.status);
      }),
    );
  }

  forksOf(session: string): string[] {
    return [...this.sessionOf].filter(([, source]) => source === session).map(([fork]) => fork);
  }
}

/** Changes the fork as soon as it is there. */
function forked(work: (fork: Json, forward: Forward, source: string) => Promise<unknown>): Handler {
  return new Origins().handler(async (fork, forward, source) => {
    await work(fork, forward, source);
    return (await ask(forward, 'GET', `/v1/sessions/${fork.id}`)).body;
  });
}

/** Shows forks otherwise, wherever they are shown. */
function shown(edit: (fork: Json, source: string) => Json): Handler {
  const origins = new Origins();
  return chain(
    on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => {
      const source = origins.sessionOf.get(id);
      const response = await forward();
      return source === undefined ? response : editSuccess(response, (fork) => edit(fork, source));
    }),
    origins.handler((fork, _, source) => edit(fork, source)),
  );
}

/** What a fork begins with. */
const FORK_BEGINNING_MUTANTS = [
  mutant('are-the-source', 'a fork is the session that it should be forked from')
    .caughtBy('forks.new-session/own-session')
    .proxy(() => {
      const origins = new Origins();
      return origins.handler(async (_, forward, source) => (await ask(forward, 'GET', `/v1/sessions/${source}`)).body);
    }),
  mutant('begin-today', 'a fork begins with the window that its source has now')
    .caughtBy('forks.new-session/same-window')
    .proxy(() => {
      const windows = new Map<string, SessionMessage[]>();
      return chain(
        new Origins().handler(async (fork, forward, source) => {
          const window = await windowAt(forward, source);
          windows.set(
            String(fork.id),
            window.map((one) => ({ ...one, session_id: String(fork.id) })),
          );
          return fork;
        }),
        editWindows((messages, id) => windows.get(id) ?? messages),
      );
    }),
  mutant('usage-of-nothing', 'a fork says to be empty')
    .caughtBy('forks.new-session/same-usage')
    .shown((fork) => ({ ...fork, usage: { ...(fork.usage as Json), total_tokens: 0, messages: 0 } })),
  mutant('pins-lost', 'pins are not copied')
    .caughtBy('forks.new-session/same-pins')
    .forked((fork, forward) => unpin(forward, String(fork.id))),
  mutant('tools-lost', 'tools are not copied')
    .caughtBy('forks.new-session/same-tools')
    .forked((fork, forward) => ask(forward, 'POST', `/v1/sessions/${fork.id}`, { tools: [] })),
  mutant('default-model', 'a fork has the alias of the default model')
    .caughtBy('forks.new-session/same-model')
    .shown((fork) => ({ ...fork, model: 'kimi-k2-0905' })),
  mutant('origin-is-the-session', 'forked_from names the session instead of the snapshot')
    .caughtBy('forks.new-session/names-its-origin')
    .shown((fork, source) => ({ ...fork, forked_from: { snapshot_id: source } })),
  mutant('origin-of-everything', 'every session says to be forked from itself')
    .caughtBy('forks.new-session/others-have-none')
    .proxy(() => async (request, forward) => {
      const response = await forward();
      if (!/^\/v1\/sessions\/[^/]+$/.test(request.path) || !response.ok) return response;
      return editJson(response, (body: Json) => ({
        ...body,
        forked_from: body.forked_from ?? { snapshot_id: body.id },
      }));
    }),
];

/** What is written to a session is written to others too. */
function mirrored(others: (origins: Origins, session: string) => string[]): Handler {
  const origins = new Origins();
  return chain(
    origins.handler(),
    on('POST', '/v1/sessions/:id/messages', async ({ ids: [id = ''], body }, forward) => {
      for (const other of others(origins, id)) await ask(forward, 'POST', `/v1/sessions/${other}/messages`, body);
      return forward();
    }),
  );
}

/** A deletion takes sessions with it. */
function dying(route: string, victims: (origins: Origins, id: string) => string[]): Handler {
  const origins = new Origins();
  return chain(
    origins.handler(),
    on('DELETE', route, async ({ ids: [id = ''] }, forward) => {
      for (const victim of victims(origins, id)) await ask(forward, 'DELETE', `/v1/sessions/${victim}`);
      return forward();
    }),
  );
}

/** What forks share. */
const FORK_ISOLATION_MUTANTS = [
  mutant('write-to-source', 'what is appended to a fork is appended to its source')
    .caughtBy('forks.isolation/source-sees-no-change', 'forks.memory/fork-unknown-to-source')
    .mirrored(({ sessionOf }, id) => [sessionOf.get(id) ?? []].flat()),
  mutant('follow-the-source', 'what is appended to the source is appended to its forks')
    .caughtBy('forks.isolation/fork-sees-no-change', 'forks.memory/source-unknown-to-fork')
    .mirrored((origins, id) => origins.forksOf(id)),
  mutant('siblings-share', 'forks of one snapshot share its window')
    .caughtBy('forks.isolation/sibling-sees-no-change')
    .mirrored((origins, id) => {
      const source = origins.sessionOf.get(id);
      return source === undefined ? [] : origins.forksOf(source).filter((fork) => fork !== id);
    }),
  mutant('die-with-source', 'deleting a session deletes its forks')
    .caughtBy('forks.isolation/outlives-source')
    .dying('/v1/sessions/:id', (origins, id) => origins.forksOf(id)),
  mutant('source-dies-with-fork', 'deleting a fork deletes what it shares with its source')
    .caughtBy('forks.isolation/source-outlives-fork')
    .dying('/v1/sessions/:id', ({ sessionOf }, id) => [sessionOf.get(id) ?? []].flat()),
  mutant('die-with-snapshot', 'deleting a snapshot deletes its forks')
    .caughtBy('forks.isolation/outlives-snapshot')
    .dying('/v1/snapshots/:id', ({ snapshotOf }, id) =>
      [...snapshotOf].filter(([, snapshot]) => snapshot === id).map(([fork]) => fork),
    ),
  mutant('model-knows-nothing', 'the model reads only what was said in the fork itself')
    .caughtBy('forks.memory/history-known')
    .proxy(() => {
      const origins = new Origins();
      return chain(
        origins.handler(),
        answersFrom(async (id, forward) => (origins.sessionOf.has(id) ? [] : windowAt(forward, id))),
      );
    }),
];

const CREATE = '/v1/sessions';

/** Forks are made otherwise than asked for. */
function forking(change: (body: Json) => Json): Handler {
  return on('POST', CREATE, ({ body }, forward) => {
    const asked = (body ?? {}) as Json;
    return forward('snapshot_id' in asked ? { body: change(asked) } : {});
  });
}

/** Leaves fields out that should have been refused. */
function without(...fields: string[]): Handler {
  return forking((body) => Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field))));
}

const FORK_REQUEST_MUTANTS = [
  mutant('fields-ignored', 'fields that do not go with a fork are ignored in silence')
    .caughtBy('forks.fields/model-refused tools-refused messages-refused')
    .without('model', 'tools', 'messages'),
  mutant('first-origin-taken', 'of two origins the snapshot is taken')
    .caughtBy('forks.fields/two-origins-refused')
    .without('share_id'),
  mutant('preserve-len-needs-nothing', 'preserve_len is accepted where nothing is forked')
    .caughtBy('forks.fields/preserve-len-alone-refused')
    .on('POST', CREATE, ({ body }, forward) => {
      const { preserve_len, ...rest } = (body ?? {}) as Json;
      return forward('snapshot_id' in rest || preserve_len === undefined ? {} : { body: rest });
    }),
  mutant('unknown-is-new', 'the fork of a snapshot that is gone is an empty session')
    .caughtBy('forks.fields/deleted-refused never-known-refused')
    .on('POST', CREATE, async (_, forward) => {
      const response = await forward();
      return response.status === 404 ? forward({ body: {} }) : response;
    }),
  mutant('need-the-session', 'a snapshot cannot be forked once its session is gone')
    .caughtBy('forks.fields/deleted-session-forked')
    .proxy(() => {
      const gone = new Set<string>();
      return chain(
        noteRequests('DELETE', '/v1/sessions/:id', ({ ids: [id = ''] }) => gone.add(id)),
        // What is read of the deleted session's data is gone too.
        (request, forward) => {
          const error = { message: 'gone', type: 'resource_not_found_error', code: 'session_not_found' };
          const isFork =
            request.method === 'POST' && request.path === CREATE && 'snapshot_id' in (request.body as Json);
          const isRead = request.method === 'GET' && /^\/v1\/sessions\/[^/]+/.test(request.path);
          return gone.size > 0 && (isFork || isRead) ? Promise.resolve(json({ error }, 404)) : forward();
        },
      );
    }),
  mutant('preserve-len-ignored', 'a preserve_len of the fork is ignored')
    .caughtBy('forks.preserve-len/less-on-request more-on-request')
    .without('preserve_len'),
  mutant('always-all', 'a fork begins with the whole archived window')
    .caughtBy('forks.preserve-len/as-the-snapshot-restores')
    .forking((body) => ({ preserve_len: SMALL_LIMITS.window_tokens, ...body })),
  mutant('minimum-raised', 'a preserve_len below the minimum is raised to it')
    .caughtBy('forks.preserve-len/under-minimum-refused')
    .forking((body) =>
      'preserve_len' in body
        ? { ...body, preserve_len: Math.max(Number(body.preserve_len), SMALL_LIMITS.min_preserve_tokens) }
        : body,
    ),
  mutant('title-lost', 'title and metadata of the fork are not kept')
    .caughtBy('forks.new-session/own-title-and-metadata')
    .without('title', 'metadata'),
];

export const FORKS_MUTANTS: readonly Mutant[] = [
  ...FORK_BEGINNING_MUTANTS,
  ...FORK_ISOLATION_MUTANTS,
  ...FORK_REQUEST_MUTANTS,
];
