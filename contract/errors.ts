import type { Evidence } from './evidence.ts';

/** One row of the error table. Rows that are the live API's own never carry `code` or `param` on the wire. */
export interface ErrorRow {
  readonly status: 400 | 401 | 403 | 404 | 409 | 429 | 500;
  readonly type: string;
  /** Sent as `x-should-retry`, which the official SDK obeys. */
  readonly retry: boolean;
  readonly evidence: Evidence;
  /** True for rows of the live API that are never given a `code`, even where a session is addressed. */
  readonly bare: boolean;
}

const INVALID = 'invalid_request_error';
const NOT_FOUND = 'resource_not_found_error';
const CONFLICT = 'conflict_error';
const RATE = 'rate_limit_reached_error';

/** Every error, by its code. The texts are written where they are thrown, from the same limits. */
export const ERRORS = {
  // both: bare on the stateless routes, with a code where a session, snapshot or share is addressed
  invalid_request: row(400, INVALID, false, 'kimi'),
  context_window_exceeded: row(400, INVALID, false, 'kimi'),
  // the session dialect
  append_too_large: row(400, INVALID, false, 'article'),
  preserve_len_too_small: row(400, INVALID, false, 'article'),
  session_limit_reached: row(400, INVALID, false, 'article'),
  snapshot_limit_reached: row(400, INVALID, false, 'ours'),
  snapshot_mismatch: row(400, INVALID, false, 'ours'),
  compress_infeasible: row(400, INVALID, false, 'ours'),
  tool_result_orphan: row(400, INVALID, false, 'ours'),
  tool_call_unanswered: row(400, INVALID, false, 'ours'),
  session_not_found: row(404, NOT_FOUND, false, 'ours'),
  snapshot_not_found: row(404, NOT_FOUND, false, 'ours'),
  share_not_found: row(404, NOT_FOUND, false, 'ours'),
  message_not_found: row(404, NOT_FOUND, false, 'ours'),
  session_busy: row(409, CONFLICT, true, 'ours'),
  request_in_progress: row(409, CONFLICT, true, 'ours'),
  version_conflict: row(409, CONFLICT, false, 'ours'),
  idempotency_mismatch: row(409, CONFLICT, false, 'ours'),
  // the live API's own
  body_too_large: live(400, INVALID, false),
  content_filter: live(400, 'content_filter', false),
  content_empty: live(400, INVALID, false),
  tool_call_id_not_found: live(400, INVALID, false),
  invalid_authentication: live(401, 'invalid_authentication_error', false),
  incorrect_api_key: live(401, 'incorrect_api_key_error', false),
  permission_denied: live(403, 'permission_denied_error', false),
  model_not_found: live(404, NOT_FOUND, false),
  engine_overloaded: live(429, 'engine_overloaded_error', true),
  quota_exceeded: live(429, 'exceeded_current_quota_error', false),
  concurrency_limit: live(429, RATE, true),
  rpm_limit: live(429, RATE, true),
  tpm_limit: live(429, RATE, true),
  tpd_limit: live(429, RATE, false),
  unexpected_output: live(500, 'unexpected_output', true),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** The codes that a client can read in `error.code`. */
export type SessionErrorCode = {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['bare'] extends true ? never : Code;
}[ErrorCode];

/** The error envelope. `code` and `param` stand only where a session, snapshot or share is addressed. */
export interface ErrorBody {
  error: { message: string; type: string; code?: SessionErrorCode; param?: string };
}

/** The live API's texts, word for word where captured (`{…}` filled in). */
export const LIVE_TEXT = {
  contentEmpty: 'text content is empty',
  toolCallIdNotFound: 'tool_call_id  not found',
  invalidAuthentication: 'Invalid Authentication',
  incorrectApiKey: 'Incorrect API key provided',
  unexpectedOutput: 'invalid state transition',
  modelNotFound: (model: string) => `Not found the model ${model} or Permission denied`,
  bodyTooLarge: (size: number, limit: number) => `total message size ${size} exceeds limit ${limit}`,
  windowExceeded: (limit: number, requested: number) =>
    `Invalid request: Your request exceeded model token limit: ${limit} (requested: ${requested})`,
} as const;

type Bareness<Bare extends boolean> = Omit<ErrorRow, 'bare'> & { readonly bare: Bare };

function row(status: ErrorRow['status'], type: string, retry: boolean, evidence: Evidence): Bareness<false> {
  return { status, type, retry, evidence, bare: false };
}

function live(status: ErrorRow['status'], type: string, retry: boolean): Bareness<true> {
  return { status, type, retry, evidence: 'kimi', bare: true };
}
