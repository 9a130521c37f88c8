import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { on } from '../../proxy.ts';

const TAKE = '/v1/sessions/:id/snapshots';

/** What a snapshot says of itself. */
export const SNAPSHOT_OBJECT_MUTANTS: readonly Mutant[] = [
  {
    id: 'snapshots.ids-differ',
    area: 'snapshots',
    broken: 'snapshot_id is a handle of its own',
    killedBy: ['snapshots.object/one-id-two-names'],
    handler: () => async (request, forward) =>
      request.path.includes('/snapshots')
        ? editSuccess(await forward(), (body) =>
            'snapshot_id' in body ? { ...body, snapshot_id: `${body.id}v` } : body,
          )
        : forward(),
  },
  {
    id: 'snapshots.name-lost',
    area: 'snapshots',
    broken: 'the name is not kept',
    killedBy: ['snapshots.object/named-and-annotated'],
    handler: () =>
      on('POST', TAKE, ({ body }, forward) => {
        const { name: _, ...rest } = body as Json;
        return forward({ body: rest });
      }),
  },
  {
    id: 'snapshots.named-by-itself',
    area: 'snapshots',
    broken: 'a snapshot without a name is given one',
    killedBy: ['snapshots.object/nameless-by-default'],
    handler: () => on('POST', TAKE, ({ body }, forward) => forward({ body: { name: 'snapshot', ...(body as Json) } })),
  },
  {
    id: 'snapshots.metadata-unlimited',
    area: 'snapshots',
    broken: 'metadata beyond the limit is cut off in silence',
    killedBy: ['snapshots.object/too-much-metadata-refused'],
    handler: () =>
      on('POST', TAKE, ({ body }, forward) => {
        const { metadata = {}, ...rest } = body as { metadata?: object };
        return forward({ body: { ...rest, metadata: Object.fromEntries(Object.entries(metadata).slice(0, 16)) } });
      }),
  },
  {
    id: 'snapshots.read-differs',
    area: 'snapshots',
    broken: 'a snapshot that is read again does not tell its name',
    killedBy: ['snapshots.object/taken-and-read-again'],
    handler: () =>
      on('GET', '/v1/snapshots/:id', async (_, forward) =>
        editSuccess(await forward(), (body) => ({ ...body, name: null })),
      ),
  },
  {
    id: 'snapshots.tools-not-counted',
    area: 'snapshots',
    broken: 'the usage of a snapshot leaves its tools out',
    killedBy: ['snapshots.preserve-len/usage-of-both'],
    handler: () =>
      on('POST', TAKE, async (_, forward) =>
        editSuccess(await forward(), (body) => {
          const { total_tokens, tools_tokens, ...rest } = body.usage as { total_tokens: number; tools_tokens: number };
          return { ...body, usage: { ...rest, total_tokens: total_tokens - tools_tokens, tools_tokens: 0 } };
        }),
      ),
  },
];
