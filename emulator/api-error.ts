import {
  describeError,
  ERRORS,
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  exampleDetails,
  type InvalidReason,
  type SessionErrorCode,
} from '../contract/errors.ts';
import { holderOf } from './ids.ts';

/** A refusal. Thrown from anywhere by its code and details, rendered once in `app.ts`. */
export class ApiError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly details: ErrorDetails<Code>;
  readonly param: string | undefined;
  /** Who made it up, such as `the fault error`: no request has led to it. */
  readonly injectedBy: string | undefined;

  constructor(code: Code, details: ErrorDetails<Code>, injectedBy?: string) {
    const { message, param } = describeError(code, details);
    super(message);
    this.code = code;
    this.details = details;
    this.param = param;
    this.injectedBy = injectedBy;
  }

  /** Seconds until the same request may be answered, where that is known. */
  get retryAfter(): number | undefined {
    return 'wait' in this.details ? this.details.wait : undefined;
  }

  /** The body on the wire. `addressed`: whether the request named a session, snapshot or share. */
  toBody(addressed: boolean): ErrorBody {
    const { type, bare } = ERRORS[this.code];
    const error: ErrorBody['error'] = { message: this.message, type };
    if (addressed && !bare) {
      error.code = this.code as SessionErrorCode;
      if (this.param !== undefined) error.param = this.param;
    }
    return { error };
  }
}

/** Any row of the error table, about this account, model and session where its text names one. */
export function injectedError(
  code: ErrorCode,
  { account, ...subject }: { account?: string; model?: string; session?: string },
  injectedBy: string,
): ApiError {
  const holder = account === undefined ? {} : { holder: holderOf(account) };
  return new ApiError(code, exampleDetails(code, { ...subject, ...holder }), injectedBy);
}

export function invalid(problem: string, param?: string, reason?: InvalidReason): ApiError {
  return new ApiError('invalid_request', { problem, param, reason });
}

/** The reason to abort work whose client has gone or no longer reads. It is not a defect, so it is not logged. */
export class ClientGone extends Error {}

/** As `fetch` fails where a connection is dropped before an answer. */
export function connectionReset(): TypeError {
  return new TypeError('fetch failed', { cause: networkError('read ECONNRESET', 'ECONNRESET') });
}

/** The same where nobody listens any more. */
export function connectionRefused(): TypeError {
  return new TypeError('fetch failed', { cause: networkError('the emulator is closed', 'ECONNREFUSED') });
}

/** The same where a URL leads to no server. */
export function unknownScheme(url: string): TypeError {
  return new TypeError('fetch failed', { cause: new Error(`unknown scheme: ${new URL(url).protocol}`) });
}

/** As a body fails to be read where a connection is dropped in the middle of it. */
export function brokenOff(): TypeError {
  return new TypeError('terminated', { cause: networkError('other side closed', 'UND_ERR_SOCKET') });
}

function networkError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
