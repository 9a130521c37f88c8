import { CURRENCIES, type Price } from '../../contract/prices.ts';
import { PriceTable } from '../billing/price-table.ts';
import type { ShownPrice } from '../billing/spend.ts';
import type { JournalEntry } from './describe.ts';

/**
 * What the models of the turns among these cost on the days of the turns, each row once. A model that `own` rows name in one
 * currency has no built-in price in the other beside it: nobody said that it holds.
 */
export function pricesOf(entries: readonly JournalEntry[], own: readonly Price[] = []): ShownPrice[] {
  const table = new PriceTable(own);
  const rows = entries.flatMap(({ facts: { turn }, at }) => {
    if (!turn) return [];
    const found = CURRENCIES.flatMap((currency) => table.of(turn.model, currency, at)?.row ?? []);
    const given = found.filter((row) => own.includes(row));
    return given.length > 0 ? given : found;
  });
  return [...new Set(rows)].map(({ cachedInput, ...row }) => ({ ...row, cached_input: cachedInput }));
}
