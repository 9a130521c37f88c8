import { ofAnswers, rulesOf } from '../rule.ts';

const { ours } = rulesOf('session');

/** Requests that can be repeated with a key. */
export const IDEMPOTENCY_RULES = {
  'idempotency.once': ours('A request that is repeated with its `Idempotency-Key` has no second effect.'),
  'idempotency.same-answer': ours('A repeated request with its key gets the stored answer.'),
  'idempotency.replayed-header': ours('A stored answer has `Idempotent-Replayed: true`; a first answer does not.'),
  'idempotency.mismatch': ours(
    'A key that is reused with another body or route is refused with `idempotency_mismatch`; nothing changes.',
  ),
  'idempotency.of-chats': ofAnswers(
    ours('So it is with a chat that names no session: the stored answer, marked, and no other request with that key.'),
  ),
  'idempotency.refusal-free': ours('A refused request does not use up its key.'),
  'idempotency.key-bytes': ours(
    'A key has 1 to 255 characters and is compared byte for byte; a longer one is refused.',
  ),
  'idempotency.per-account': ours('Keys of one account do not affect another.'),
  'idempotency.without-key': ours('Requests without a key, or with different keys, are each executed.'),
  'idempotency.in-progress': ours(
    'While the first request of a key runs, others are refused with `request_in_progress`; only one takes effect.',
  ),
  'idempotency.before-state': ours("A replay does not depend on the session's existence, version or busy state."),
  'idempotency.delete': ours('Keys also work for deletions.'),
  'idempotency.stream': ours('A repeated streamed chat streams the stored reply and writes nothing.'),
  'idempotency.kept': ours.shownBy(
    'test/http/idempotency.test.ts',
    'A key is stored for `idempotency_seconds`, also over a restart, and no longer.',
  ),
  'idempotency.same-transaction': ours.shownBy(
    'test/crash/kill.test.ts',
    'An answer is stored in the transaction of its effect: a killed server keeps both or neither.',
  ),
} as const;
