import type { SessionMessage } from '../../../contract/sessions.ts';
import {
  ask,
  editSuccess,
  editWindows,
  modelForgets,
  modelRemembers,
  showAfter,
  unpin,
  windowAt,
} from '../../proof/asking.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { chain, type Forward, type Handler, on, type Passing } from '../../proof/proxy.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const ROUTE = '/v1/sessions/:id/rollback';

const { min_preserve_tokens: LEAST } = SMALL_LIMITS;

function asking(change: (body: Json, forward: Forward) => Promise<Json> | Json): () => Handler {
  return () => on('POST', ROUTE, async ({ body }, forward) => forward({ body: await change(body as Json, forward) }));
}

/** Answers a refusal of this code with the session, as if it had been rolled back. */
function forgiving(code: string): () => Handler {
  return () =>
    on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      if (response.ok || !(await response.clone().text()).includes(`"${code}"`)) return response;
      return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
    });
}

const ROLLBACK_REQUEST_MUTANTS: readonly Mutant[] = [
  {
    id: 'rollback.preserve-len-ignored',
    area: 'rollback',
    broken: 'a preserve_len of the rollback is ignored',
    killedBy: [
      'rollback.preserve-len/less-on-request',
      'rollback.preserve-len/more-on-request',
      'rollback.preserve-len/all-on-request',
    ],
    handler: asking(({ snapshot_id }) => ({ snapshot_id })),
  },
  {
    id: 'rollback.never-more-than-the-snapshot',
    area: 'rollback',
    broken: 'a preserve_len larger than that of the snapshot brings back no more',
    killedBy: ['rollback.preserve-len/more-on-request'],
    handler: asking(async (body, forward) => {
      const { preserve_len } = (await ask(forward, 'GET', `/v1/snapshots/${body.snapshot_id}`)).body;
      return Number(body.preserve_len) > Number(preserve_len) ? { ...body, preserve_len } : body;
    }),
  },
  {
    id: 'rollback.always-all',
    area: 'rollback',
    broken: 'the whole archived window comes back, whatever the snapshot says',
    killedBy: ['rollback.preserve-len/as-truncate'],
    handler: asking((body) => ({ preserve_len: 'all', ...body })),
  },
  {
    id: 'rollback.all-is-default',
    area: 'rollback',
    broken: '"all" is what the snapshot restores',
    killedBy: ['rollback.preserve-len/all-on-request'],
    handler: asking(({ preserve_len, ...rest }) =>
      preserve_len === undefined || preserve_len === 'all' ? rest : { ...rest, preserve_len },
    ),
  },
  {
    id: 'rollback.one-token-under',
    area: 'rollback',
    broken: 'the minimum is not checked, but raised to',
    killedBy: ['rollback.preserve-len/under-minimum-refused', 'rollback.preserve-len/refused-unchanged'],
    handler: asking((body) =>
      typeof body.preserve_len === 'number' ? { ...body, preserve_len: Math.max(LEAST, body.preserve_len) } : body,
    ),
  },
  {
    id: 'rollback.unknown-word-is-all',
    area: 'rollback',
    broken: 'any other preserve_len is taken for "all"',
    killedBy: ['rollback.preserve-len/neither-number-nor-all-refused', 'rollback.preserve-len/refused-unchanged'],
    handler: asking((body) =>
      body.preserve_len === undefined || Number.isInteger(body.preserve_len) ? body : { ...body, preserve_len: 'all' },
    ),
  },
  {
    id: 'rollback.newest-by-default',
    area: 'rollback',
    broken: 'without a snapshot the newest one is taken',
    killedBy: ['rollback.preserve-len/needs-snapshot'],
    handler: asking(async (body, forward) => {
      if ('snapshot_id' in body) return body;
      const { data } = (await ask(forward, 'GET', '/v1/snapshots')).body as { data?: { id: string }[] };
      return { ...body, snapshot_id: data?.[0]?.id };
    }),
  },
  {
    id: 'rollback.other-sessions-snapshot',
    area: 'rollback',
    broken: 'snapshots of the other sessions of the account are accepted',
    killedBy: ['rollback.foreign/other-session-refused'],
    handler: forgiving('snapshot_mismatch'),
  },
  {
    id: 'rollback.unknown-ignored',
    area: 'rollback',
    broken: 'a snapshot that is gone changes nothing, and is no error',
    killedBy: ['rollback.foreign/deleted-refused', 'rollback.foreign/never-known-refused'],
    handler: forgiving('snapshot_not_found'),
  },
  {
    id: 'rollback.refused-after-clearing',
    area: 'rollback',
    broken: 'the window is emptied before the snapshot is looked up',
    killedBy: ['rollback.foreign/refused-unchanged'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}/truncate`, { preserve_len: LEAST });
        if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}`, { title: 'rolling back' });
        return response;
      }),
  },
  {
    id: 'rollback.other-accounts-snapshot',
    area: 'rollback',
    broken: 'whose snapshot it is, is not looked at',
    killedBy: ['rollback.hidden/their-snapshot-refused'],
    handler: forgiving('snapshot_not_found'),
  },
  {
    id: 'rollback.other-accounts-session',
    area: 'rollback',
    broken: 'whoever knows the id of a session and of its snapshot rolls it back',
    killedBy: ['rollback.hidden/their-session-refused'],
    handler: () => {
      let owner: string | undefined;
      return (request, forward) => {
        if (request.path.endsWith('/snapshots')) owner ??= request.headers.authorization;
        if (owner === undefined || !request.path.endsWith('/rollback')) return forward();
        return forward({ headers: { ...request.headers, authorization: owner } });
      };
    },
  },
];

type Route = Passing & { ids: string[] };

/** Does something once a rollback has succeeded. @param told what the session was before */
function afterwards(
  work: (id: string, told: Json, forward: Forward, request: Route) => Promise<unknown>,
): () => Handler {
  return () =>
    on('POST', ROUTE, async (request, forward) => {
      const [id = ''] = request.ids;
      const { body: before } = await ask(forward, 'GET', `/v1/sessions/${id}`);
      const response = await forward();
      if (!response.ok) return response;
      await work(id, before, forward, request);
      return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
    });
}

/** Changes what sessions say once they have been rolled back. @param before what the session said before */
function sessions(edit: (now: Json, before: Json) => Json): () => Handler {
  return () => {
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
  };
}

const ROLLBACK_RESTORE_MUTANTS: readonly Mutant[] = [
  {
    id: 'rollback.does-nothing',
    area: 'rollback',
    broken: 'the rollback is answered, and not done',
    killedBy: ['rollback.identity/messages-as-they-were', 'rollback.memory/turns-are-undone'],
    handler: () =>
      on('POST', ROUTE, ({ ids: [id] }, forward) =>
        forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined }),
      ),
  },
  {
    id: 'rollback.usage-not-restored',
    area: 'rollback',
    broken: 'the usage stays as it was before the rollback',
    killedBy: ['rollback.identity/usage-as-it-was'],
    handler: sessions((now, { usage }) => ({ ...now, usage })),
  },
  {
    id: 'rollback.pins-lost',
    area: 'rollback',
    broken: 'only leading system messages come back pinned',
    killedBy: ['rollback.identity/pins-as-they-were'],
    handler: afterwards((id, _, forward) => unpin(forward, id, ({ role }) => role === 'system')),
  },
  {
    id: 'rollback.pins-of-today',
    area: 'rollback',
    broken: 'what has been pinned since the snapshot stays pinned',
    killedBy: ['rollback.identity/pins-as-they-were'],
    handler: () => {
      const pins = new Map<string, boolean>();
      return chain(
        on('POST', '/v1/sessions/:id/messages/:message', ({ ids: [, id = ''], body }, forward) => {
          pins.set(id, (body as { pinned: boolean }).pinned);
          return forward();
        }),
        editWindows((messages) => messages.map((one) => ({ ...one, pinned: pins.get(one.id) ?? one.pinned }))),
      );
    },
  },
  {
    id: 'rollback.tools-not-restored',
    area: 'rollback',
    broken: 'the tools stay as they are now',
    killedBy: ['rollback.identity/tools-as-they-were'],
    handler: afterwards((id, { tools }, forward) => ask(forward, 'POST', `/v1/sessions/${id}`, { tools })),
  },
  {
    id: 'rollback.title-restored',
    area: 'rollback',
    broken: 'title and metadata go back with the window',
    killedBy: ['rollback.identity/title-and-metadata-stay'],
    handler: sessions((now) => ({ ...now, title: 'before', metadata: {} })),
  },
  {
    id: 'rollback.model-reset',
    area: 'rollback',
    broken: 'the session goes back to the alias of its model',
    killedBy: ['rollback.identity/model-stays'],
    handler: sessions((now) => ({ ...now, model: 'kimi-k2-0905' })),
  },
  {
    id: 'rollback.answers-as-before',
    area: 'rollback',
    broken: 'the answer is the session as it was before the rollback',
    killedBy: ['rollback.identity/answer-as-read'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const { body: before } = await ask(forward, 'GET', `/v1/sessions/${id}`);
        return editSuccess(await forward(), () => before);
      }),
  },
  {
    id: 'rollback.version-goes-back',
    area: 'rollback',
    broken: 'the version goes back with the window',
    killedBy: ['rollback.identity/version-steps'],
    handler: sessions((now, before) => ({ ...now, version: Number(before.version) - 1 })),
  },
  {
    id: 'rollback.version-stays',
    area: 'rollback',
    broken: 'a rollback steps no version',
    killedBy: ['rollback.identity/version-steps'],
    handler: sessions((now, { version }) => ({ ...now, version })),
  },
  {
    id: 'rollback.uses-the-snapshot-up',
    area: 'rollback',
    broken: 'a snapshot is deleted once it has been rolled back to twice',
    killedBy: ['rollback.identity/snapshot-stays', 'rollback.identity/undone-and-redone'],
    handler: () => {
      const used = new Set<string>();
      return afterwards(async (_, __, forward, { body }) => {
        const { snapshot_id } = body as { snapshot_id: string };
        if (used.has(snapshot_id)) await ask(forward, 'DELETE', `/v1/snapshots/${snapshot_id}`);
        used.add(snapshot_id);
      })();
    },
  },
  {
    id: 'rollback.calls-closed',
    area: 'rollback',
    broken: 'calls that were open come back answered',
    killedBy: ['rollback.open-calls/open-again', 'rollback.open-calls/answered-again'],
    handler: afterwards((id, _, forward) => {
      const interrupted = { role: 'tool', tool_call_id: 'call_1', content: 'interrupted' };
      return ask(forward, 'POST', `/v1/sessions/${id}/messages`, interrupted);
    }),
  },
];

/** What the window and the model have after a rollback. */
const ROLLBACK_WINDOW_MUTANTS: readonly Mutant[] = [
  {
    id: 'rollback.new-ids',
    area: 'rollback',
    broken: 'the messages come back as copies with ids of their own',
    killedBy: ['rollback.identity/at-once-the-same', 'rollback.preserve-len/all-on-request'],
    handler: () => {
      const back = new Set<string>();
      return chain(
        on('POST', ROUTE, ({ ids: [id = ''] }, forward) => {
          back.add(id);
          return forward();
        }),
        editWindows((messages, session) =>
          back.has(session) ? messages.map((one) => ({ ...one, id: `${one.id}c` })) : messages,
        ),
      );
    },
  },
  {
    id: 'rollback.appends',
    area: 'rollback',
    broken: 'what the snapshot holds is written behind what stands in the window',
    killedBy: ['rollback.identity/at-once-the-same', 'rollback.memory/turns-are-undone'],
    handler: () => {
      const earlier = new Map<string, SessionMessage[]>();
      return chain(
        on('POST', ROUTE, async ({ ids: [id = ''] }, forward) => {
          earlier.set(id, await windowAt(forward, id));
          return forward();
        }),
        editWindows((messages, session) => [...(earlier.get(session) ?? []), ...messages]),
      );
    },
  },
  {
    id: 'rollback.model-remembers',
    area: 'rollback',
    broken: 'the model still reads what came after the snapshot',
    killedBy: ['rollback.memory/later-unknown'],
    handler: modelRemembers(ROUTE),
  },
  {
    id: 'rollback.model-reads-nothing',
    area: 'rollback',
    broken: 'after a rollback the model reads the new messages only',
    killedBy: ['rollback.memory/earlier-known-again'],
    handler: modelForgets(ROUTE),
  },
  {
    id: 'rollback.cuts-whole-messages',
    area: 'rollback',
    broken: 'the oldest message that a rollback should bring back is lost',
    killedBy: ['rollback.preserve-len/as-truncate', 'rollback.preserve-len/less-on-request'],
    handler: showAfter('rollback', (now) => now.slice(1)),
  },
];

export const ROLLBACK_MUTANTS: readonly Mutant[] = [
  ...ROLLBACK_RESTORE_MUTANTS,
  ...ROLLBACK_WINDOW_MUTANTS,
  ...ROLLBACK_REQUEST_MUTANTS,
];
