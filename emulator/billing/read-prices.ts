import * as z from 'zod';
import { CURRENCIES, type Price } from '../../contract/prices.ts';
import { DocumentError } from '../documents/document-error.ts';
import { members } from '../documents/members.ts';
import { readDocument } from '../documents/read-document.ts';
import { isPrice } from './money.ts';

const Figure = z.number().refine(isPrice, 'must be a price per million tokens, not negative, of at most 6 decimals');
const Day = z.iso.date('must be a day such as 2026-01-31');

const PriceRow = members({
  model: z.string().min(1),
  currency: z.enum(CURRENCIES),
  cached_input: Figure,
  input: Figure,
  output: Figure,
  since: Day,
  source: z.string().min(1),
});

const PriceRows = z.array(PriceRow, 'must be a list of prices').min(1);

/**
 * Prices from a file of YAML or JSON: a list of `{model, currency, cached_input, input, output, since, source}`, the figures per
 * million tokens. For a model and currency that it names, none of the built-in rows holds (see `PriceTable`).
 * @throws DocumentError in one line, with the line of the file
 */
export function readPrices(text: string, file: string): Price[] {
  const { value, lineOf } = readDocument(text, file, PriceRows);
  const seen = new Map<string, number>();
  return value.map(({ cached_input: cachedInput, ...row }, index) => {
    const place = `${row.model} in ${row.currency} since ${row.since}`;
    const before = seen.get(place);
    const line = lineOf([index]);
    if (before !== undefined)
      throw new DocumentError(`${file}, line ${line}: ${place} stands on line ${before} already`);
    seen.set(place, line);
    return { ...row, cachedInput };
  });
}
