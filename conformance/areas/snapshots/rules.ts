import { rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('session');

/** Keeping the state of a session. */
export const SNAPSHOTS_RULES = {
  'snapshots.object': must(
    'article',
    'Taking a snapshot answers with an id under which it can be read again, unchanged.',
  ),
  'snapshots.both-ids': must(
    'ours',
    '`id` and `snapshot_id` are one value, and `session_id` is the session that it was taken of.',
  ),
  'snapshots.name': must('ours', 'A name and metadata that are given come back; without a name it is null.'),
  'snapshots.metadata-limit': must('ours', 'More metadata than the limits allow is refused.'),
  'snapshots.archives-all': must('ours', 'It archives the whole window, whatever `preserve_len` says.'),
  'snapshots.whole-by-default': must('ours', 'Without `preserve_len` it restores all that it archives.'),
  'snapshots.preserve-len': must(
    'article',
    'With `preserve_len` it restores exactly what a truncate to as much would keep.',
  ),
  'snapshots.usage': must('ours', '`usage` counts what is restored, `archived` what is held, tools included in both.'),
  'snapshots.minimum': must('ours', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
  'snapshots.least-named': must(
    'ours',
    'A `preserve_len` that truncate would refuse is refused here too, and nothing is kept.',
  ),
  'snapshots.messages': must(
    'ours',
    'Its messages can be listed: the restored ones, or with `scope=archived` all, oldest first.',
  ),
  'snapshots.scope': must('ours', 'A scope that is neither `restored` nor `archived` is refused.'),
  'snapshots.query': must('ours', '`query` finds the messages that hold all its words, in any case, newest first.'),
  'snapshots.immutable': must('ours', 'Nothing that is done to the session afterwards shows in a snapshot.'),
  'snapshots.session-unchanged': must(
    'ours',
    'Taking, reading or deleting a snapshot leaves the session and its version as they are.',
  ),
  'snapshots.survives-session': must(
    'ours',
    'A snapshot outlives its session, and is listed with the others of the account.',
  ),
  'snapshots.lists': must('ours', 'The snapshots of a session, and those of the account, are listed newest first.'),
  'snapshots.delete': must('ours', 'A deleted snapshot is gone, and no other is.'),
  'snapshots.unknown': must('ours', 'An id that is not known answers 404 `snapshot_not_found`.'),
  'snapshots.limit': must(
    'ours',
    'An account may hold `snapshots` of them, over all its sessions; one more is refused.',
  ),
  'snapshots.limit-frees': must('ours', 'Deleting one makes room for one.'),
  'snapshots.limit-own': must('ours', 'What other accounts hold does not count.'),
  'snapshots.hidden': must('ours', 'To another account a snapshot does not exist.'),
  'snapshots.during-turn': must(
    'ours',
    'Taken while a turn runs, it holds the state before the turn or after it, and nothing between.',
  ),
  'snapshots.constant-time': shownBy(
    'test/store/statements.test.ts',
    'ours',
    'Taking a snapshot takes the same time whatever the size of the window.',
  ),
} as const;
