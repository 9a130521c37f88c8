import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, editJson, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { ask, editAnswers, editBodies, editSuccess, noteRequests } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('shares', { answersAsBefore, asOwner, forking, previewing, sharing, withForks, hiddenFrom });

const SHARE = '/v1/snapshots/:id/share';

/** Shares are made otherwise than asked for. */
function sharing(change: (body: Json) => Json): Handler {
  return editBodies('POST', SHARE, change);
}

/** The answer shows the snapshot as it was. */
function answersAsBefore(method: 'POST' | 'DELETE'): Handler {
  return on(method, SHARE, async ({ ids: [id] }, forward) => {
    const { body } = await ask(forward, 'GET', `/v1/snapshots/${id}`);
    return editSuccess(await forward(), () => body);
  });
}

/** What becomes of sharing. */
const SHARE_SHARING_MUTANTS = [
  mutant('shared-from-the-start', 'every snapshot is shared as soon as it is taken')
    .caughtBy('shares.sharing/not-shared-before')
    .on('POST', '/v1/sessions/:id/snapshots', async (_, forward) => {
      const response = await forward();
      if (!response.ok) return response;
      const { id } = (await response.json()) as Json;
      return forward({ path: `/v1/snapshots/${id}/share`, body: {} });
    }),
  mutant('answers-without-id', 'sharing answers with the snapshot as it was before')
    .caughtBy('shares.sharing/shared')
    .answersAsBefore('POST'),
  mutant('not-told-when-read', 'a snapshot does not show its share when read')
    .caughtBy('shares.sharing/told-when-read')
    .editAnswers('GET', '/v1/snapshots/:id', (body) => ({ ...body, share: null })),
  mutant('expire-by-default', 'a share without expires_in ends after a day')
    .caughtBy('shares.sharing/no-expiry-by-default')
    .sharing((body) => ({ expires_in: 86_400, ...body })),
  mutant('new-id-each-time', 'sharing again gives another share_id')
    .caughtBy('shares.sharing/same-id-again', 'shares.expiry/renewed')
    .on('POST', SHARE, async ({ path }, forward) => {
      await ask(forward, 'DELETE', path);
      return forward();
    }),
  mutant('first-expiry-stays', 'sharing again keeps the first expiry')
    .caughtBy('shares.sharing/new-expiry')
    .on('POST', SHARE, async ({ ids: [id] }, forward) => {
      const response = await ask(forward, 'GET', `/v1/snapshots/${id}`);
      const { share } = response.body as { share?: { expires_at?: number | null } };
      return share && share.expires_at !== null ? json(response.body) : forward();
    }),
  mutant('milliseconds', 'expires_in is taken for milliseconds')
    .caughtBy('shares.sharing/expires-from-now')
    .sharing((body) =>
      Number.isInteger(body.expires_in) && Number(body.expires_in) > 0
        ? { ...body, expires_in: Math.ceil(Number(body.expires_in) / 1_000) }
        : body,
    ),
  mutant('wrong-expiry-ignored', 'an expires_in that makes no sense is left out')
    .caughtBy('shares.sharing/wrong-expiry-refused')
    .sharing(({ expires_in, ...rest }) =>
      Number.isInteger(expires_in) && Number(expires_in) > 0 ? { ...rest, expires_in } : rest,
    ),
];

const NOT_FOUND = {
  error: { message: 'No such snapshot', type: 'resource_not_found_error', code: 'snapshot_not_found' },
};

/** Deletes the forks of a share when something ends it. */
function withForks(ends: RegExp): Handler {
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
}

/** How a share ends. */
const SHARE_END_MUTANTS = [
  mutant('revoked-still-works', 'a revoked share is hidden but still works')
    .caughtBy('shares.ends/revoked-not-read revoked-not-forked')
    .on('DELETE', SHARE, async ({ ids: [id] }, forward) => {
      const { body, status } = await ask(forward, 'GET', `/v1/snapshots/${id}`);
      return json({ ...body, share: null }, status);
    }),
  mutant('unsharing-tells-the-share', 'unsharing answers with the snapshot as it was before')
    .caughtBy('shares.sharing/unshared')
    .answersAsBefore('DELETE'),
  mutant('expired-still-works', 'the expiry is stated but not enforced')
    .caughtBy('shares.expiry/expired-not-read expired-not-forked')
    .sharing((body) => (body.expires_in === 1 ? { ...body, expires_in: 3_600 } : body)),
  mutant('expired-still-forked', 'the expiry is looked at by readers, and not by forks')
    .caughtBy('shares.expiry/expired-not-forked')
    .proxy(() => {
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
    }),
  mutant('expired-is-gone', 'an expired share cannot be renewed')
    .caughtBy('shares.expiry/renewed')
    .proxy(() => {
      let expired = false;
      return chain(
        on('GET', '/v1/shares/:id', async (_, forward) => {
          const response = await forward();
          expired ||= response.status === 404;
          return response;
        }),
        on('POST', SHARE, (_, forward) => (expired ? Promise.resolve(json(NOT_FOUND, 404)) : forward())),
      );
    }),
  mutant('outlive-snapshot', 'a deleted snapshot can still be forked by its share')
    .caughtBy('shares.ends/deleted-not-read deleted-not-forked')
    .proxy(() => {
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
    }),
  mutant('forks-die-when-revoked', 'revoking a share deletes what was forked from it')
    .caughtBy('shares.ends/revoked-fork-lives-on')
    .withForks(/\/share$/),
  mutant('forks-die-with-snapshot', 'deleting a snapshot deletes what others have forked from it')
    .caughtBy('shares.ends/deleted-fork-lives-on')
    .withForks(/^\/v1\/snapshots\/[^/]+$/),
  mutant('unknown-is-snapshot-not-found', 'an unknown share is refused as an unknown snapshot')
    .caughtBy('shares.sharing/never-known-refused')
    .on('GET', '/v1/shares/:id', async (_, forward) => {
      const response = await forward();
      return response.status === 404 ? json(NOT_FOUND, 404) : response;
    }),
];

const CREATE = '/v1/sessions';

function forking(change: (body: Json) => Json): Handler {
  return on('POST', CREATE, ({ body }, forward) => {
    const asked = (body ?? {}) as Json;
    return forward('share_id' in asked ? { body: change(asked) } : {});
  });
}

/** What others fork. */
const SHARE_FORK_MUTANTS = [
  mutant('gives-the-archive', 'a share gives the whole archive, whatever the snapshot restores')
    .caughtBy('shares.forks/what-is-restored')
    .proxy(() => {
      let asked: unknown;
      // The snapshot is taken whole, and reads as the one that was asked for.
      return chain(
        editBodies('POST', '/v1/sessions/:id/snapshots', (body) => {
          const { preserve_len, ...rest } = body;
          asked = preserve_len;
          return rest;
        }),
        editAnswers('GET', '/v1/snapshots/:id/messages', (list) =>
          asked === undefined ? list : { ...list, data: (list.data as Json[]).slice(-4) },
        ),
      );
    }),
  mutant('more-on-request', 'a larger preserve_len of the fork reaches into the archive')
    .caughtBy('shares.forks/never-more')
    .proxy(() => {
      const snapshots = new Map<string, { id: string; owner: string }>();
      const forks = new Map<string, string>();
      return chain(
        on('POST', SHARE, async ({ ids: [id = ''], headers }, forward) =>
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
    }),
  mutant('preserve-len-ignored', 'preserve_len does not count for forks of a share')
    .caughtBy('shares.forks/less-on-request under-minimum-refused')
    .forking(({ preserve_len: _, ...rest }) => rest),
  mutant('forks-lose-tools', 'tools stay with the owner')
    .caughtBy('shares.forks/tools-and-pins')
    .on('POST', CREATE, async ({ body }, forward) => {
      const response = await forward();
      if (!response.ok || !('share_id' in ((body ?? {}) as Json))) return response;
      const { id } = (await response.json()) as Json;
      return forward({ path: `/v1/sessions/${id}`, body: { tools: [] } });
    }),
  mutant('origin-is-the-snapshot', 'a fork of a share shows the id of the snapshot')
    .caughtBy('shares.forks/names-the-share')
    .proxy(() => {
      const snapshots = new Map<string, string>();
      return chain(
        editAnswers('POST', SHARE, (body, [id = '']) => void snapshots.set(String((body.share as Json).share_id), id)),
        editAnswers('GET', '/v1/sessions/:id', (body) => {
          const { share_id } = (body.forked_from ?? {}) as Json;
          return share_id === undefined
            ? body
            : { ...body, forked_from: { snapshot_id: snapshots.get(String(share_id)) } };
        }),
      );
    }),
];

/** Changes what others see of a share, knowing what its owner sees. */
function previewing(edit: (shown: Json, owned: Json) => Json): Handler {
  const owned = new Map<string, Json>();
  return chain(
    editAnswers('POST', SHARE, (body) => void owned.set(String((body.share as Json).share_id), body)),
    editAnswers('GET', '/v1/shares/:id', (shown, [id = '']) => edit(shown, owned.get(id) ?? {})),
  );
}

/** Shares are not found by those whom `hides` names. */
function hiddenFrom(hides: (isOwner: boolean) => boolean): Handler {
  const owners = new Set<string>();
  return ({ path, headers: { authorization = '' } }, forward) => {
    if (path.endsWith('/share')) owners.add(authorization);
    const isHidden = path.startsWith('/v1/shares/') && hides(owners.has(authorization));
    return forward(isHidden ? { path: '/v1/shares/shr_none' } : {});
  };
}

/** What a share shows. */
const SHARE_PREVIEW_MUTANTS = [
  mutant('shows-session', 'a share shows the id of the session')
    .caughtBy('shares.preview/session-hidden')
    .previewing((shown, { session_id }) => ({ ...shown, session_id })),
  mutant('shows-metadata', 'a share shows the metadata')
    .caughtBy('shares.preview/metadata-hidden')
    .previewing((shown, { metadata }) => ({ ...shown, metadata })),
  mutant('shows-archive', 'a share shows how much is archived')
    .caughtBy('shares.preview/archive-hidden')
    .previewing((shown, { archived }) => ({ ...shown, archived })),
  mutant('shows-no-name', 'a share hides the name of the snapshot too')
    .caughtBy('shares.preview/read-by-another')
    .previewing((shown) => ({ ...shown, name: null })),
  mutant('owner-only', 'a share is found for its owner only')
    .caughtBy('shares.preview/read-by-another')
    .hiddenFrom((isOwner) => !isOwner),
  mutant('others-only', 'a share is found for everybody but its owner')
    .caughtBy('shares.preview/read-by-its-owner')
    .hiddenFrom((isOwner) => isOwner),
  mutant('die-with-session', 'the shares of a session end with it')
    .caughtBy('shares.preview/outlives-session')
    .on('DELETE', '/v1/sessions/:id', async ({ ids: [id] }, forward) => {
      const { body } = await ask(forward, 'GET', `/v1/sessions/${id}/snapshots`);
      for (const taken of (body.data ?? []) as { id: string }[]) {
        await ask(forward, 'DELETE', `/v1/snapshots/${taken.id}/share`);
      }
      return forward();
    }),
];

/** The key that shares is used for some requests, whoever sends them. */
function asOwner(applies: (request: Passing) => boolean): Handler {
  let owner: string | undefined;
  return (request, forward) => {
    if (request.method === 'POST' && request.path.endsWith('/share')) owner ??= request.headers.authorization;
    if (owner === undefined || !applies(request)) return forward();
    return forward({ headers: { ...request.headers, authorization: owner } });
  };
}

/** What a share lets others do. */
const SHARE_WRITE_MUTANTS = [
  mutant('grantee-reads-snapshot', 'who may fork may read the snapshot by its id')
    .caughtBy('shares.read-only/snapshot-not-read messages-not-read')
    .asOwner(({ method, path }) => method === 'GET' && path.startsWith('/v1/snapshots/')),
  mutant('grantee-deletes', 'who may fork may delete the snapshot')
    .caughtBy('shares.read-only/not-deleted')
    .asOwner(({ method, path }) => method === 'DELETE' && /^\/v1\/snapshots\/[^/]+$/.test(path)),
  mutant('grantee-shares-on', 'who may fork may share the snapshot with another expiry')
    .caughtBy('shares.read-only/not-shared-on')
    .asOwner(({ method, path }) => method === 'POST' && path.endsWith('/share')),
  mutant('grantee-unshares', 'who may fork may end the share')
    .caughtBy('shares.read-only/not-unshared')
    .asOwner(({ method, path }) => method === 'DELETE' && path.endsWith('/share')),
  mutant('grantee-rolls-back', 'a fork may be rolled back to the snapshot that it was shared from')
    .caughtBy('shares.read-only/not-rolled-back-to')
    .on('POST', '/v1/sessions/:id/rollback', async ({ ids: [id] }, forward) => {
      const response = await forward();
      return response.ok ? response : forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
    }),
  mutant('listed-for-grantees', 'shared snapshots are in the lists of all accounts')
    .caughtBy('shares.read-only/not-listed')
    .asOwner(({ method, path }) => method === 'GET' && path === '/v1/snapshots'),
  mutant('grantee-writes-session', 'who may fork may write to the session')
    .caughtBy('shares.read-only/session-not-read')
    .asOwner(({ path }) => /^\/v1\/sessions\/[^/]+/.test(path)),
  mutant('snapshot-id-is-enough', 'the id of a shared snapshot is as good as its share_id')
    .caughtBy('shares.read-only/ids-not-exchanged')
    .proxy(() => {
      const shares = new Map<string, string>();
      return chain(
        editAnswers('POST', SHARE, (body, [id = '']) => void shares.set(id, String((body.share as Json).share_id))),
        on('GET', '/v1/shares/:id', ({ ids: [id = ''] }, forward) =>
          forward({ path: `/v1/shares/${shares.get(id) ?? id}` }),
        ),
      );
    }),
  mutant('fork-changes-owner', 'what is appended to a fork is appended to the session of the owner')
    .caughtBy('shares.forks/session-unchanged')
    .proxy(() => {
      let source = { path: '', authorization: '' };
      return chain(
        noteRequests('POST', '/v1/sessions/:id/snapshots', ({ ids: [id], headers: { authorization = '' } }) => {
          source = { path: `/v1/sessions/${id}/messages`, authorization };
        }),
        on('POST', '/v1/sessions/:id/messages', async ({ headers }, forward) => {
          const { path, authorization } = source;
          const isFork = authorization !== '' && headers.authorization !== authorization;
          if (isFork) await forward({ path, headers: { ...headers, authorization } });
          return forward();
        }),
      );
    }),
  mutant('fork-changes-snapshot', 'what is appended to a fork shows in the snapshot')
    .caughtBy('shares.forks/snapshot-unchanged')
    .proxy(() => {
      const written: Json[] = [];
      let shared = false;
      return chain(
        noteRequests('POST', SHARE, (_) => {
          shared = true;
        }),
        editAnswers('POST', '/v1/sessions/:id/messages', (body) => {
          if (shared) written.push(...(body.data as Json[]));
        }),
        editAnswers('GET', '/v1/snapshots/:id/messages', (list) => ({
          ...list,
          data: [...(list.data as Json[]), ...written],
        })),
      );
    }),
];

export const SHARES_MUTANTS: readonly Mutant[] = [
  ...(['/v1/snapshots', '/v1/sessions/:id/snapshots'] as const).map((route, place) =>
    mutant(`unlisted-${place === 0 ? 'of-account' : 'of-session'}`, `GET ${route} does not show what is shared`)
      .caughtBy('shares.sharing/told-when-read')
      .on('GET', route, async (_, forward) =>
        editJson(await forward(), (page: Json) => ({
          ...page,
          data: (page.data as Json[] | undefined)?.map((item) => ({ ...item, share: null })),
        })),
      ),
  ),
  mutant('preview-without-expiry', 'a share does not show its expiry to who reads it by its id')
    .caughtBy('shares.sharing/new-expiry')
    .on('GET', '/v1/shares/:id', async (_, forward) =>
      editJson(await forward(), (body: Json) => ({
        ...body,
        ...(body.share ? { share: { ...(body.share as Json), expires_at: null } } : {}),
      })),
    ),
  mutant('unshared-twice', 'a share that has ended can be ended again')
    .caughtBy('shares.sharing/unshared')
    .on('DELETE', '/v1/snapshots/:id/share', async ({ ids: [id] }, forward) => {
      const response = await forward();
      return response.status === 404 ? forward({ method: 'GET', path: `/v1/snapshots/${id}` }) : response;
    }),
  ...SHARE_SHARING_MUTANTS,
  ...SHARE_PREVIEW_MUTANTS,
  ...SHARE_FORK_MUTANTS,
  ...SHARE_WRITE_MUTANTS,
  ...SHARE_END_MUTANTS,
];
