import { APIError } from 'openai';
import type { SessionErrorCode } from '../contract/errors.ts';

/** An error of the session dialect: one of the SDK's classes, with a code. */
export type SessionError<Code extends SessionErrorCode = SessionErrorCode> = APIError & { readonly code: Code };

/** Whether an error is a refusal of the session dialect, and, with `code`, this one. */
export function isSessionError<Code extends SessionErrorCode>(
  error: unknown,
  code?: Code,
): error is SessionError<Code> {
  if (!(error instanceof APIError) || typeof error.code !== 'string') return false;
  return code === undefined || error.code === code;
}
