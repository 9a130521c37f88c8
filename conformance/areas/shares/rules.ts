import { rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('session');

/** Letting other accounts fork a snapshot. */
export const SHARES_RULES = {
  'shares.share': must(
    'article',
    'A snapshot can be shared; from then on it tells its `share_id` and when the share expires.',
  ),
  'shares.same-id': must('ours', 'Shared again, it keeps its `share_id` and gets the new expiry.'),
  'shares.expires-at': must('ours', '`expires_at` is `expires_in` seconds from now, and null where none is given.'),
  'shares.expires-in': must('ours', '`expires_in` is a whole number of seconds, at least one.'),
  'shares.unshare': must('ours', 'Unshared, the snapshot has no share any more.'),
  'shares.preview': must('ours', 'Whoever has the `share_id` reads what the snapshot restores and how it is called.'),
  'shares.hides': must('ours', 'Its session, its metadata and the size of its archive are not shown.'),
  'shares.fork': must('article', 'Another account forks what the snapshot restores, by the `share_id`.'),
  'shares.origin': must('ours', '`forked_from` of such a fork names the `share_id`, and nothing else of the owner’s.'),
  'shares.never-more': must(
    'ours',
    '`preserve_len` can make the fork smaller, and never larger than what is restored.',
  ),
  'shares.minimum': must('ours', 'A `preserve_len` below `min_preserve_tokens` is refused.'),
  'shares.read-only': must(
    'ours',
    'The `share_id` lets nobody but the owner read, change, delete or share the snapshot itself.',
  ),
  'shares.no-id-but-its-own': must('ours', 'The id of a snapshot is no `share_id`, and the other way round.'),
  'shares.isolated': must(
    'ours',
    'Nothing that another account does to its fork shows in the snapshot or session of the owner.',
  ),
  'shares.revoked': must('ours', 'A revoked share answers 404 `share_not_found`, to readers and to forks.'),
  'shares.expired': must('ours', 'An expired share answers 404 `share_not_found`; sharing again renews it.'),
  'shares.deleted': must('ours', 'Deleting the snapshot ends its share.'),
  'shares.forks-live-on': must('ours', 'Forks that were made live on when a share or its snapshot ends.'),
  'shares.unknown': must('ours', 'A `share_id` that nobody was given answers 404 `share_not_found`.'),
  'shares.survives-session': must('ours', 'A share outlives the session that the snapshot was taken of.'),
  'shares.unguessable': shownBy('test/ids.test.ts', 'ours', 'A `share_id` cannot be guessed.'),
} as const;
