import { rulesOf } from '../rule.ts';

const { must } = rulesOf('session');

/** Going back to a snapshot. */
export const ROLLBACK_RULES = {
  'rollback.restores': must(
    'article',
    'The window is again, message for message, what it was when the snapshot was taken.',
  ),
  'rollback.usage': must('ours', 'The usage of the session is again what it was.'),
  'rollback.pins-and-tools': must('ours', 'Pins and tools are again what they were.'),
  'rollback.keeps-fields': must('ours', 'Title, metadata and model are not rolled back.'),
  'rollback.answer': must('ours', 'The answer is the session as it is read afterwards.'),
  'rollback.version': must('ours', 'The version steps on, and never goes back.'),
  'rollback.keeps-snapshot': must('ours', 'The snapshot stays, and can be rolled back to any number of times.'),
  'rollback.as-truncate': must(
    'ours',
    'Going back to a snapshot with `preserve_len` leaves what a truncate of the archived window to as much leaves.',
  ),
  'rollback.preserve-len': must('ours', 'A `preserve_len` of its own says how much of the archived window comes back.'),
  'rollback.all': must('ours', '`preserve_len: "all"` brings the whole archived window back.'),
  'rollback.minimum': must('ours', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
  'rollback.request': must('ours', '`snapshot_id` has to be given, and `preserve_len` is a whole number or "all".'),
  'rollback.own-snapshots': must(
    'ours',
    'A snapshot of another session of the account is refused as `snapshot_mismatch`.',
  ),
  'rollback.unknown': must('ours', 'A snapshot that is gone, or never was, answers 404 `snapshot_not_found`.'),
  'rollback.hidden': must('ours', 'A snapshot of another account answers 404, as if there were none.'),
  'rollback.refused-unchanged': must('ours', 'A rollback that is refused leaves the session as it was.'),
  'rollback.open-calls': must('ours', 'Calls that were open when the snapshot was taken are open again.'),
  'rollback.model-forgets': must(
    'article',
    'The model knows nothing of the turns after the snapshot, and those before it again.',
  ),
} as const;
