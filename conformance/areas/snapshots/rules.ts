import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Snapshots of a session. */
export const SNAPSHOTS_RULES = {
  'snapshots.object': article('A new snapshot has an id under which it can be read again, unchanged.'),
  'snapshots.both-ids': ours('`id` and `snapshot_id` are the same value; `session_id` is the session of the snapshot.'),
  'snapshots.name': ours('Name and metadata are returned as given; the default name is null.'),
  'snapshots.metadata-limit': ours('Metadata over the limits is refused.'),
  'snapshots.archives-all': ours('A snapshot archives the whole window, whatever its `preserve_len`.'),
  'snapshots.whole-by-default': ours('Without `preserve_len` a snapshot restores everything that it archives.'),
  'snapshots.preserve-len': article(
    'With `preserve_len` a snapshot restores exactly what a truncate to it would keep.',
  ),
  'snapshots.usage': ours('`usage` counts what is restored and `archived` what is stored, both with tools.'),
  'snapshots.minimum': ours('A `preserve_len` below `min_preserve_tokens` is refused; the refusal names the minimum.'),
  'snapshots.least-named': ours('A `preserve_len` that truncate would refuse is refused, and no snapshot is taken.'),
  'snapshots.messages': ours(
    'The messages of a snapshot are listed oldest first: the restored ones, or all with `scope=archived`.',
  ),
  'snapshots.scope': ours('A scope other than `restored` and `archived` is refused.'),
  'snapshots.query': ours('`query` lists the messages that have all its words, in any case, newest first.'),
  'snapshots.immutable': ours('A later change to the session never shows in a snapshot.'),
  'snapshots.session-unchanged': ours(
    'Taking, reading or deleting a snapshot leaves the session and its version unchanged.',
  ),
  'snapshots.survives-session': ours(
    'A snapshot remains after its session is deleted, and the account still lists it.',
  ),
  'snapshots.lists': ours('The snapshots of a session and of the account are listed newest first.'),
  'snapshots.delete': ours('Deleting a snapshot removes it and no other.'),
  'snapshots.unknown': ours('An unknown id is answered with 404 `snapshot_not_found`.'),
  'snapshots.limit': ours('An account can have `snapshots` snapshots over all its sessions; one more is refused.'),
  'snapshots.limit-frees': ours('Deleting a snapshot makes room for another.'),
  'snapshots.limit-own': ours('Snapshots of other accounts do not count.'),
  'snapshots.constant-time': ours.shownBy(
    'test/store/statements.test.ts',
    'Taking a snapshot takes the same time for any size of the window.',
  ),
} as const;
