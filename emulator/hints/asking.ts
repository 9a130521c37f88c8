import type { Limits } from '../../contract/limits.ts';
import type { ApiError } from '../errors.ts';
import type { Exchange } from '../journal/exchange.ts';
import type { Past } from './past.ts';

/** A refusal with all that a hint may draw on: the request itself, and what the same account did before. */
export interface Asking {
  refusal: Pick<ApiError, 'code' | 'message' | 'param' | 'grounds'>;
  /** Undefined where no journal is kept of it. */
  exchange: Exchange | undefined;
  /** Its body, as far as it was read. */
  body: Uint8Array;
  path: string;
  /** Fields behind the path; undefined where what the request says is in its body. */
  query: Readonly<Record<string, string>> | undefined;
  past: Past;
  limits: Limits;
  /** Unix seconds. */
  now: number;
}

/** One line that says what led to a refusal and what to do. */
export type Hint = (asking: Asking) => string;

/** 9,104 */
export function count(tokens: number): string {
  return tokens.toLocaleString('en-US');
}
