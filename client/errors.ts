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

/** What a rolling session cannot do, and what would help. */
export class RollingSessionError extends Error {
  override readonly name = 'RollingSessionError';
  readonly code: RollingSessionErrorCode;

  /** @param options with the refusal of the server that led to it, if any, as `cause`; and `detail`, such as what it is about */
  constructor(code: RollingSessionErrorCode, options: ErrorOptions & { detail?: string } = {}) {
    const { cause, detail } = options;
    const said = [MESSAGES[code], detail && `(${detail})`, cause instanceof Error && `(${cause.message})`];
    super(said.filter(Boolean).join(' '), cause ? { cause } : undefined);
    this.code = code;
  }
}

export type RollingSessionErrorCode = keyof typeof MESSAGES;

const MESSAGES = {
  busy: 'Another call of this RollingSession is still running. Await it, or end its iteration, first.',
  not_shrinking:
    'The window is over maxKeep, and two shrinkings in a row gained less than 5 %. Unpin messages, raise maxKeep, lower preserveLen, choose another policy, or roll back.',
  shrink_refused:
    'The window has no room for one more write and its answer, and the server refused to make it smaller. Unpin messages, lower preserveLen, choose another policy, or roll back.',
  answer_restarted:
    'The answer broke off, and the second answer differs. Call chat() with the same input to get the whole answer; the turn is stored once.',
  diverged:
    'Another writer removed messages from this session, so the outcome of the last step is unknown. Roll back to a snapshot.',
  no_snapshot: 'There is no snapshot that far back.',
  no_dialect: 'The server answered without the state of the session: it does not speak the session dialect.',
  open_calls:
    "Tool calls wait for their results: give all of them to answer(), or chat with abandonOpenCalls: 'error result'.",
  no_open_calls:
    'No such tool call waits for a result. After a crash, resume() finishes what was sent before, and openCalls has what is left.',
  empty: 'There is nothing to send: the input has no messages.',
} as const;
