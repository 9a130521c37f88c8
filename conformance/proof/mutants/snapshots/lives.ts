import { ask, editSuccess } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { answer, type Handler, json, on } from '../../proxy.ts';

const TAKE = '/v1/sessions/:id/snapshots';

/** Whoever asks, the key that took the snapshot is used. */
function asOwner(applies: (method: string, path: string) => boolean): () => Handler {
  return () => {
    let owner: string | undefined;
    return (request, forward) => {
      if (request.method === 'POST' && /\/snapshots$/.test(request.path)) owner ??= request.headers.authorization;
      if (owner === undefined || !applies(request.method, request.path)) return forward();
      return forward({ headers: { ...request.headers, authorization: owner } });
    };
  };
}

const LIVES: readonly Mutant[] = [
  {
    id: 'snapshots.die-with-session',
    area: 'snapshots',
    broken: 'the snapshots of a session are deleted with it',
    killedBy: ['snapshots.immutable/after-deletion', 'snapshots.lists/of-a-deleted-session'],
    handler: () =>
      on('DELETE', '/v1/sessions/:id', async ({ ids: [id] }, forward) => {
        const { body } = await ask(forward, 'GET', `/v1/sessions/${id}/snapshots`, undefined, '?limit=100');
        for (const taken of (body.data ?? []) as { id: string }[]) {
          await ask(forward, 'DELETE', `/v1/snapshots/${taken.id}`);
        }
        return forward();
      }),
  },
  {
    id: 'snapshots.deleted-session-answers',
    area: 'snapshots',
    broken: 'the snapshots of a deleted session are still listed under it',
    killedBy: ['snapshots.lists/session-gone'],
    handler: () =>
      on('GET', TAKE, async (_, forward) => {
        const response = await forward();
        return response.ok ? response : forward({ path: '/v1/snapshots' });
      }),
  },
  {
    id: 'snapshots.delete-does-nothing',
    area: 'snapshots',
    broken: 'a deleted snapshot is only hidden from the lists',
    killedBy: ['snapshots.delete/gone', 'snapshots.delete/second-delete-refused'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ ids: [id = ''], path }, forward) => {
        const { status, body } = await ask(forward, 'GET', path);
        return json(status === 200 ? { id, object: 'session.snapshot.deleted', deleted: true } : body, status);
      }),
  },
  {
    id: 'snapshots.delete-answers-nothing',
    area: 'snapshots',
    broken: 'deleting answers with an empty object',
    killedBy: ['snapshots.delete/deleted'],
    handler: () => on('DELETE', '/v1/snapshots/:id', async (_, forward) => editSuccess(await forward(), () => ({}))),
  },
  {
    id: 'snapshots.delete-takes-all',
    area: 'snapshots',
    broken: 'deleting one snapshot deletes all of its session',
    killedBy: ['snapshots.delete/others-stay'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ path }, forward) => {
        const { body } = await ask(forward, 'GET', path);
        const list = await ask(forward, 'GET', `/v1/sessions/${body.session_id}/snapshots`);
        for (const { id } of (list.body.data ?? []) as { id: string }[]) {
          if (id !== body.id) await ask(forward, 'DELETE', `/v1/snapshots/${id}`);
        }
        return forward();
      }),
  },
  {
    id: 'snapshots.delete-steps-version',
    area: 'snapshots',
    broken: 'deleting a snapshot counts as a change of its session',
    killedBy: ['snapshots.delete/session-unchanged'],
    handler: () =>
      on('DELETE', '/v1/snapshots/:id', async ({ path, headers }, forward) => {
        const { body } = await ask(forward, 'GET', path);
        await forward({
          method: 'POST',
          path: `/v1/sessions/${body.session_id}`,
          headers: { ...headers, 'content-type': 'application/json' },
          body: { title: 'one snapshot less' },
        });
        return forward();
      }),
  },
  {
    id: 'snapshots.unknown-is-empty',
    area: 'snapshots',
    broken: 'the messages of a snapshot that nobody took are an empty list',
    killedBy: ['snapshots.delete/never-known-refused', 'snapshots.delete/gone'],
    handler: () =>
      on('GET', '/v1/snapshots/:id/messages', async (_, forward) => {
        const response = await forward();
        if (response.status !== 404) return response;
        const list = { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
        return answer(response, JSON.stringify(list), 200);
      }),
  },
  {
    id: 'snapshots.listed-oldest-first',
    area: 'snapshots',
    broken: 'snapshots are listed oldest first',
    killedBy: ['snapshots.lists/of-the-session', 'snapshots.lists/of-the-account'],
    handler: () => (request, forward) =>
      request.method === 'GET' && request.path.endsWith('/snapshots')
        ? forward({ search: `${request.search === '' ? '?' : `${request.search}&`}order=asc` })
        : forward(),
  },
  {
    id: 'snapshots.listed-for-all-sessions',
    area: 'snapshots',
    broken: 'the list of a session is that of the account',
    killedBy: ['snapshots.lists/of-the-session'],
    handler: () => on('GET', TAKE, (_, forward) => forward({ path: '/v1/snapshots' })),
  },
];

const ACCOUNTS: readonly Mutant[] = [
  {
    id: 'snapshots.read-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a snapshot reads it',
    killedBy: ['snapshots.hidden/not-read', 'snapshots.hidden/messages-not-read'],
    handler: asOwner((method, path) => method === 'GET' && /^\/v1\/snapshots\//.test(path)),
  },
  {
    id: 'snapshots.deleted-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a snapshot deletes it',
    killedBy: ['snapshots.hidden/not-deleted'],
    handler: asOwner((method, path) => method === 'DELETE' && /^\/v1\/snapshots\//.test(path)),
  },
  {
    id: 'snapshots.listed-for-anyone',
    area: 'snapshots',
    broken: 'the list of snapshots is that of all accounts',
    killedBy: ['snapshots.hidden/not-listed'],
    handler: asOwner((method, path) => method === 'GET' && path === '/v1/snapshots'),
  },
  {
    id: 'snapshots.taken-by-anyone',
    area: 'snapshots',
    broken: 'whoever knows the id of a session takes snapshots of it',
    killedBy: ['snapshots.hidden/none-taken'],
    handler: asOwner((method, path) => method === 'POST' && path.endsWith('/snapshots')),
  },
];

/** How long a snapshot lives, where it is listed, and for whom. */
export const SNAPSHOT_LIFE_MUTANTS: readonly Mutant[] = [...LIVES, ...ACCOUNTS];
