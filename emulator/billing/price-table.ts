import { type Currency, PRICES, type Price, pricedAs } from '../../contract/prices.ts';
import { type Money, perToken } from './money.ts';

/** What a token of each kind costs, and the row that says so. */
export interface Rates {
  row: Price;
  cachedInput: Money;
  input: Money;
  output: Money;
}

/** Looks prices up by model, currency and day. */
export class PriceTable {
  readonly #rows: readonly Price[];
  readonly #rates = new Map<Price, Rates>();

  /**
   * @param own rows that stand in for all others of the same model and currency
   * @param others the built-in ones
   */
  constructor(own: readonly Price[] = [], others: readonly Price[] = PRICES) {
    const replaced = new Set(own.map(placeOf));
    this.#rows = [...own, ...others.filter((row) => !replaced.has(placeOf(row)))];
  }

  /**
   * What holds on a day: the latest row that is not after it, or before all of them the first, nothing earlier being known.
   * The same object for the same row, so that work can be gathered by it. Undefined where no price is known.
   * @param at milliseconds since the Unix epoch; the day is that of UTC
   */
  of(model: string, currency: Currency, at: number): Rates | undefined {
    const place = placeOf({ model, currency });
    const rows = this.#rows.filter((row) => placeOf(row) === place).sort((a, b) => (a.since < b.since ? -1 : 1));
    const day = dayOf(at);
    const row = rows.findLast(({ since }) => since <= day) ?? rows[0];
    return row && this.#ratesOf(row);
  }

  #ratesOf(row: Price): Rates {
    const known = this.#rates.get(row);
    if (known) return known;
    const rates = {
      row,
      cachedInput: perToken(row.cachedInput),
      input: perToken(row.input),
      output: perToken(row.output),
    };
    this.#rates.set(row, rates);
    return rates;
  }
}

const BUILT_IN = new PriceTable();

/** The built-in price of a model on a day. Undefined where none is known. */
export function priceOf(model: string, currency: Currency, at: number): Price | undefined {
  return BUILT_IN.of(model, currency, at)?.row;
}

function placeOf({ model, currency }: Pick<Price, 'model' | 'currency'>): string {
  return `${currency} ${pricedAs(model)}`;
}

/** What a clock cannot show as a day counts as the first of all. */
function dayOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}
