import { ask, editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, json, on } from '../../proxy.ts';
import { sharing } from './sharing.ts';

const SHARE = '/v1/snapshots/:id/share';
const NOT_FOUND = {
  error: { message: 'No such snapshot', type: 'resource_not_found_error', code: 'snapshot_not_found' },
};

/** Deletes the forks of a share when something ends it. */
function withForks(ends: RegExp): () => Handler {
  return () => {
    const forks: { path: string; authorization: string }[] = [];
    return chain(
      on('POST', '/v1/sessions', async ({ body, headers: { authorization = '' } }, forward) =>
        editSuccess(await forward(), (session) => {
          if ('share_id' in ((body ?? {}) as Json)) forks.push({ path: `/v1/sessions/${session.id}`, authorization });
          return session;
        }),
      ),
      async ({ method, path, headers }, forward) => {
        if (method === 'DELETE' && ends.test(path)) {
          for (const { path: fork, authorization } of forks.splice(0)) {
            await forward({ path: fork, headers: { ...headers, authorization } });
          }
        }
        return forward();
      },
    );
  };
}

/** How a share ends. */
export const SHARE_END_MUTANTS: readonly Mutant[] = [
  {
    id: 'shares.revoked-still-works',
    area: 'shares',
    broken: 'a revoked share is only not told any more',
    killedBy: ['shares.ends/revoked-not-read', 'shares.ends/revoked-not-forked'],
    handler: () =>
      on('DELETE', SHARE, async ({ ids: [id] }, forward) => {
        const { body, status } = await ask(forward, 'GET', `/v1/snapshots/${id}`);
        return json({ ...body, share: null }, status);
      }),
  },
  {
    id: 'shares.unsharing-tells-the-share',
    area: 'shares',
    broken: 'unsharing answers with the snapshot as it was before',
    killedBy: ['shares.sharing/unshared'],
    handler: () =>
      on('DELETE', SHARE, async ({ ids: [id] }, forward) => {
        const { body } = await ask(forward, 'GET', `/v1/snapshots/${id}`);
        return editSuccess(await forward(), () => body);
      }),
  },
  {
    id: 'shares.expired-still-works',
    area: 'shares',
    broken: 'the expiry is told, and not kept',
    killedBy: ['shares.expiry/expired-not-read', 'shares.expiry/expired-not-forked'],
    handler: sharing((body) => (body.expires_in === 1 ? { ...body, expires_in: 3_600 } : body)),
  },
  {
    id: 'shares.expired-still-forked',
    area: 'shares',
    broken: 'the expiry is looked at by readers, and not by forks',
    killedBy: ['shares.expiry/expired-not-forked'],
    handler: () => {
      let shared = { id: '', share_id: '', authorization: '' };
      return chain(
        on('POST', SHARE, async ({ ids: [id = ''], headers: { authorization = '' } }, forward) =>
          editSuccess(await forward(), (body) => {
            shared = { id, authorization, share_id: String((body.share as Json).share_id) };
            return body;
          }),
        ),
        on('POST', '/v1/sessions', async ({ body, headers }, forward) => {
          const response = await forward();
          if (response.ok || ((body ?? {}) as Json).share_id !== shared.share_id) return response;
          const { authorization, id } = shared;
          return forward({ headers: { ...headers, authorization }, body: { snapshot_id: id } });
        }),
      );
    },
  },
  {
    id: 'shares.expired-is-gone',
    area: 'shares',
    broken: 'an expired share cannot be renewed',
    killedBy: ['shares.expiry/renewed'],
    handler: () => {
      let expired = false;
      return chain(
        on('GET', '/v1/shares/:id', async (_, forward) => {
          const response = await forward();
          expired ||= response.status === 404;
          return response;
        }),
        on('POST', SHARE, (_, forward) => (expired ? Promise.resolve(json(NOT_FOUND, 404)) : forward())),
      );
    },
  },
  {
    id: 'shares.outlive-snapshot',
    area: 'shares',
    broken: 'a deleted snapshot can still be forked by its share',
    killedBy: ['shares.ends/deleted-not-read', 'shares.ends/deleted-not-forked'],
    handler: () => {
      const deleted = new Set<string>();
      return chain(
        on('DELETE', '/v1/snapshots/:id', ({ ids: [id = ''] }) => {
          const known = deleted.has(id);
          deleted.add(id);
          const gone = { id, object: 'session.snapshot.deleted', deleted: true };
          return Promise.resolve(known ? json(NOT_FOUND, 404) : json(gone));
        }),
        on('GET', '/v1/snapshots/:id', ({ ids: [id = ''] }, forward) =>
          deleted.has(id) ? Promise.resolve(json(NOT_FOUND, 404)) : forward(),
        ),
      );
    },
  },
  {
    id: 'shares.forks-die-when-revoked',
    area: 'shares',
    broken: 'revoking a share deletes what was forked from it',
    killedBy: ['shares.ends/revoked-fork-lives-on'],
    handler: withForks(/\/share$/),
  },
  {
    id: 'shares.forks-die-with-snapshot',
    area: 'shares',
    broken: 'deleting a snapshot deletes what others have forked from it',
    killedBy: ['shares.ends/deleted-fork-lives-on'],
    handler: withForks(/^\/v1\/snapshots\/[^/]+$/),
  },
  {
    id: 'shares.unknown-is-snapshot-not-found',
    area: 'shares',
    broken: 'an unknown share is refused as an unknown snapshot',
    killedBy: ['shares.sharing/never-known-refused'],
    handler: () =>
      on('GET', '/v1/shares/:id', async (_, forward) => {
        const response = await forward();
        return response.status === 404 ? json(NOT_FOUND, 404) : response;
      }),
  },
];
