import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { keyOf, trespassing } from '../../owners.ts';
import { chain, type Handler, json, on } from '../../proxy.ts';
import { refusal, saying } from '../../rewrites.ts';
import { eachChange } from './trespass.ts';

const mutant = mutantsOf('accounts');
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

export const TOLD_MUTANTS: readonly Mutant[] = [
  mutant(
    'forbidden',
    "what is another account's is answered with 403",
    ['accounts.read/session-hidden', 'accounts.snapshots/not-read', ...AS_NEVER_WAS],
    trespassing(async () => refusal('permission_denied', 'Not yours')),
  ),
  mutant(
    'told-in-words',
    "the refusal says that the id is another account's",
    AS_NEVER_WAS,
    trespassing(async ({ forward }) => {
      const response = await forward();
      const text = await response.text();
      return new Response(text.replace(/Not found the (\w+)/, 'Not yours is the $1'), response);
    }),
  ),
  mutant(
    'version-first',
    'the version is looked at before the account',
    ['accounts.nothing-told/not-its-version'],
    trespassing(async ({ request, forward }) =>
      request.headers['if-match'] === undefined ? forward() : refusal('version_conflict'),
    ),
  ),
  mutant(
    'keys-first',
    'keys are looked up before the account',
    ['accounts.nothing-told/not-its-keys'],
    trespassing(async ({ request, forward, asOwner }) =>
      request.headers['idempotency-key'] === undefined ? forward() : asOwner(),
    ),
  ),
  mutant(
    'all-sessions-listed',
    'the sessions of all accounts are listed',
    ['accounts.lists/sessions-not-listed'],
    joined('/v1/sessions'),
  ),
  mutant(
    'all-snapshots-listed',
    'the snapshots of all accounts are listed',
    ['accounts.lists/snapshots-not-listed'],
    joined('/v1/snapshots'),
  ),
  mutant(
    'foreign-cursors',
    'any id is taken as a cursor',
    ['accounts.lists/session-no-cursor', 'accounts.lists/snapshot-no-cursor', 'accounts.lists/message-no-cursor'],
    trespassing(async ({ request, forward }) =>
      request.search.includes('after=') ? forward({ search: '' }) : forward(),
    ),
  ),
  {
    id: 'accounts.limit-of-all',
    area: 'accounts',
    broken: 'the number of sessions is limited for all accounts together',
    killedBy: ['accounts.limit/other-creates'],
    options: () => ({ limits: { ...SMALL_LIMITS, sessions: 1_000 } }),
    handler: () => {
      let held = 0;
      return chain(
        saying({ sessions: SMALL_LIMITS.sessions }, {}),
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
    },
  },
];
