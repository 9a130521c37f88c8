import { ask, editSuccess, editWindows, unpin } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Forward, type Handler, on, type Passing } from '../../proxy.ts';

const ROUTE = '/v1/sessions/:id/rollback';

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

export const ROLLBACK_RESTORE_MUTANTS: readonly Mutant[] = [
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
