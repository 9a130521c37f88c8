import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type CrossAccountRequest, keyOf, onCrossAccount } from '../../proof/other-account.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, type Handler, json, on } from '../../proof/proxy.ts';
import { ownHeaders, refusal } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { SESSION_CHANGES } from '../../wire/changes.ts';

const mutant = mutantsOf('accounts');

const CHAT = '/v1/chat/completions';

/** The same check of each route that changes a session, but for chat. */
const eachChange = (...checks: string[]) =>
  SESSION_CHANGES.filter(({ name, chats }) => name !== 'append-several' && !chats).flatMap(({ name }) =>
    checks.map((check) => `accounts.${name}/${check}`),
  ) as unknown as [string, ...string[]];

/** Lets another account do what `may` names. */
function opened(may: (method: string, path: string) => boolean): () => Handler {
  return onCrossAccount(({ request, forward, asOwner }) => (may(request.method, request.path) ? asOwner() : forward()));
}

/** Carries out what another account asks for, and refuses it. */
function doneAndRefused(
  may: (crossing: CrossAccountRequest) => boolean,
  code: 'session_not_found' | 'snapshot_not_found',
) {
  return onCrossAccount(async (crossing) => {
    if (!may(crossing)) return crossing.forward();
    await (await crossing.asOwner()).text();
    return refusal(code, `Not found the ${code.split('_')[0]} ${crossing.id}`);
  });
}

const isChange = (method: string, path: string) =>
  method === 'POST' && /^\/v1\/sessions\//.test(path) && !path.endsWith('/snapshots');

const CROSS_ACCOUNT_MUTANTS = [
  mutant('sessions-readable', 'a session is read by anyone who knows its id')
    .caughtBy('accounts.read/session-hidden')
    .proxy(opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+$/.test(path))),
  mutant('messages-readable', 'the messages of a session are read by anyone who knows its id')
    .caughtBy('accounts.read/messages-hidden')
    .proxy(opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+\/messages$/.test(path))),
  mutant('snapshots-listed', 'the snapshots of a session are listed for anyone who knows its id')
    .caughtBy('accounts.read/snapshots-hidden')
    .proxy(opened((method, path) => method === 'GET' && /^\/v1\/sessions\/[^/]+\/snapshots$/.test(path))),
  mutant('changes-open', 'a session is changed by anyone who knows its id')
    .caughtBy(...eachChange('not-found', 'unchanged'))
    .proxy(opened(isChange)),
  mutant('changes-done-and-refused', 'a change by another account is refused after it was carried out')
    .caughtBy(...eachChange('unchanged'))
    .proxy(doneAndRefused(({ request }) => isChange(request.method, request.path), 'session_not_found')),
  mutant('chats-open', 'anyone can chat in a session')
    .caughtBy('accounts.chat/not-found', 'accounts.chat/unchanged')
    .proxy(opened((_, path) => path === CHAT)),
  mutant('chats-done-and-refused', 'a chat of another account is refused after its turn was stored')
    .caughtBy('accounts.chat/unchanged')
    .proxy(doneAndRefused(({ request }) => request.path === CHAT, 'session_not_found')),
  mutant('deletions-open', 'a session is deleted by anyone who knows its id')
    .caughtBy('accounts.delete/delete-not-found', 'accounts.delete/unchanged')
    .proxy(opened((method, path) => method === 'DELETE' && path.startsWith('/v1/sessions/'))),
  mutant('snapshots-taken', 'a session is snapshotted by anyone who knows its id')
    .caughtBy('accounts.delete/snapshot-not-found')
    .proxy(opened((method, path) => method === 'POST' && path.endsWith('/snapshots'))),
  mutant('snapshots-readable', 'a snapshot is read by anyone who knows its id')
    .caughtBy('accounts.snapshots/not-read')
    .proxy(opened((method, path) => method === 'GET' && /^\/v1\/snapshots\/[^/]+$/.test(path))),
  mutant('archives-readable', 'the messages of a snapshot are read by anyone who knows its id')
    .caughtBy('accounts.snapshots/messages-not-read')
    .proxy(opened((method, path) => method === 'GET' && /^\/v1\/snapshots\/[^/]+\/messages$/.test(path))),
  mutant('snapshot-deletions-open', 'a snapshot is deleted by anyone who knows its id')
    .caughtBy('accounts.snapshots/not-deleted', 'accounts.snapshots/unchanged')
    .proxy(opened((method, path) => method === 'DELETE' && /^\/v1\/snapshots\/[^/]+$/.test(path))),
  mutant('shares-open', 'a snapshot is shared by anyone who knows its id')
    .caughtBy('accounts.shares/not-shared')
    .proxy(opened((method, path) => method === 'POST' && path.endsWith('/share'))),
  mutant('unshares-open', 'a share is ended by anyone who knows the snapshot')
    .caughtBy('accounts.shares/not-unshared')
    .proxy(opened((method, path) => method === 'DELETE' && path.endsWith('/share'))),
  mutant('forks-open', 'a snapshot is forked by anyone who knows its id')
    .caughtBy('accounts.restores/not-forked')
    .proxy(
      onCrossAccount(async ({ request, forward, asOwner, id }) => {
        if (request.path !== '/v1/sessions' || request.method !== 'POST') return forward();
        const archived = await asOwner({ method: 'GET', path: `/v1/snapshots/${id}/messages`, body: undefined });
        const { data } = (await archived.json()) as { data: Json[] };
        return forward({ body: { messages: data.map(({ role, content }) => ({ role, content })) } });
      }),
    ),
  mutant('rollbacks-open', 'a snapshot of any account is rolled back to')
    .caughtBy('accounts.restores/not-rolled-back-to', 'accounts.restores/unchanged')
    .proxy(
      onCrossAccount(async ({ request, forward, asOwner, id }) => {
        if (!request.path.endsWith('/rollback')) return forward();
        const archived = await asOwner({ method: 'GET', path: `/v1/snapshots/${id}/messages`, body: undefined });
        const { data } = (await archived.json()) as { data: Json[] };
        const path = request.path.replace('/rollback', '');
        const messages = data.map(({ role, content }) => ({ role, content }));
        await (await forward({ path: `${path}/messages`, body: { messages }, headers: ownHeaders(request) })).text();
        return forward({ method: 'GET', path, body: undefined });
      }),
    ),
];

const AS_NEVER_WAS = [
  'accounts.read/as-never-was',
  'accounts.chat/as-never-was',
  'accounts.delete/as-never-was',
  'accounts.snapshots/as-never-was',
  'accounts.shares/as-never-was',
  'accounts.restores/as-never-was',
  ...eachChange('as-never-was'),
] as unknown as [string, ...string[]];

/** Pages of every account that was seen, joined. */
function joined(path: string): () => Handler {
  return () => {
    const keys = new Set<string>();
    return (request, forward) => {
      keys.add(keyOf(request));
      return on('GET', path, async ({ headers }) => {
        const data: Json[] = [];
        for (const authorization of keys) {
          const page = (await (await forward({ headers: { ...headers, authorization } })).json()) as { data?: Json[] };
          data.push(...(page.data ?? []));
        }
        const ids = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
        return json({ object: 'list', data, ...ids, has_more: false });
      })(request, forward);
    };
  };
}

const DISCLOSURE_MUTANTS = [
  mutant('forbidden', "what is another account's is answered with 403")
    .caughtBy('accounts.read/session-hidden', 'accounts.snapshots/not-read', ...AS_NEVER_WAS)
    .proxy(onCrossAccount(async () => refusal('permission_denied', 'Not yours'))),
  mutant('told-in-words', "the refusal says that the id is another account's")
    .caughtBy(...AS_NEVER_WAS)
    .proxy(
      onCrossAccount(async ({ forward }) => {
        const response = await forward();
        const text = await response.text();
        return new Response(text.replace(/Not found the (\w+)/, 'Not yours is the $1'), response);
      }),
    ),
  mutant('version-first', 'the version is looked at before the account')
    .caughtBy('accounts.nothing-told/not-its-version')
    .proxy(
      onCrossAccount(async ({ request, forward }) =>
        request.headers['if-match'] === undefined ? forward() : refusal('version_conflict'),
      ),
    ),
  mutant('keys-first', 'keys are looked up before the account')
    .caughtBy('accounts.nothing-told/not-its-keys')
    .proxy(
      onCrossAccount(async ({ request, forward, asOwner }) =>
        request.headers['idempotency-key'] === undefined ? forward() : asOwner(),
      ),
    ),
  mutant('all-sessions-listed', 'the sessions of all accounts are listed')
    .caughtBy('accounts.lists/sessions-not-listed')
    .proxy(joined('/v1/sessions')),
  mutant('all-snapshots-listed', 'the snapshots of all accounts are listed')
    .caughtBy('accounts.lists/snapshots-not-listed')
    .proxy(joined('/v1/snapshots')),
  mutant('foreign-cursors', 'any id is taken as a cursor')
    .caughtBy(
      'accounts.lists/session-no-cursor',
      'accounts.lists/snapshot-no-cursor',
      'accounts.lists/message-no-cursor',
    )
    .proxy(
      onCrossAccount(async ({ request, forward }) =>
        request.search.includes('after=') ? forward({ search: '' }) : forward(),
      ),
    ),
  mutant('limit-of-all', 'the number of sessions is limited for all accounts together')
    .caughtBy('accounts.limit/other-creates')
    .limits({ sessions: 1_000 }, () => {
      let held = 0;
      return chain(
        on('POST', '/v1/sessions', async (_, forward) => {
          if (held >= SMALL_LIMITS.sessions) return refusal('session_limit_reached');
          const response = await forward();
          if (response.ok) held += 1;
          return response;
        }),
        on('DELETE', '/v1/sessions/:id', async (_, forward) => {
          const response = await forward();
          if (response.ok) held -= 1;
          return response;
        }),
      );
    }),
];

export const ACCOUNTS_MUTANTS: readonly Mutant[] = [...CROSS_ACCOUNT_MUTANTS, ...DISCLOSURE_MUTANTS];
