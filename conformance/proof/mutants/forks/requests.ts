import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { ask } from '../../asking.ts';
import { deep, type Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editJson, type Handler, json, on } from '../../proxy.ts';

const CREATE = '/v1/sessions';

/** Forks are made otherwise than asked for. */
function forking(change: (body: Json) => Json): () => Handler {
  return () =>
    on('POST', CREATE, ({ body }, forward) => {
      const asked = (body ?? {}) as Json;
      return forward('snapshot_id' in asked ? { body: change(asked) } : {});
    });
}

/** Leaves fields out that should have been refused. */
function without(...fields: string[]): () => Handler {
  return forking((body) => Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field))));
}

export const FORK_REQUEST_MUTANTS: readonly Mutant[] = [
  {
    id: 'forks.fields-ignored',
    area: 'forks',
    broken: 'fields that do not go with a fork are ignored in silence',
    killedBy: ['forks.fields/model-refused', 'forks.fields/tools-refused', 'forks.fields/messages-refused'],
    handler: without('model', 'tools', 'messages'),
  },
  {
    id: 'forks.first-origin-taken',
    area: 'forks',
    broken: 'of two origins the snapshot is taken',
    killedBy: ['forks.fields/two-origins-refused'],
    handler: without('share_id'),
  },
  {
    id: 'forks.preserve-len-needs-nothing',
    area: 'forks',
    broken: 'preserve_len is accepted where nothing is forked',
    killedBy: ['forks.fields/preserve-len-alone-refused'],
    handler: () =>
      on('POST', CREATE, ({ body }, forward) => {
        const { preserve_len, ...rest } = (body ?? {}) as Json;
        return forward('snapshot_id' in rest || preserve_len === undefined ? {} : { body: rest });
      }),
  },
  {
    id: 'forks.unknown-is-new',
    area: 'forks',
    broken: 'the fork of a snapshot that is gone is an empty session',
    killedBy: ['forks.fields/deleted-refused', 'forks.fields/never-known-refused', 'forks.hidden/refused'],
    handler: () =>
      on('POST', CREATE, async (_, forward) => {
        const response = await forward();
        return response.status === 404 ? forward({ body: {} }) : response;
      }),
  },
  {
    id: 'forks.need-the-session',
    area: 'forks',
    broken: 'a snapshot cannot be forked once its session is gone',
    killedBy: ['forks.fields/deleted-session-forked'],
    handler: () => {
      const gone = new Set<string>();
      return chain(
        on('DELETE', '/v1/sessions/:id', ({ ids: [id = ''] }, forward) => {
          gone.add(id);
          return forward();
        }),
        // What is read of the deleted session's data is gone too.
        (request, forward) => {
          const error = { message: 'gone', type: 'resource_not_found_error', code: 'session_not_found' };
          const isFork =
            request.method === 'POST' && request.path === CREATE && 'snapshot_id' in (request.body as Json);
          const isRead = request.method === 'GET' && /^\/v1\/sessions\/[^/]+/.test(request.path);
          return gone.size > 0 && (isFork || isRead) ? Promise.resolve(json({ error }, 404)) : forward();
        },
      );
    },
  },
  {
    id: 'forks.preserve-len-ignored',
    area: 'forks',
    broken: 'a preserve_len of the fork is ignored',
    killedBy: ['forks.preserve-len/less-on-request', 'forks.preserve-len/more-on-request'],
    handler: without('preserve_len'),
  },
  {
    id: 'forks.always-all',
    area: 'forks',
    broken: 'a fork begins with the whole archived window',
    killedBy: ['forks.preserve-len/as-the-snapshot-restores'],
    handler: forking((body) => ({ preserve_len: SMALL_LIMITS.window_tokens, ...body })),
  },
  {
    id: 'forks.minimum-raised',
    area: 'forks',
    broken: 'a preserve_len below the minimum is raised to it',
    killedBy: ['forks.preserve-len/under-minimum-refused'],
    handler: forking((body) =>
      'preserve_len' in body
        ? { ...body, preserve_len: Math.max(Number(body.preserve_len), SMALL_LIMITS.min_preserve_tokens) }
        : body,
    ),
  },
  {
    id: 'forks.title-lost',
    area: 'forks',
    broken: 'title and metadata of the fork are not kept',
    killedBy: ['forks.new-session/own-title-and-metadata'],
    handler: without('title', 'metadata'),
  },
  {
    id: 'forks.by-anyone',
    area: 'forks',
    broken: 'whoever knows the id of a snapshot forks it',
    killedBy: ['forks.hidden/refused'],
    handler: () => {
      let owner: string | undefined;
      return (request, forward) => {
        if (request.path.endsWith('/snapshots')) owner ??= request.headers.authorization;
        const isFork =
          request.path === CREATE && typeof request.body === 'object' && 'snapshot_id' in (request.body ?? {});
        if (owner === undefined || !isFork) return forward();
        return forward({ headers: { ...request.headers, authorization: owner } });
      };
    },
  },
  {
    id: 'forks.not-counted',
    area: 'forks',
    broken: 'only sessions that are no forks count against the limit',
    killedBy: ['forks.limit/no-place-left', 'forks.limit/counts-for-others', 'forks.limit/place-freed'],
    options: () => ({ limits: { ...SMALL_LIMITS, sessions: 100 } }),
    handler: () => {
      const plain = new Map<string, number>();
      const told = (object: Json) => ('sessions' in object ? { ...object, sessions: SMALL_LIMITS.sessions } : object);
      return chain(
        async (_, forward) => editJson(await forward(), (body) => deep(body, told)),
        on('POST', CREATE, async ({ body, headers: { authorization = '' } }, forward) => {
          if ('snapshot_id' in ((body ?? {}) as Json)) return forward();
          const count = plain.get(authorization) ?? 0;
          plain.set(authorization, count + 1);
          if (count < SMALL_LIMITS.sessions) return forward();
          const message = 'the number of sessions has reached the limit';
          return json({ error: { message, type: 'invalid_request_error', code: 'session_limit_reached' } }, 400);
        }),
      );
    },
  },
  {
    id: 'forks.one-place-less',
    area: 'forks',
    broken: 'a fork needs two places',
    killedBy: ['forks.limit/last-place-taken'],
    handler: () =>
      on('POST', CREATE, async ({ body }, forward) => {
        if (!('snapshot_id' in ((body ?? {}) as Json))) return forward();
        const spare = await ask(forward, 'POST', CREATE, {});
        const response = await forward();
        await forward({ method: 'DELETE', path: `/v1/sessions/${spare.body.id}`, body: undefined });
        return response;
      }),
  },
];
