import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { ask } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { type Forward, type Handler, on } from '../../proxy.ts';

const ROUTE = '/v1/sessions/:id/rollback';
const { min_preserve_tokens: LEAST } = SMALL_LIMITS;

function asking(change: (body: Json, forward: Forward) => Promise<Json> | Json): () => Handler {
  return () => on('POST', ROUTE, async ({ body }, forward) => forward({ body: await change(body as Json, forward) }));
}

/** Answers a refusal of this code with the session, as if it had been rolled back. */
function forgiving(code: string): () => Handler {
  return () =>
    on('POST', ROUTE, async ({ ids: [id] }, forward) => {
      const response = await forward();
      if (response.ok || !(await response.clone().text()).includes(`"${code}"`)) return response;
      return forward({ method: 'GET', path: `/v1/sessions/${id}`, body: undefined });
    });
}

export const ROLLBACK_REQUEST_MUTANTS: readonly Mutant[] = [
  {
    id: 'rollback.preserve-len-ignored',
    area: 'rollback',
    broken: 'a preserve_len of the rollback is ignored',
    killedBy: [
      'rollback.preserve-len/less-on-request',
      'rollback.preserve-len/more-on-request',
      'rollback.preserve-len/all-on-request',
    ],
    handler: asking(({ snapshot_id }) => ({ snapshot_id })),
  },
  {
    id: 'rollback.never-more-than-the-snapshot',
    area: 'rollback',
    broken: 'a preserve_len larger than that of the snapshot brings back no more',
    killedBy: ['rollback.preserve-len/more-on-request'],
    handler: asking(async (body, forward) => {
      const { preserve_len } = (await ask(forward, 'GET', `/v1/snapshots/${body.snapshot_id}`)).body;
      return Number(body.preserve_len) > Number(preserve_len) ? { ...body, preserve_len } : body;
    }),
  },
  {
    id: 'rollback.always-all',
    area: 'rollback',
    broken: 'the whole archived window comes back, whatever the snapshot says',
    killedBy: ['rollback.preserve-len/as-truncate'],
    handler: asking((body) => ({ preserve_len: 'all', ...body })),
  },
  {
    id: 'rollback.all-is-default',
    area: 'rollback',
    broken: '"all" is what the snapshot restores',
    killedBy: ['rollback.preserve-len/all-on-request'],
    handler: asking(({ preserve_len, ...rest }) =>
      preserve_len === undefined || preserve_len === 'all' ? rest : { ...rest, preserve_len },
    ),
  },
  {
    id: 'rollback.one-token-under',
    area: 'rollback',
    broken: 'the minimum is not checked, but raised to',
    killedBy: ['rollback.preserve-len/under-minimum-refused', 'rollback.preserve-len/refused-unchanged'],
    handler: asking((body) =>
      typeof body.preserve_len === 'number' ? { ...body, preserve_len: Math.max(LEAST, body.preserve_len) } : body,
    ),
  },
  {
    id: 'rollback.unknown-word-is-all',
    area: 'rollback',
    broken: 'any other preserve_len is taken for "all"',
    killedBy: ['rollback.preserve-len/neither-number-nor-all-refused', 'rollback.preserve-len/refused-unchanged'],
    handler: asking((body) =>
      body.preserve_len === undefined || Number.isInteger(body.preserve_len) ? body : { ...body, preserve_len: 'all' },
    ),
  },
  {
    id: 'rollback.newest-by-default',
    area: 'rollback',
    broken: 'without a snapshot the newest one is taken',
    killedBy: ['rollback.preserve-len/needs-snapshot'],
    handler: asking(async (body, forward) => {
      if ('snapshot_id' in body) return body;
      const { data } = (await ask(forward, 'GET', '/v1/snapshots')).body as { data?: { id: string }[] };
      return { ...body, snapshot_id: data?.[0]?.id };
    }),
  },
  {
    id: 'rollback.other-sessions-snapshot',
    area: 'rollback',
    broken: 'snapshots of the other sessions of the account are accepted',
    killedBy: ['rollback.foreign/other-session-refused'],
    handler: forgiving('snapshot_mismatch'),
  },
  {
    id: 'rollback.unknown-ignored',
    area: 'rollback',
    broken: 'a snapshot that is gone changes nothing, and is no error',
    killedBy: ['rollback.foreign/deleted-refused', 'rollback.foreign/never-known-refused'],
    handler: forgiving('snapshot_not_found'),
  },
  {
    id: 'rollback.refused-after-clearing',
    area: 'rollback',
    broken: 'the window is emptied before the snapshot is looked up',
    killedBy: ['rollback.foreign/refused-unchanged'],
    handler: () =>
      on('POST', ROUTE, async ({ ids: [id] }, forward) => {
        const response = await forward();
        if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}/truncate`, { preserve_len: LEAST });
        if (!response.ok) await ask(forward, 'POST', `/v1/sessions/${id}`, { title: 'rolling back' });
        return response;
      }),
  },
  {
    id: 'rollback.other-accounts-snapshot',
    area: 'rollback',
    broken: 'whose snapshot it is, is not looked at',
    killedBy: ['rollback.hidden/their-snapshot-refused'],
    handler: forgiving('snapshot_not_found'),
  },
  {
    id: 'rollback.other-accounts-session',
    area: 'rollback',
    broken: 'whoever knows the id of a session and of its snapshot rolls it back',
    killedBy: ['rollback.hidden/their-session-refused'],
    handler: () => {
      let owner: string | undefined;
      return (request, forward) => {
        if (request.path.endsWith('/snapshots')) owner ??= request.headers.authorization;
        if (owner === undefined || !request.path.endsWith('/rollback')) return forward();
        return forward({ headers: { ...request.headers, authorization: owner } });
      };
    },
  },
];
