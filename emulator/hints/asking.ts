import type { ErrorCode } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ApiError } from '../api-error.ts';
import type { Exchange } from '../journal/exchange.ts';

/** A refusal with all that a hint may draw on: the request itself, and what the same account did before. */
export interface Asking<Code extends ErrorCode = ErrorCode> {
  refusal: Pick<ApiError<Code>, 'code' | 'param' | 'details'>;
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
export type Hint<Code extends ErrorCode = ErrorCode> = (asking: Asking<Code>) => string;

/** 9,104 */
export function count(tokens: number): string {
  return tokens.toLocaleString('en-US');
}

const MAX_LENGTH = 500;

/** A text as a header can carry it: one line of visible ASCII, the rest escaped as in JSON, and no longer than it should be. */
export function toLine(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  const line = flat.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3).replace(/\\u?[0-9a-f]{0,3}$/, '')}...`;
}

/** A name that somebody else chose: not longer than it takes to recognise it. */
export function named(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 61)}...`;
}

/** What an account did before the request that is refused, as far as the journal still knows. */
export class Past {
  /** Oldest first; of the present state only, nothing from before a reset. */
  readonly exchanges: readonly Exchange[];
  /** The same from before the last reset. */
  readonly forgotten: readonly Exchange[];
  readonly #order: readonly Exchange[];

  /** @param all of the account, oldest first; what came in behind `refused` is left out, but for a reset while it ran */
  constructor(all: readonly Exchange[], refused: Exchange | undefined) {
    const before = all.filter(({ n, noted }) => refused === undefined || n < refused.n || noted?.reset);
    const reset = before.findLastIndex((exchange) => exchange.noted?.reset === true);
    this.exchanges = before.slice(reset + 1);
    this.forgotten = before.slice(0, Math.max(0, reset));
    this.#order = before.filter((exchange) => exchange.noted?.reset !== true);
  }

  last(fits: (exchange: Exchange) => boolean): Exchange | undefined {
    return this.exchanges.findLast(fits);
  }

  /** Such as `request #17 (truncateSession, 3 requests ago)`. */
  name(exchange: Exchange): string {
    const ago = this.#order.length - this.#order.indexOf(exchange);
    const operation = exchange.addressed.operation ?? `${exchange.asked.method} ${exchange.asked.path}`;
    return `request #${exchange.n} (${operation}, ${ago === 1 ? 'the request before' : `${ago} requests ago`})`;
  }
}
