import { SESSION_CHANGES } from '../../../wire/changes.ts';
import { mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { type Trespass, trespassing } from '../../owners.ts';
import type { Handler } from '../../proxy.ts';
import { refusal } from '../../rewrites.ts';
import { plainHeaders } from '../../touches.ts';

const mutant = mutantsOf('accounts');
const CHAT = '/v1/chat/completions';

/** The same check of each route that changes a session, but for chat. */
export const eachChange = (...checks: string[]) =>
  SESSION_CHANGES.filter(({ name, chats }) => name !== 'append-several' && !chats).flatMap(({ name }) =>
    checks.map((check) => `accounts.${name}/${check}`),
  ) as unknown as [string, ...string[]];

/** Lets strangers do what `may` names. */
function opened(may: (method: string, path: string) => boolean): () => Handler {
  return trespassing(({ request, forward, asOwner }) => (may(request.method, request.path) ? asOwner() : forward()));
}

/** Carries out what strangers ask for, and refuses it. */
function doneAndRefused(may: (trespass: Trespass) => boolean, code: 'session_not_found' | 'snapshot_not_found') {
  return trespassing(async (trespass) => {
    if (!may(trespass)) return trespass.forward();
    await (await trespass.asOwner()).text();
    return refusal(code, `Not found the ${code.split('_')[0]} ${trespass.id}`);
  });
}

const isChange = (method: string, path: string) =>
  method === 'POST' && /^\/v1\/sessions\//.test(path) && !path.endsWith('/snapshots');

export const TRESPASS_MUTANTS: readonly Mutant[] = [
  mutant(
    'sessions-readable',
    'a session is read by whoever knows its id',
    ['accounts.read/session-hidden'],
    opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+$/.test(path)),
  ),
  mutant(
    'messages-readable',
    'the messages of a session are read by whoever knows its id',
    ['accounts.read/messages-hidden'],
    opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+\/messages$/.test(path)),
  ),
  mutant(
    'snapshots-listed',
    'the snapshots of a session are listed for whoever knows its id',
    ['accounts.read/snapshots-hidden'],
    opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+\/snapshots$/.test(path)),
  ),
  mutant(
    'changes-open',
    'a session is changed by whoever knows its id',
    eachChange('not-found', 'unchanged'),
    opened(isChange),
  ),
  mutant(
    'changes-done-and-refused',
    'a change by a stranger is refused after it was carried out',
    eachChange('unchanged'),
    doneAndRefused(({ request }) => isChange(request.method, request.path), 'session_not_found'),
  ),
  mutant(
    'chats-open',
    'a chat is held in the session of whoever',
    ['accounts.chat/not-found', 'accounts.chat/unchanged'],
    opened((_, path) => path === CHAT),
  ),
  mutant(
    'chats-done-and-refused',
    'a chat of a stranger is refused after its turn was stored',
    ['accounts.chat/unchanged'],
    doneAndRefused(({ request }) => request.path === CHAT, 'session_not_found'),
  ),
  mutant(
    'deletions-open',
    'a session is deleted by whoever knows its id',
    ['accounts.delete/delete-not-found', 'accounts.delete/unchanged'],
    opened((method, path) => method === 'DELETE' && path.startsWith('/v1/sessions/')),
  ),
  mutant(
    'snapshots-taken',
    'a session is snapshotted by whoever knows its id',
    ['accounts.delete/snapshot-not-found'],
    opened((method, path) => method === 'POST' && path.endsWith('/snapshots')),
  ),
  mutant(
    'snapshots-readable',
    'a snapshot is read by whoever knows its id',
    ['accounts.snapshots/not-read'],
    opened((method, path) => method === 'GET' && /^\/v1\/snapshots\/[^/]+$/.test(path)),
  ),
  mutant(
    'archives-readable',
    'the messages of a snapshot are read by whoever knows its id',
    ['accounts.snapshots/messages-not-read'],
    opened((method, path) => method === 'GET' && /^\/v1\/snapshots\/[^/]+\/messages$/.test(path)),
  ),
  mutant(
    'snapshot-deletions-open',
    'a snapshot is deleted by whoever knows its id',
    ['accounts.snapshots/not-deleted', 'accounts.snapshots/unchanged'],
    opened((method, path) => method === 'DELETE' && /^\/v1\/snapshots\/[^/]+$/.test(path)),
  ),
  mutant(
    'shares-open',
    'a snapshot is shared by whoever knows its id',
    ['accounts.shares/not-shared'],
    opened((method, path) => method === 'POST' && path.endsWith('/share')),
  ),
  mutant(
    'unshares-open',
    'a share is ended by whoever knows the snapshot',
    ['accounts.shares/not-unshared'],
    opened((method, path) => method === 'DELETE' && path.endsWith('/share')),
  ),
  mutant(
    'forks-open',
    'a snapshot is forked by whoever knows its id',
    ['accounts.restores/not-forked'],
    trespassing(async ({ request, forward, asOwner, id }) => {
      if (request.path !== '/v1/sessions' || request.method !== 'POST') return forward();
      const archived = await asOwner({ method: 'GET', path: `/v1/snapshots/${id}/messages`, body: undefined });
      const { data } = (await archived.json()) as { data: Json[] };
      return forward({ body: { messages: data.map(({ role, content }) => ({ role, content })) } });
    }),
  ),
  mutant(
    'rollbacks-open',
    'a snapshot of any account is rolled back to',
    ['accounts.restores/not-rolled-back-to', 'accounts.restores/unchanged'],
    trespassing(async ({ request, forward, asOwner, id }) => {
      if (!request.path.endsWith('/rollback')) return forward();
      const archived = await asOwner({ method: 'GET', path: `/v1/snapshots/${id}/messages`, body: undefined });
      const { data } = (await archived.json()) as { data: Json[] };
      const path = request.path.replace('/rollback', '');
      const messages = data.map(({ role, content }) => ({ role, content }));
      await (await forward({ path: `${path}/messages`, body: { messages }, headers: plainHeaders(request) })).text();
      return forward({ method: 'GET', path, body: undefined });
    }),
  ),
];
