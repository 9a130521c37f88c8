import { ask, editSuccess } from '../../proof/asking.ts';
import type { Json } from '../../proof/edits.ts';
import type { Mutant } from '../../proof/mutant.ts';
import { chain, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const SHARE = '/v1/snapshots/:id/share';

/** Shares are made otherwise than asked for. */
function sharing(change: (body: Json) => Json): () => Handler {
  return () => on('POST', SHARE, ({ body }, forward) => forward({ body: change((body ?? {}) as Json) }));
}

/** What becomes of sharing. */
const SHARE_SHARING_MUTANTS: readonly Mutant[] = [
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
const SHARE_END_MUTANTS: readonly Mutant[] = [
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

const CREATE = '/v1/sessions';

function forking(change: (body: Json) => Json): () => Handler {
  return () =>
    on('POST', CREATE, ({ body }, forward) => {
      const asked = (body ?? {}) as Json;
      return forward('share_id' in asked ? { body: change(asked) } : {});
    });
}

/** What others fork. */
const SHARE_FORK_MUTANTS: readonly Mutant[] = [
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
const SHARE_PREVIEW_MUTANTS: readonly Mutant[] = [
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
const SHARE_WRITE_MUTANTS: readonly Mutant[] = [
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

export const SHARES_MUTANTS: readonly Mutant[] = [
  ...SHARE_SHARING_MUTANTS,
  ...SHARE_PREVIEW_MUTANTS,
  ...SHARE_FORK_MUTANTS,
  ...SHARE_WRITE_MUTANTS,
  ...SHARE_END_MUTANTS,
];
