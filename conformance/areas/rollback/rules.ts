import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Restoring a snapshot. */
export const ROLLBACK_RULES = {
  'rollback.restores': article(
    'After a rollback the window has exactly the messages that it had when the snapshot was taken.',
  ),
  'rollback.usage': ours('After a rollback the usage is what it was.'),
  'rollback.pins-and-tools': ours('After a rollback pins and tools are what they were.'),
  'rollback.keeps-fields': ours('A rollback does not change title, metadata or model.'),
  'rollback.answer': ours('The answer to a rollback is the session as it reads afterwards.'),
  'rollback.version': ours('A rollback increases the version and never restores an old one.'),
  'rollback.keeps-snapshot': ours('The snapshot remains and can be rolled back to any number of times.'),
  'rollback.as-truncate': ours(
    'A rollback with `preserve_len` leaves what a truncate of the archived window to it leaves.',
  ),
  'rollback.preserve-len': ours('A `preserve_len` in the request sets how much of the archived window is restored.'),
  'rollback.all': ours('`preserve_len: "all"` restores the whole archived window.'),
  'rollback.minimum': ours('A `preserve_len` below `min_preserve_tokens` is refused; the refusal names the minimum.'),
  'rollback.request': ours('`snapshot_id` is required, and `preserve_len` is an integer or "all".'),
  'rollback.own-snapshots': ours('A snapshot of another session of the account is refused with `snapshot_mismatch`.'),
  'rollback.unknown': ours('A deleted or unknown snapshot is answered with 404 `snapshot_not_found`.'),
  'rollback.hidden': ours('A snapshot of another account is answered with 404, like an unknown one.'),
  'rollback.refused-unchanged': ours('A refused rollback leaves the session unchanged.'),
  'rollback.open-calls': ours('Calls that were open when the snapshot was taken are open again.'),
  'rollback.model-forgets': article(
    'After a rollback the model knows the turns before the snapshot and not those after it.',
  ),
} as const;
