import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Snapshots that other accounts can fork. */
export const SHARES_RULES = {
  'shares.share': article('A snapshot can be shared; it then has a `share_id` and an expiry.'),
  'shares.same-id': ours('A snapshot that is shared again keeps its `share_id` and gets the new expiry.'),
  'shares.expires-at': ours('`expires_at` is `expires_in` seconds from now; it is null when none is given.'),
  'shares.expires-in': ours('`expires_in` is an integer of at least 1 second.'),
  'shares.unshare': ours('An unshared snapshot has no share.'),
  'shares.preview': ours('Any account can read by the `share_id` what the snapshot restores and its name.'),
  'shares.hides': ours('A share does not show the session, the metadata or the archive size of its snapshot.'),
  'shares.fork': article('Another account can fork what the snapshot restores by the `share_id`.'),
  'shares.origin': ours('`forked_from` of such a fork names the `share_id` and no other id of the owner.'),
  'shares.never-more': ours(
    '`preserve_len` can make the fork smaller but never larger than what the snapshot restores.',
  ),
  'shares.minimum': ours('A `preserve_len` below `min_preserve_tokens` is refused.'),
  'shares.read-only': ours('The `share_id` does not let another account read, change, delete or share the snapshot.'),
  'shares.no-id-but-its-own': ours('A snapshot id does not work as a `share_id`, or a `share_id` as a snapshot id.'),
  'shares.isolated': ours("A change to another account's fork never shows in the owner's snapshot or session."),
  'shares.revoked': ours('A revoked share is answered with 404 `share_not_found`, for previews and forks.'),
  'shares.expired': ours('An expired share is answered with 404 `share_not_found`; sharing again renews it.'),
  'shares.deleted': ours('Deleting the snapshot ends its share.'),
  'shares.forks-live-on': ours('Existing forks remain when a share or its snapshot ends.'),
  'shares.unknown': ours('An unknown `share_id` is answered with 404 `share_not_found`.'),
  'shares.survives-session': ours('A share remains after the session of its snapshot is deleted.'),
  'shares.unguessable': ours.shownBy('test/ids.test.ts', 'A `share_id` cannot be guessed.'),
} as const;
