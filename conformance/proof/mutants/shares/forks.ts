import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, on } from '../../proxy.ts';

const CREATE = '/v1/sessions';

function forking(change: (body: Json) => Json): () => Handler {
  return () =>
    on('POST', CREATE, ({ body }, forward) => {
      const asked = (body ?? {}) as Json;
      return forward('share_id' in asked ? { body: change(asked) } : {});
    });
}

/** What others fork. */
export const SHARE_FORK_MUTANTS: readonly Mutant[] = [
  {
    id: 'shares.gives-the-archive',
    area: 'shares',
    broken: 'a share gives the whole archive, whatever the snapshot restores',
    killedBy: ['shares.forks/what-is-restored'],
    handler: () => {
      let asked: unknown;
      // The snapshot is taken whole, and reads as the one that was asked for.
      return chain(
        on('POST', '/v1/sessions/:id/snapshots', ({ body }, forward) => {
          const { preserve_len, ...rest } = body as Json;
          asked = preserve_len;
          return forward({ body: rest });
        }),
        on('GET', '/v1/snapshots/:id/messages', async (_, forward) =>
          editSuccess(await forward(), (list) =>
            asked === undefined ? list : { ...list, data: (list.data as Json[]).slice(-4) },
          ),
        ),
      );
    },
  },
  {
    id: 'shares.more-on-request',
    area: 'shares',
    broken: 'a larger preserve_len of the fork reaches into the archive',
    killedBy: ['shares.forks/never-more'],
    handler: () => {
      const snapshots = new Map<string, { id: string; owner: string }>();
      const forks = new Map<string, string>();
      return chain(
        on('POST', '/v1/snapshots/:id/share', async ({ ids: [id = ''], headers }, forward) =>
          editSuccess(await forward(), (body) => {
            snapshots.set(String((body.share as Json).share_id), { id, owner: headers.authorization ?? '' });
            return body;
          }),
        ),
        on('POST', CREATE, async ({ body, headers }, forward) => {
          const { share_id, preserve_len } = (body ?? {}) as Json;
          const shared = snapshots.get(String(share_id));
          if (!shared || Number(preserve_len ?? 0) < 2 * SMALL_LIMITS.min_preserve_tokens) return forward();
          const response = await forward({
            headers: { ...headers, authorization: shared.owner },
            body: { snapshot_id: shared.id, preserve_len },
          });
          return editSuccess(response, (fork) => {
            forks.set(String(fork.id), shared.owner);
            return fork;
          });
        }),
        (request, forward) => {
          const owner = forks.get(request.path.split('/')[3] ?? '');
          return forward(owner === undefined ? {} : { headers: { ...request.headers, authorization: owner } });
        },
      );
    },
  },
  {
    id: 'shares.preserve-len-ignored',
    area: 'shares',
    broken: 'preserve_len does not count for forks of a share',
    killedBy: ['shares.forks/less-on-request', 'shares.forks/under-minimum-refused'],
    handler: forking(({ preserve_len: _, ...rest }) => rest),
  },
  {
    id: 'shares.forks-lose-tools',
    area: 'shares',
    broken: 'tools stay with the owner',
    killedBy: ['shares.forks/tools-and-pins'],
    handler: () =>
      on('POST', CREATE, async ({ body }, forward) => {
        const response = await forward();
        if (!response.ok || !('share_id' in ((body ?? {}) as Json))) return response;
        const { id } = (await response.json()) as Json;
        return forward({ path: `/v1/sessions/${id}`, body: { tools: [] } });
      }),
  },
  {
    id: 'shares.origin-is-the-snapshot',
    area: 'shares',
    broken: 'a fork of a share tells the id of the snapshot',
    killedBy: ['shares.forks/names-the-share'],
    handler: () => {
      const snapshots = new Map<string, string>();
      return chain(
        on('POST', '/v1/snapshots/:id/share', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (body) => {
            snapshots.set(String((body.share as Json).share_id), id);
            return body;
          }),
        ),
        on('GET', '/v1/sessions/:id', async (_, forward) =>
          editSuccess(await forward(), (body) => {
            const { share_id } = (body.forked_from ?? {}) as Json;
            return share_id === undefined
              ? body
              : { ...body, forked_from: { snapshot_id: snapshots.get(String(share_id)) } };
          }),
        ),
      );
    },
  },
];
