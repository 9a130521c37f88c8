import { rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('session');

/** Versions, the order of checks, and what a refusal has. */
export const VERSIONS_RULES = {
  'versions.etag': ours('Answers about a session have its version as a quoted `ETag`.'),
  'versions.match': ours('A change with `If-Match` of the current version is executed.'),
  'versions.stale': ours(
    'A change with `If-Match` of another version is refused with `version_conflict`; nothing changes.',
  ),
  'versions.malformed': ours('An `If-Match` that is not a quoted version is refused; nothing changes.'),
  'versions.steps-once': ours('Each change that takes effect increases the version by one.'),
  'versions.updated-at': ours('`updated_at` moves on with the version, and only with it.'),
  'versions.message-times': ours('A message keeps its `created_at` through cuts, rollbacks and forks.'),
  'versions.fork-times': ours('The `created_at` of a fork is its own.'),
  'versions.no-op': ours('A request that changes nothing keeps the version.'),
  'versions.dry-run': ours('A dry run keeps the version.'),
  'versions.snapshot': ours('A snapshot keeps the version of its session.'),
  'versions.refusal': ours('A refused request keeps the version and everything else.'),
  'versions.order': ours(
    'Of several faults the first is reported, in this order: authentication, body size, schema, idempotency key, existence, version, busy, tool pairing, write limit, window.',
  ),
  'versions.code': ours('A refusal on a session or snapshot has a `code`, and a `param` when one field is at fault.'),
  'versions.live-rows-bare': ours('Errors of the live API never have `code` or `param`, not even on a session.'),
  'versions.should-retry': ours('Every refusal states in `x-should-retry` whether a retry can succeed.'),
  'versions.retry-after': ours('A temporary conflict has a `Retry-After`.'),
  'versions.no-retry-after': ours.should('A permanent conflict has no `Retry-After`.'),
  'versions.request-id': kimi('Every answer has a different `Msh-Request-Id`.'),
} as const;
