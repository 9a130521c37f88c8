import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, type Forward, type Handler, on, type Passing } from '../../proof/proxy.ts';
import { ask, editSuccess, editWindows, noteRequests, unpin, windowAt } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('rollback', { afterwards, asking, forgiving, sessions });

const ROUTE = '/v1/sessions/:id/rollback';

const { min_preserve_tokens: LEAST } = SMALL_LIMITS;

function asking(change: (body: Json, forward: Forward) => Promise<Json> | Json): Handler {
  return on('POST', ROUTE, async ({ body }, forward) => forward({ body: await change(body as Json, forward) }));
}

/** Answers a refusal of this code with the session, as if it had been rolled back. */
function forgiving(code: string): Handler {
  return on('POST', ROUTE, async ({ ids: [id] }, forward) => {
    const response = await forward();
    if (response.ok || !(await response.clone().text()).includes(`"${code}"`)) return response;
    return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
  });
}

const ROLLBACK_REQUEST_MUTANTS = [
  mutant('preserve-len-ignored', 'a preserve_len of the rollback is ignored')
    .caughtBy('rollback.preserve-len/less-on-request more-on-request all-on-request')
    .asking(({ snapshot_id }) => ({ snapshot_id })),
  mutant('never-more-than-the-snapshot', 'a preserve_len larger than that of the snapshot brings back no more')
    .caughtBy('rollback.preserve-len/more-on-request')
    .asking(async (body, forward) => {
      const { preserve_len } = (await ask(forward, 'GET', `/v1/snapshots/${body.snapshot_id}`)).body;
      return Number(body.preserve_len) > Number(preserve_len) ? { ...body, preserve_len } : body;
    }),
  mutant('always-all', 'the whole archived window comes back, whatever the snapshot says')
    .caughtBy('rollback.preserve-len/as-truncate')
    .asking((body) => ({ preserve_len: 'all', ...body })),
  mutant('all-is-default', '"all" is what the snapshot restores')
    .caughtBy('rollback.preserve-len/all-on-request')
    .asking(({ preserve_len, ...rest }) =>
      preserve_len === undefined || preserve_len === 'all' ? rest : { ...rest, preserve_len },
    ),
  mutant('one-token-under', 'the minimum is not checked, but raised to')
    .caughtBy('rollback.preserve-len/under-minimum-refused refused-unchanged')
    .asking((body) =>
      typeof body.preserve_len === 'number' ? { ...body, preserve_len: Math.max(LEAST, body.preserve_len) } : body,
    ),
  mutant('unknown-word-is-all', 'any other preserve_len is taken for "all"')
    .caughtBy('rollback.preserve-len/neither-number-nor-all-refused refused-unchanged')
    .asking((body) =>
      body.preserve_len === undefined || Number.isInteger(body.preserve_len) ? body : { ...body, preserve_len: 'all' },
    ),
  mutant('newest-by-default', 'without a snapshot the newest one is taken')
    .caughtBy('rollback.preserve-len/needs-snapshot')
    .asking(async (body, forward) => {
      if ('snapshot_id' in body) return body;
      const { data } = (await ask(forward, 'GET', '/v1/snapshots')).body as { data?: { id: string }[] };
      return { ...body, snapshot_id: data?.[0]?.id };
    }),
  mutant('other-sessions-snapshot', 'snapshots of the other sessions of the account are accepted')
    .caughtBy('rollback.foreign/other-session-refused')
    .forgiving('snapshot_mismatch'),
  mutant('unknown-ignored', 'a deleted snapshot changes nothing and is not an error')
    .caughtBy('rollback.foreign/deleted-refused never-known-refused')
    .forgiving('snapshot_not_found'),
  mutant('refused-after-clearing', 'the window is emptied before the snapshot is looked up')
    .caughtBy('rollback.foreign/refused-unchanged')
    .on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}/truncate`, { preserve_len: LEAST });
      if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}`, { title: 'rolling back' });
      return response;
    }),
  mutant('other-accounts-snapshot', 'whose snapshot it is, is not looked at')
    .caughtBy('rollback.hidden/their-snapshot-refused')
    .forgiving('snapshot_not_found'),
  mutant('other-accounts-session', 'anyone who knows the id of a session and of its snapshot rolls it back')
    .caughtBy('rollback.hidden/their-session-refused')
    .proxy(() => {
      let owner: string | undefined;
      return (request, forward) => {
        if (request.path.endsWith('/snapshots')) owner ??= request.headers.authorization;
        if (owner === undefined || !request.path.endsWith('/rollback')) return forward();
        return forward({ headers: { ...request.headers, authorization: owner } });
      };
    }),
];

type Route = Passing & { ids: string[] };

/** Does something once a rollback has succeeded. @param before the session before it */
function afterwards(work: (id: string, before: Json, forward: Forward, request: Route) => Promise<unknown>): Handler {
  return on('POST', ROUTE, async (request, forward) => {
    const [id = ''] = request.ids;
    const { body: before } = await ask(forward, 'GET', `/v1/sessions/${id}`);
    const response = await forward();
    if (!response.ok) return response;
    await work(id, before, forward, request);
    return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
  });
}

/** Changes what sessions say once they have been rolled back. @param before what the session said before */
function sessions(edit: (now: Json, before: Json) => Json): Handler {
  const known = new Map<string, Json>();
  const shown = (id: string) => (now: Json) => {
    const before = known.get(id);
    return before ? edit(now, before) : now;
  };
  return chain(
    on('GET', '/v1/sessions/:id', async ({ ids: [id = ''] }, forward) => editSuccess(await forward(), shown(id))),
    on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
      const { body: before } = await ask(forward, 'GET', `/v1/sessions/${id}`);
      const response = await forward();
      if (response.ok) known.set(id, before);
      return editSuccess(response, shown(id));
    }),
  );
}

const ROLLBACK_RESTORE_MUTANTS = [
  mutant('does-nothing', 'the rollback is answered, and not done')
    .caughtBy('rollback.identity/messages-as-they-were', 'rollback.memory/turns-are-undone')
    .on('POST', ROUTE, ({ ids: [id] }, forward) =>
      forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined }),
    ),
  mutant('usage-not-restored', 'the usage stays as it was before the rollback')
    .caughtBy('rollback.identity/usage-as-it-was')
    .sessions((now, { usage }) => ({ ...now, usage })),
  mutant('pins-lost', 'only leading system messages come back pinned')
    .caughtBy('rollback.identity/pins-as-they-were')
    .afterwards((id, _, forward) => unpin(forward, id, ({ role }) => role === 'system')),
  mutant('pins-of-today', 'what has been pinned since the snapshot stays pinned')
    .caughtBy('rollback.identity/pins-as-they-were')
    .proxy(() => {
      const pins = new Map<string, boolean>();
      return chain(
        noteRequests('POST', '/v1/sessions/:id/messages/:message', ({ ids: [, id = ''], body }) =>
          pins.set(id, (body as { pinned: boolean }).pinned),
        ),
        editWindows((messages) => messages.map((one) => ({ ...one, pinned: pins.get(one.id) ?? one.pinned }))),
      );
    }),
  mutant('tools-not-restored', 'the tools stay as they are now')
    .caughtBy('rollback.identity/tools-as-they-were')
    .afterwards((id, { tools }, forward) => ask(forward, 'POST', `/v1/sessions/${id}`, { tools })),
  mutant('title-restored', 'title and metadata go back with the window')
    .caughtBy('rollback.identity/title-and-metadata-stay')
    .sessions((now) => ({ ...now, title: 'before', metadata: {} })),
  mutant('model-reset', 'the session goes back to the alias of its model')
    .caughtBy('rollback.identity/model-stays')
    .sessions((now) => ({ ...now, model: 'kimi-k2-0905' })),
  mutant('answers-as-before', 'the answer is the session as it was before the rollback')
    .caughtBy('rollback.identity/answer-as-read')
    .on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const { body: before } = await ask(forward, 'GET', `/v1/sessions/${id}`);
      return editSuccess(await forward(), () => before);
    }),
  mutant('version-goes-back', 'the version goes back with the window')
    .caughtBy('rollback.identity/version-steps')
    .sessions((now, before) => ({ ...now, version: Number(before.version) - 1 })),
  mutant('version-stays', 'a rollback steps no version')
    .caughtBy('rollback.identity/version-steps')
    .sessions((now, { version }) => ({ ...now, version })),
  mutant('uses-the-snapshot-up', 'a snapshot is deleted once it has been rolled back to twice')
    .caughtBy('rollback.identity/snapshot-stays undone-and-redone')
    .proxy(() => {
      const used = new Set<string>();
      return afterwards(async (_, __, forward, { body }) => {
        const { snapshot_id } = body as { snapshot_id: string };
        if (used.has(snapshot_id)) await ask(forward, 'DELETE', `/v1/snapshots/${snapshot_id}`);
        used.add(snapshot_id);
      });
    }),
];

/** What the window and the model have after a rollback. */
const ROLLBACK_WINDOW_MUTANTS = [
  mutant('new-ids', 'the messages come back as copies with ids of their own')
    .caughtBy('rollback.identity/at-once-the-same', 'rollback.preserve-len/all-on-request')
    .proxy(() => {
      const back = new Set<string>();
      return chain(
        noteRequests('POST', ROUTE, ({ ids: [id = ''] }) => back.add(id)),
        editWindows((messages, session) =>
          back.has(session) ? messages.map((one) => ({ ...one, id: `${one.id}c` })) : messages,
        ),
      );
    }),
  mutant('appends', 'what the snapshot holds is written behind what stands in the window')
    .caughtBy('rollback.identity/at-once-the-same', 'rollback.memory/turns-are-undone')
    .proxy(() => {
      const earlier = new Map<string, SessionMessage[]>();
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
          earlier.set(id, await windowAt(forward, id));
          return forward();
        }),
        editWindows((messages, session) => [...(earlier.get(session) ?? []), ...messages]),
      );
    }),
  mutant('model-remembers', 'the model still reads what came after the snapshot')
    .caughtBy('rollback.memory/later-unknown')
    .modelRemembers(ROUTE),
  mutant('model-reads-nothing', 'after a rollback the model reads the new messages only')
    .caughtBy('rollback.memory/earlier-known-again')
    .modelForgets(ROUTE),
  mutant('cuts-whole-messages', 'the oldest message that a rollback should bring back is lost')
    .caughtBy('rollback.preserve-len/as-truncate less-on-request')
    .showAfter('rollback', (now) => now.slice(1)),
];

export const ROLLBACK_MUTANTS: readonly Mutant[] = [
  ...ROLLBACK_RESTORE_MUTANTS,
  ...ROLLBACK_WINDOW_MUTANTS,
  ...ROLLBACK_REQUEST_MUTANTS,
];
