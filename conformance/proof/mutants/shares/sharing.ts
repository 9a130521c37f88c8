import { ask, editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { type Handler, json, on } from '../../proxy.ts';

const SHARE = '/v1/snapshots/:id/share';

/** Shares are made otherwise than asked for. */
export function sharing(change: (body: Json) => Json): () => Handler {
  return () => on('POST', SHARE, ({ body }, forward) => forward({ body: change((body ?? {}) as Json) }));
}

/** What becomes of sharing. */
export const SHARE_SHARING_MUTANTS: readonly Mutant[] = [
  {
    id: 'shares.shared-from-the-start',
    area: 'shares',
    broken: 'every snapshot is shared as soon as it is taken',
    killedBy: ['shares.sharing/not-shared-before'],
    handler: () =>
      on('POST', '/v1/sessions/:id/snapshots', async (_, forward) => {
        const response = await forward();
        if (!response.ok) return response;
        const { id } = (await response.json()) as Json;
        return forward({ path: `/v1/snapshots/${id}/share`, body: {} });
      }),
  },
  {
    id: 'shares.answers-without-id',
    area: 'shares',
    broken: 'sharing answers with the snapshot as it was before',
    killedBy: ['shares.sharing/shared'],
    handler: () =>
      on('POST', SHARE, async ({ ids: [id] }, forward) => {
        const { body } = await ask(forward, 'GET', `/v1/snapshots/${id}`);
        return editSuccess(await forward(), () => body);
      }),
  },
  {
    id: 'shares.not-told-when-read',
    area: 'shares',
    broken: 'a snapshot that is read does not tell its share',
    killedBy: ['shares.sharing/told-when-read'],
    handler: () =>
      on('GET', '/v1/snapshots/:id', async (_, forward) =>
        editSuccess(await forward(), (body) => ({ ...body, share: null })),
      ),
  },
  {
    id: 'shares.expire-by-default',
    area: 'shares',
    broken: 'a share without expires_in ends after a day',
    killedBy: ['shares.sharing/no-expiry-by-default'],
    handler: sharing((body) => ({ expires_in: 86_400, ...body })),
  },
  {
    id: 'shares.new-id-each-time',
    area: 'shares',
    broken: 'sharing again gives another share_id',
    killedBy: ['shares.sharing/same-id-again', 'shares.expiry/renewed'],
    handler: () =>
      on('POST', SHARE, async ({ path }, forward) => {
        await ask(forward, 'DELETE', path);
        return forward();
      }),
  },
  {
    id: 'shares.first-expiry-stays',
    area: 'shares',
    broken: 'sharing again keeps the first expiry',
    killedBy: ['shares.sharing/new-expiry'],
    handler: () =>
      on('POST', SHARE, async ({ ids: [id] }, forward) => {
        const response = await ask(forward, 'GET', `/v1/snapshots/${id}`);
        const { share } = response.body as { share?: { expires_at?: number | null } };
        return share && share.expires_at !== null ? json(response.body) : forward();
      }),
  },
  {
    id: 'shares.milliseconds',
    area: 'shares',
    broken: 'expires_in is taken for milliseconds',
    killedBy: ['shares.sharing/expires-from-now'],
    handler: sharing((body) =>
      Number.isInteger(body.expires_in) && Number(body.expires_in) > 0
        ? { ...body, expires_in: Math.ceil(Number(body.expires_in) / 1_000) }
        : body,
    ),
  },
  {
    id: 'shares.wrong-expiry-ignored',
    area: 'shares',
    broken: 'an expires_in that makes no sense is left out',
    killedBy: ['shares.sharing/wrong-expiry-refused'],
    handler: sharing(({ expires_in, ...rest }) =>
      Number.isInteger(expires_in) && Number(expires_in) > 0 ? { ...rest, expires_in } : rest,
    ),
  },
];
