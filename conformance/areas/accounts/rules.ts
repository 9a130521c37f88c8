import { rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('session');

/** What one account sees of another: nothing. */
export const ACCOUNTS_RULES = {
  'accounts.sessions-read': must('ours', "Another account's session cannot be read, nor its messages or snapshots."),
  'accounts.sessions-changed': must('ours', "Another account's session cannot be changed, snapshotted or deleted."),
  'accounts.chat': must('ours', "No chat can be held in another account's session."),
  'accounts.snapshots-read': must('ours', "Another account's snapshot cannot be read, nor its messages."),
  'accounts.snapshots-changed': must('ours', "Another account's snapshot cannot be shared, unshared or deleted."),
  'accounts.snapshots-restored': must(
    'ours',
    "Another account's snapshot, not shared, can neither be forked nor rolled back to.",
  ),
  'accounts.as-never-was': must(
    'ours',
    'An id of another account is answered exactly as an id that never was: nothing tells that it exists.',
  ),
  'accounts.nothing-told': must(
    'ours',
    "Neither the version nor the keys of another account's session can be learned from the order of refusals.",
  ),
  'accounts.lists': must('ours', 'Lists hold nothing of another account.'),
  'accounts.cursors': must('ours', 'An id of another account is no cursor.'),
  'accounts.own-limit': must('article', 'The number of sessions is limited for each account by itself.'),
  'accounts.key-hashed': shownBy('test/middleware/authenticate.test.ts', 'ours', 'A key is kept as its hash only.'),
  'accounts.any-key': shownBy(
    'test/middleware/authenticate.test.ts',
    'ours',
    'Without a list of keys any key is an account of its own; with one, no other key is let in.',
  ),
} as const;
