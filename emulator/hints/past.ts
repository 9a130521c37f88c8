import type { Exchange } from '../journal/exchange.ts';

/** What an account did before the request that is refused, as far as the journal still knows. */
export class Past {
  /** Oldest first; of the present state only, nothing from before a reset. */
  readonly exchanges: readonly Exchange[];
  /** The same from before the last reset. */
  readonly forgotten: readonly Exchange[];
  readonly #order: readonly Exchange[];

  /** @param all of the account, oldest first; what came in behind `refused` is left out */
  constructor(all: readonly Exchange[], refused: Exchange | undefined) {
    const before = all.filter(({ n }) => refused === undefined || n < refused.n);
    const reset = before.findLastIndex((exchange) => exchange.told?.reset === true);
    this.exchanges = before.slice(reset + 1);
    this.forgotten = before.slice(0, Math.max(0, reset));
    this.#order = before.filter((exchange) => exchange.told?.reset !== true);
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
