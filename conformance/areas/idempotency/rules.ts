import { rulesOf } from '../rule.ts';

const { must, shownBy } = rulesOf('session');

/** Requests that may be sent again. */
export const IDEMPOTENCY_RULES = {
  'idempotency.once': must('ours', 'A request sent again under its `Idempotency-Key` has no second effect.'),
  'idempotency.same-answer': must('ours', 'A request sent again under its key is given the stored answer.'),
  'idempotency.replayed-header': must(
    'ours',
    'A stored answer carries `Idempotent-Replayed: true`; one that is given for the first time does not.',
  ),
  'idempotency.mismatch': must(
    'ours',
    'A key that was used with other bytes or on another route is refused with `idempotency_mismatch`, and nothing happens.',
  ),
  'idempotency.refusal-free': must('ours', 'A refusal does not use up its key.'),
  'idempotency.per-account': must('ours', 'Keys are known to their account only.'),
  'idempotency.without-key': must('ours', 'Requests without a key, or with another, are each carried out.'),
  'idempotency.in-progress': must(
    'ours',
    'While the first request of a key still runs, another is refused with `request_in_progress`; however many are sent, one takes effect.',
  ),
  'idempotency.before-state': must(
    'ours',
    'A replay comes before the session is looked at: whether it is still there, at which version, and whether it is busy.',
  ),
  'idempotency.delete': must('ours', 'Keys hold for deletions as well.'),
  'idempotency.stream': must('ours', 'A streamed chat that is sent again streams the stored reply and writes nothing.'),
  'idempotency.kept': shownBy(
    'test/middleware/idempotency.test.ts',
    'ours',
    'A key is remembered for `idempotency_seconds`, also over a restart, and no longer.',
  ),
  'idempotency.same-transaction': shownBy(
    'test/crash/kill.test.ts',
    'ours',
    'An answer is stored together with its effect: a server that is killed keeps both or neither.',
  ),
} as const;
