import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { keyOf, onCrossAccount } from '../../proof/other-account.ts';
import type { Json } from '../../proof/proxy.ts';
import { chain, type Handler, json, on } from '../../proof/proxy.ts';
import { refusal } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('accounts', { joined, opened });

/** Lets another account send what `method path` matches. */
function opened(route: RegExp): Handler {
  return onCrossAccount(({ request, forward, asOwner }) =>
    route.test(`${request.method} ${request.path}`) ? asOwner() : forward(),
  );
}

const OPEN: readonly [name: string, broken: string, caughtBy: string, route: RegExp][] = [
  ['sessions-readable', 'a session is read', 'read/session-hidden', /^GET \/v1\/sessions\/[^/]+$/],
  [
    'messages-readable',
    'the messages of a session are read',
    'read/messages-hidden',
    /^GET \/v1\/sessions.*\/messages$/,
  ],
  ['snapshots-readable', 'a snapshot is read', 'snapshots/not-read', /^GET \/v1\/snapshots\/[^/]+$/],
  [
    'archives-readable',
    'the messages of a snapshot are read',
    'snapshots/messages-not-read',
    /^GET \/v1\/snapshots\/[^/]+\/messages$/,
  ],
  [
    'snapshot-deletions-open',
    'a snapshot is deleted',
    'snapshots/not-deleted unchanged',
    /^DELETE \/v1\/snapshots\/[^/]+$/,
  ],
];

const CROSS_ACCOUNT_MUTANTS = [
  ...OPEN.map(([name, broken, check, route]) =>
    mutant(name, `${broken} by anyone who knows its id`).caughtBy(`accounts.${check}`).opened(route),
  ),
  mutant('snapshots-listed', 'the snapshots of a session are listed for anyone who knows its id')
    .caughtBy('accounts.read/snapshots-hidden')
    .opened(/^GET \/v1\/sessions\/[^/]+\/snapshots$/),
  mutant('chats-open', 'anyone can chat in a session')
    .caughtBy('accounts.chat/not-found')
    .opened(/chat\/completions$/),
];

/** Pages of every account that was seen, joined. */
function joined(path: string): Handler {
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
}

const DISCLOSURE_MUTANTS = [
  mutant('all-sessions-listed', 'the sessions of all accounts are listed')
    .caughtBy('accounts.lists/sessions-not-listed')
    .joined('/v1/sessions'),
  mutant('all-snapshots-listed', 'the snapshots of all accounts are listed')
    .caughtBy('accounts.lists/snapshots-not-listed')
    .joined('/v1/snapshots'),
  mutant('foreign-cursors', 'any id is taken as a cursor')
    .caughtBy('accounts.lists/session-no-cursor snapshot-no-cursor message-no-cursor')
    .onCrossAccount(async ({ request, forward }) =>
      request.search.includes('after=') ? forward({ search: '' }) : forward(),
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
