import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** What one account sees of another. */
export const ACCOUNTS_RULES = {
  'accounts.sessions-read': ours('A request cannot read a session of another account, its messages or its snapshots.'),
  'accounts.sessions-changed': ours('A request cannot change, snapshot or delete a session of another account.'),
  'accounts.chat': ours('A request cannot chat in a session of another account.'),
  'accounts.snapshots-read': ours('A request cannot read a snapshot of another account or its messages.'),
  'accounts.snapshots-changed': ours('A request cannot share, unshare or delete a snapshot of another account.'),
  'accounts.snapshots-restored': ours(
    'A request cannot fork or roll back to a snapshot of another account that is not shared.',
  ),
  'accounts.as-never-was': ours('An id of another account gets the same answer as an id that never existed.'),
  'accounts.nothing-told': ours(
    "The order of refusals reveals neither the version nor the keys of another account's session.",
  ),
  'accounts.lists': ours('A list contains nothing of another account.'),
  'accounts.cursors': ours('An id of another account is refused as a cursor.'),
  'accounts.own-limit': article('The limit of sessions applies to each account separately.'),
  'accounts.key-hashed': ours.shownBy('test/http/authenticate.test.ts', 'An API key is stored only as a hash.'),
  'accounts.any-key': ours.shownBy(
    'test/http/authenticate.test.ts',
    'Without a list of keys each key is its own account; with a list every other key is refused.',
  ),
} as const;
