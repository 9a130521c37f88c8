import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { type Handler, on } from '../../proxy.ts';
import { listedBy } from './support.ts';

const TAKE = '/v1/sessions/:id/snapshots';

/** Snapshots are taken otherwise than asked for. */
function taking(change: (body: Json) => Json): () => Handler {
  return () => on('POST', TAKE, ({ body }, forward) => forward({ body: change(body as Json) }));
}

/** What `preserve_len` says is not what is restored. */
export const SNAPSHOT_LENGTH_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.under-minimum-accepted',
    area: 'snapshots',
    broken: 'a preserve_len below the minimum is raised to it',
    killedBy: ['snapshots.preserve-len/less-refused'],
    handler: taking((body) =>
      typeof body.preserve_len === 'number'
        ? { ...body, preserve_len: Math.max(body.preserve_len, SMALL_LIMITS.min_preserve_tokens) }
        : body,
    ),
  },
  {
    id: 'snapshots.minimum-refused',
    area: 'snapshots',
    broken: 'the minimum itself is refused',
    killedBy: ['snapshots.preserve-len/minimum-accepted'],
    handler: taking((body) =>
      body.preserve_len === SMALL_LIMITS.min_preserve_tokens ? { ...body, preserve_len: 1 } : body,
    ),
  },
  {
    id: 'snapshots.preserve-len-ignored',
    area: 'snapshots',
    broken: 'preserve_len is noted, and all is restored',
    killedBy: [
      'snapshots.preserve-len/restores-the-newest',
      'snapshots.preserve-len/usage-of-both',
      'snapshots.as-truncate/same-messages',
    ],
    handler: () =>
      on('POST', TAKE, async ({ body }, forward) => {
        const { preserve_len = null, ...rest } = body as Json;
        return editSuccess(await forward({ body: rest }), (taken) => ({ ...taken, preserve_len }));
      }),
  },
  {
    id: 'snapshots.cuts-no-text',
    area: 'snapshots',
    broken: 'a newest message that is too large is restored whole',
    killedBy: ['snapshots.as-truncate/same-cut-text'],
    handler: listedBy((listed, window) => listed.map((one) => window.find(({ id }) => id === one.id) ?? one)),
  },
  {
    id: 'snapshots.unfit-accepted',
    area: 'snapshots',
    broken: 'a preserve_len that pins do not fit into is raised until they do',
    killedBy: ['snapshots.preserve-len/what-truncate-refuses-refused'],
    handler: () =>
      on('POST', TAKE, async ({ body }, forward) => {
        const response = await forward();
        const { preserve_len } = body as { preserve_len?: number };
        if (response.ok || Number(preserve_len) < SMALL_LIMITS.min_preserve_tokens) return response;
        return forward({ body: {} });
      }),
  },
  {
    id: 'snapshots.minimum-by-default',
    area: 'snapshots',
    broken: 'without preserve_len the minimum is restored',
    killedBy: ['snapshots.object/all-by-default', 'snapshots.object/usage-of-the-window'],
    handler: taking((body) => ({ preserve_len: SMALL_LIMITS.min_preserve_tokens, ...body })),
  },
];
