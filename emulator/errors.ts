import { ERRORS, type ErrorBody, type ErrorCode, LIVE_TEXT, type SessionErrorCode } from '../contract/errors.ts';

/** What a refusal is made of, beyond its text: what its headers tell of it. Tokens are counts. */
export interface Grounds {
  /** The effect of the fault that asked for it. */
  fault?: string;
  /** Of tool calls. */
  ids?: readonly string[];
  pairing?: 'orphan' | 'unanswered' | 'duplicate';
  /** Of the message that is to blame. */
  index?: number;
  /** What the window holds, what the request adds, and what its answer may take. */
  used?: number;
  adding?: number;
  answer?: number;
  /** The largest of the messages added. */
  largest?: number;
  /** Seconds until the same request may be answered. */
  wait?: number;
  /** The least `preserve_len` that would do for what has to stay. */
  least?: number;
}

/** A refusal. Thrown from anywhere, rendered once in `app.ts`. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly grounds: Grounds;

  constructor(code: ErrorCode, message: string, param?: string, grounds: Grounds = {}) {
    super(message);
    this.code = code;
    this.param = param;
    this.grounds = grounds;
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

/** Why work is given up whose client has gone, or takes nothing any more. No defect of ours: it is not logged. */
export class ClientGone extends Error {}

/** As `fetch` fails where a connection is dropped before an answer. */
export function connectionReset(): TypeError {
  return new TypeError('fetch failed', { cause: networkError('read ECONNRESET', 'ECONNRESET') });
}

/** The same where nobody listens any more. */
export function connectionRefused(): TypeError {
  return new TypeError('fetch failed', { cause: networkError('the emulator is closed', 'ECONNREFUSED') });
}

/** As a body fails to be read where a connection is dropped in the middle of it. */
export function brokenOff(): TypeError {
  return new TypeError('terminated', { cause: networkError('other side closed', 'UND_ERR_SOCKET') });
}

function networkError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

export function invalid(details: string, param?: string): ApiError {
  return new ApiError('invalid_request', `Invalid request: ${details}`, param);
}

export function windowExceeded(windowTokens: number, requested: number, grounds: Grounds): ApiError {
  return new ApiError('context_window_exceeded', LIVE_TEXT.windowExceeded(windowTokens, requested), undefined, grounds);
}

export function notFound(kind: 'session' | 'snapshot' | 'share' | 'message', id: string, param?: string): ApiError {
  return new ApiError(`${kind}_not_found`, `Not found the ${kind} ${id}`, param);
}
