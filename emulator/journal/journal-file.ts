import type { Limits } from '../../contract/limits.ts';
import { CURRENCIES, type Price } from '../../contract/prices.ts';
import { PriceTable } from '../billing/ledger.ts';
import { type ShownPrice, toShownPrice } from '../billing/spend.ts';
import { yieldIfOver } from '../engines/scheduler.ts';
import type { Services } from '../services.ts';
import { VERSION } from '../version.ts';
import type { JournalEntry, JournalFilter } from './entries.ts';

/** Steps where a reader of the version before would misread a file. */
export const JOURNAL_VERSION = 1;

/** A journal as it is answered and kept in files: what was asked and answered, and by which rules. */
export interface JournalFile {
  object: 'emulator.journal';
  version: typeof JOURNAL_VERSION;
  /** Version of the emulator. */
  emulator: string;
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  exported_at: number;
  configuration: {
    limits: Limits;
    tokenizer: string;
    exact: boolean;
    model: string;
    /** `own`: a seed's, which stands still, or one that was given. Absent in older files. */
    clock?: 'system' | 'own';
    /** By which the turns among the entries are billed, as a file of prices holds them. Absent in older files. */
    prices?: ShownPrice[];
  };
  /** Requests that came before the first entry and are not remembered any more. */
  dropped: number;
  entries: JournalEntry[];
}

type Exported = Pick<Services, 'journal' | 'clock' | 'limits' | 'tokenizer' | 'model' | 'billing'>;

export async function exportJournal(
  { journal, clock, limits, tokenizer, model, billing }: Exported,
  filter: JournalFilter = {},
): Promise<JournalFile> {
  const { dropped } = journal;
  const now = clock.now();
  const entries: JournalEntry[] = [];
  for (const entry of journal.shown(filter)) {
    entries.push(entry);
    await yieldIfOver();
  }
  return {
    object: 'emulator.journal',
    version: JOURNAL_VERSION,
    emulator: VERSION,
    exported_at: now,
    configuration: {
      limits,
      tokenizer: tokenizer.name,
      exact: tokenizer.exact,
      model: model.name,
      clock: clock.isSystem ? 'system' : 'own',
      prices: pricesOf(entries, billing.settings.prices),
    },
    dropped,
    entries,
  };
}

/**
 * What the models of the turns among these cost on the days of the turns, each row once. A model that `own` rows name in one
 * currency has no built-in price in the other beside it: nobody said that it holds.
 */
function pricesOf(entries: readonly JournalEntry[], own: readonly Price[] = []): ShownPrice[] {
  const table = new PriceTable(own);
  const rows = entries.flatMap(({ facts: { turn }, at }) => {
    if (!turn) return [];
    const found = CURRENCIES.flatMap((currency) => table.find(turn.model, currency, at)?.row ?? []);
    const given = found.filter((row) => own.includes(row));
    return given.length > 0 ? given : found;
  });
  return [...new Set(rows)].map(toShownPrice);
}
