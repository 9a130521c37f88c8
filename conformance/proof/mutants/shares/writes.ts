import { editSuccess } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, type Handler, on, type Passing } from '../../proxy.ts';

/** The key that shares is used for some requests, whoever sends them. */
function asOwner(applies: (request: Passing) => boolean): () => Handler {
  return () => {
    let owner: string | undefined;
    return (request, forward) => {
      if (request.method === 'POST' && request.path.endsWith('/share')) owner ??= request.headers.authorization;
      if (owner === undefined || !applies(request)) return forward();
      return forward({ headers: { ...request.headers, authorization: owner } });
    };
  };
}

/** What a share lets others do. */
export const SHARE_WRITE_MUTANTS: readonly Mutant[] = [
  {
    id: 'shares.grantee-reads-snapshot',
    area: 'shares',
    broken: 'who may fork may read the snapshot by its id',
    killedBy: ['shares.read-only/snapshot-not-read', 'shares.read-only/messages-not-read'],
    handler: asOwner(({ method, path }) => method === 'GET' && path.startsWith('/v1/snapshots/')),
  },
  {
    id: 'shares.grantee-deletes',
    area: 'shares',
    broken: 'who may fork may delete the snapshot',
    killedBy: ['shares.read-only/not-deleted'],
    handler: asOwner(({ method, path }) => method === 'DELETE' && /^\/v1\/snapshots\/[^/]+$/.test(path)),
  },
  {
    id: 'shares.grantee-shares-on',
    area: 'shares',
    broken: 'who may fork may share the snapshot with another expiry',
    killedBy: ['shares.read-only/not-shared-on'],
    handler: asOwner(({ method, path }) => method === 'POST' && path.endsWith('/share')),
  },
  {
    id: 'shares.grantee-unshares',
    area: 'shares',
    broken: 'who may fork may end the share',
    killedBy: ['shares.read-only/not-unshared'],
    handler: asOwner(({ method, path }) => method === 'DELETE' && path.endsWith('/share')),
  },
  {
    id: 'shares.grantee-rolls-back',
    area: 'shares',
    broken: 'a fork may be rolled back to the snapshot that it was shared from',
    killedBy: ['shares.read-only/not-rolled-back-to'],
    handler: () =>
      on('POST', '/v1/sessions/:id/rollback', async ({ ids: [id] }, forward) => {
        const response = await forward();
        return response.ok ? response : forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
      }),
  },
  {
    id: 'shares.listed-for-grantees',
    area: 'shares',
    broken: 'shared snapshots are in the lists of all accounts',
    killedBy: ['shares.read-only/not-listed'],
    handler: asOwner(({ method, path }) => method === 'GET' && path === '/v1/snapshots'),
  },
  {
    id: 'shares.grantee-writes-session',
    area: 'shares',
    broken: 'who may fork may write to the session',
    killedBy: ['shares.read-only/session-not-read'],
    handler: asOwner(({ path }) => /^\/v1\/sessions\/[^/]+/.test(path)),
  },
  {
    id: 'shares.snapshot-id-is-enough',
    area: 'shares',
    broken: 'the id of a shared snapshot is as good as its share_id',
    killedBy: ['shares.read-only/ids-not-exchanged'],
    handler: () => {
      const shares = new Map<string, string>();
      return chain(
        on('POST', '/v1/snapshots/:id/share', async ({ ids: [id = ''] }, forward) =>
          editSuccess(await forward(), (body) => {
            shares.set(id, String((body.share as Json).share_id));
            return body;
          }),
        ),
        on('GET', '/v1/shares/:id', ({ ids: [id = ''] }, forward) =>
          forward({ path: `/v1/shares/${shares.get(id) ?? id}` }),
        ),
      );
    },
  },
  {
    id: 'shares.fork-changes-owner',
    area: 'shares',
    broken: 'what is appended to a fork is appended to the session of the owner',
    killedBy: ['shares.forks/session-unchanged'],
    handler: () => {
      let source = { path: '', authorization: '' };
      return chain(
        on('POST', '/v1/sessions/:id/snapshots', ({ ids: [id], headers: { authorization = '' } }, forward) => {
          source = { path: `/v1/sessions/${id}/messages`, authorization };
          return forward();
        }),
        on('POST', '/v1/sessions/:id/messages', async ({ headers }, forward) => {
          const { path, authorization } = source;
          const isFork = authorization !== '' && headers.authorization !== authorization;
          if (isFork) await forward({ path, headers: { ...headers, authorization } });
          return forward();
        }),
      );
    },
  },
  {
    id: 'shares.fork-changes-snapshot',
    area: 'shares',
    broken: 'what is appended to a fork shows in the snapshot',
    killedBy: ['shares.forks/snapshot-unchanged'],
    handler: () => {
      const written: Json[] = [];
      let shared = false;
      return chain(
        on('POST', '/v1/snapshots/:id/share', (_, forward) => {
          shared = true;
          return forward();
        }),
        on('POST', '/v1/sessions/:id/messages', async (_, forward) =>
          editSuccess(await forward(), (body) => {
            if (shared) written.push(...(body.data as Json[]));
            return body;
          }),
        ),
        on('GET', '/v1/snapshots/:id/messages', async (_, forward) =>
          editSuccess(await forward(), (list) => ({ ...list, data: [...(list.data as Json[]), ...written] })),
        ),
      );
    },
  },
];
