import { ask, editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, on } from '../../proxy.ts';

/** Changes what others see of a share, knowing what its owner sees. */
function previewing(edit: (shown: Json, owned: Json) => Json): () => Handler {
  return () => {
    const owned = new Map<string, Json>();
    return chain(
      on('POST', '/v1/snapshots/:id/share', async (_, forward) =>
        editSuccess(await forward(), (body) => {
          owned.set(String((body.share as Json).share_id), body);
          return body;
        }),
      ),
      on('GET', '/v1/shares/:id', async ({ ids: [id = ''] }, forward) =>
        editSuccess(await forward(), (shown) => edit(shown, owned.get(id) ?? {})),
      ),
    );
  };
}

/** What a share shows. */
export const SHARE_PREVIEW_MUTANTS: readonly Mutant[] = [
  {
    id: 'shares.shows-session',
    area: 'shares',
    broken: 'a share shows the id of the session',
    killedBy: ['shares.preview/session-hidden'],
    handler: previewing((shown, { session_id }) => ({ ...shown, session_id })),
  },
  {
    id: 'shares.shows-metadata',
    area: 'shares',
    broken: 'a share shows the metadata',
    killedBy: ['shares.preview/metadata-hidden'],
    handler: previewing((shown, { metadata }) => ({ ...shown, metadata })),
  },
  {
    id: 'shares.shows-archive',
    area: 'shares',
    broken: 'a share shows how much is archived',
    killedBy: ['shares.preview/archive-hidden'],
    handler: previewing((shown, { archived }) => ({ ...shown, archived })),
  },
  {
    id: 'shares.shows-no-name',
    area: 'shares',
    broken: 'a share hides the name of the snapshot too',
    killedBy: ['shares.preview/read-by-another'],
    handler: previewing((shown) => ({ ...shown, name: null })),
  },
  {
    id: 'shares.owner-only',
    area: 'shares',
    broken: 'a share is found for its owner only',
    killedBy: ['shares.preview/read-by-another'],
    handler: () => {
      const owners = new Set<string>();
      return (request, forward) => {
        const { authorization = '' } = request.headers;
        if (request.path.endsWith('/share')) owners.add(authorization);
        const isRead = request.path.startsWith('/v1/shares/') && !owners.has(authorization);
        return forward(isRead ? { path: '/v1/shares/shr_none' } : {});
      };
    },
  },
  {
    id: 'shares.others-only',
    area: 'shares',
    broken: 'a share is found for everybody but its owner',
    killedBy: ['shares.preview/read-by-its-owner'],
    handler: () => {
      const owners = new Set<string>();
      return (request, forward) => {
        const { authorization = '' } = request.headers;
        if (request.path.endsWith('/share')) owners.add(authorization);
        const isRead = request.path.startsWith('/v1/shares/') && owners.has(authorization);
        return forward(isRead ? { path: '/v1/shares/shr_none' } : {});
      };
    },
  },
  {
    id: 'shares.die-with-session',
    area: 'shares',
    broken: 'the shares of a session end with it',
    killedBy: ['shares.preview/outlives-session'],
    handler: () =>
      on('DELETE', '/v1/sessions/:id', async ({ ids: [id] }, forward) => {
        const { body } = await ask(forward, 'GET', `/v1/sessions/${id}/snapshots`);
        for (const taken of (body.data ?? []) as { id: string }[]) {
          await ask(forward, 'DELETE', `/v1/snapshots/${taken.id}/share`);
        }
        return forward();
      }),
  },
];
