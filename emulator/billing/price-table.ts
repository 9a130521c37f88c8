import { type Currency, PRICES, type Price, pricedAs } from '../../contract/prices.ts';
import { type Money, perToken } from './money.ts';

/** What a token of each kind costs, and the row of the price table that says so. */
export interface TokenPrices {
  row: Price;
  cachedInput: Money;
  input: Money;
  output: Money;
  /** For an hour. */
  cacheWrite: Money;
}

/** Looks prices up by model, currency and day. */
export class PriceTable {
  readonly #rows: readonly Price[];
  readonly #tokenPrices = new Map<Price, TokenPrices>();

  /**
   * @param own rows that replace all others of the same model and currency
   * @param others the built-in rows
   */
  constructor(own: readonly Price[] = [], others: readonly Price[] = PRICES) {
    const replaced = new Set(own.map(placeOf));
    this.#rows = [...own, ...others.filter((row) => !replaced.has(placeOf(row)))];
  }

  /**
   * The prices on a day: the latest row that is not after it; before all of them, the first, as nothing earlier is known.
   * Returns the same object for the same row, so that usage can be summed by it, and undefined if no price is known.
   * @param at milliseconds since the Unix epoch; the day is that of UTC
   */
  find(model: string, currency: Currency, at: number): TokenPrices | undefined {
    const place = placeOf({ model, currency });
    const rows = this.#rows.filter((row) => placeOf(row) === place).sort((a, b) => (a.since < b.since ? -1 : 1));
    const day = dayOf(at);
    const row = rows.findLast(({ since }) => since <= day) ?? rows[0];
    return row && this.#toTokenPrices(row);
  }

  #toTokenPrices(row: Price): TokenPrices {
    const known = this.#tokenPrices.get(row);
    if (known) return known;
    const prices = {
      row,
      cachedInput: perToken(row.cachedInput),
      input: perToken(row.input),
      output: perToken(row.output),
      cacheWrite: perToken(row.cacheWrite1h ?? row.input),
    };
    this.#tokenPrices.set(row, prices);
    return prices;
  }
}

function placeOf({ model, currency }: Pick<Price, 'model' | 'currency'>): string {
  return `${currency} ${pricedAs(model)}`;
}

/** A time that is not a date counts as the first day of all. */
function dayOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}
