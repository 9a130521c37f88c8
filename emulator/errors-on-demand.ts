import { createHash } from 'node:crypto';
import { type ErrorCode, LIVE_TEXT } from '../contract/errors.ts';
import { LIMITS } from '../contract/limits.ts';
import { ApiError } from './errors.ts';

/** What the texts of errors name. */
export interface ErrorSubject {
  /** Whatever stands for the account; ids that do not tell it are made of it. */
  account: string;
  model: string;
  session: string;
}

const ABOUT_ANYONE: ErrorSubject = { account: '', model: 'kimi-k2-0905-preview', session: 'sess_unknown' };
/** What the texts of the rate limits say of an account that may do least, as captured. */
const LEAST = { concurrency: 1, rpm: 20, tpm: 500_000, tpd: 1_500_000, tpmUsed: 563_653, tpdUsed: 1_526_210 };

/** Any row of the error table, with the text that the API gives it, as if what it speaks of had happened. */
export function errorOnDemand(code: ErrorCode, about: Partial<ErrorSubject> = {}): ApiError {
  return new ApiError(code, TEXTS[code]({ ...ABOUT_ANYONE, ...about }));
}

/** The live text for an account that has nothing left. Organisation and key are ids of ours, the same for the same account. */
export function quotaText(account: string): string {
  return `${accountText(account)} is suspended due to insufficient balance, please recharge your account or check your plan and billing details`;
}

/** The live texts for an account that has reached a rate limit. The live API says one second, however long it will be. */
export const rateText = {
  concurrency: (account: string, limit: number) =>
    `${accountText(account)} request reached max organization concurrency: ${limit}, ${again}`,
  rpm: (account: string, limit: number) =>
    `${accountText(account)} request reached organization max RPM: ${limit}, ${again}`,
  tpm: (account: string, current: number, limit: number) =>
    `${accountText(account)} request reached organization TPM rate limit, current: ${current}, limit: ${limit}, ${again}`,
  tpd: (account: string, current: number, limit: number) =>
    `${accountText(account)} request reached organization TPD rate limit, current: ${current}, limit: ${limit}`,
} as const;

const { window_tokens, body_bytes, sessions, snapshots, append_tokens, min_preserve_tokens } = LIMITS;
const window = window_tokens.default;
const again = 'please try again after 1 seconds';

const TEXTS: Record<ErrorCode, (about: ErrorSubject) => string> = {
  invalid_request: () => 'Invalid request: this one was made to fail',
  context_window_exceeded: () => LIVE_TEXT.windowExceeded(window, window + 1),
  append_too_large: () =>
    `Invalid request: one write takes at most ${append_tokens.default} tokens (append_tokens), this one counts ${append_tokens.default + 1}`,
  preserve_len_too_small: () => `Invalid request: preserve_len must be at least ${min_preserve_tokens.default}`,
  session_limit_reached: () => limitReached('sessions', sessions.default),
  snapshot_limit_reached: () => limitReached('snapshots', snapshots.default),
  snapshot_mismatch: ({ session }) =>
    `Invalid request: snapshot snap_unknown was taken of session ${session}; fork it instead`,
  compress_infeasible: () => 'Invalid request: what must stay takes too many tokens; no ratio is feasible',
  tool_result_orphan: () => 'Invalid request: tool_call_id functions.unknown:0 answers no open call',
  tool_call_unanswered: () => 'Invalid request: tool call functions.unknown:0 is not answered',
  session_not_found: ({ session }) => `Not found the session ${session}`,
  snapshot_not_found: () => 'Not found the snapshot snap_unknown',
  share_not_found: () => 'Not found the share shr_unknown',
  message_not_found: () => 'Not found the message msg_unknown',
  session_busy: ({ session }) => `The session ${session} is busy with another request, please try again later`,
  request_in_progress: () => 'A request with this Idempotency-Key is still running, please try again later',
  version_conflict: ({ session }) => `The session ${session} is at version 2, not 1`,
  idempotency_mismatch: () => 'The Idempotency-Key unknown was used for another request',
  body_too_large: () => LIVE_TEXT.bodyTooLarge(body_bytes.default + 1, body_bytes.default),
  content_filter: () => 'The request was rejected because it was considered high risk',
  content_empty: () => LIVE_TEXT.contentEmpty,
  tool_call_id_not_found: () => LIVE_TEXT.toolCallIdNotFound,
  invalid_authentication: () => LIVE_TEXT.invalidAuthentication,
  incorrect_api_key: () => LIVE_TEXT.incorrectApiKey,
  permission_denied: () => 'The API you are accessing is not open',
  model_not_found: ({ model }) => LIVE_TEXT.modelNotFound(model),
  engine_overloaded: () => 'The engine is currently overloaded, please try again later',
  quota_exceeded: ({ account }) => quotaText(account),
  concurrency_limit: ({ account }) => rateText.concurrency(account, LEAST.concurrency),
  rpm_limit: ({ account }) => rateText.rpm(account, LEAST.rpm),
  tpm_limit: ({ account }) => rateText.tpm(account, LEAST.tpmUsed, LEAST.tpm),
  tpd_limit: ({ account }) => rateText.tpd(account, LEAST.tpdUsed, LEAST.tpd),
  unexpected_output: () => LIVE_TEXT.unexpectedOutput,
};

function limitReached(what: string, limit: number): string {
  return `Invalid request: the number of ${what} of this account has reached the limit: ${limit}, please delete some`;
}

function accountText(account: string): string {
  const digest = createHash('sha256').update(account).digest('hex');
  return `Your account org-${digest.slice(0, 24)}<ak-${digest.slice(24, 44)}>`;
}
