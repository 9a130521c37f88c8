import { rulesOf } from '../rule.ts';

const { must, should } = rulesOf('session');

/** Versions, the order of checks, and how refusals are told. */
export const VERSIONS_RULES = {
  'versions.etag': must('ours', 'Answers about a session carry its version as `ETag`, in quotes.'),
  'versions.match': must('ours', 'A change with `If-Match` of the version that the session is at is carried out.'),
  'versions.stale': must(
    'ours',
    'A change with `If-Match` of any other version is refused with `version_conflict`, and nothing changes.',
  ),
  'versions.malformed': must('ours', 'An `If-Match` that is no version in quotes is refused, and nothing changes.'),
  'versions.steps-once': must('ours', 'Each change that takes effect makes the version one greater.'),
  'versions.no-op': must('ours', 'What changes nothing leaves the version as it is.'),
  'versions.dry-run': must('ours', 'A rehearsal leaves the version as it is.'),
  'versions.snapshot': must('ours', 'A snapshot leaves the version of its session as it is.'),
  'versions.refusal': must('ours', 'A refusal leaves the version, and all else, as it is.'),
  'versions.order': must(
    'ours',
    'Of several faults the first in this order is told: authentication, size of the body, schema, key used for another request, existence, version, busy, pairing of tools, size of the write, window.',
  ),
  'versions.code': must(
    'ours',
    'Where a session or snapshot is addressed, a refusal carries its `code`, and `param` where one field is to blame.',
  ),
  'versions.live-rows-bare': must(
    'ours',
    "Refusals that are the live API's own never carry `code` or `param`, not even where a session is addressed.",
  ),
  'versions.should-retry': must('ours', 'Every refusal says in `x-should-retry` whether sending it again can help.'),
  'versions.retry-after': must('ours', 'A conflict that passes by itself says in `Retry-After` when to come again.'),
  'versions.no-retry-after': should('ours', 'A conflict that does not pass carries no `Retry-After`.'),
  'versions.request-id': must('kimi', 'Every answer names its request in `Msh-Request-Id`, each differently.'),
} as const;
