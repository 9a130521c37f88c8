import * as z from 'zod';
import { CURRENCIES, PRICED_MODELS, type Price, pricedAs } from '../../contract/prices.ts';
import { DocumentError } from '../bad-input.ts';
import { members, readDocument } from '../documents.ts';
import { isPrice } from './ledger.ts';

const Figure = z.number().refine(isPrice, 'must be a price per million tokens, not negative, with at most 6 decimals');
const Day = z.iso.date('must be a day such as 2026-01-31');

const PriceRow = members({
  model: z.string().min(1),
  currency: z.enum(CURRENCIES),
  cached_input: Figure,
  input: Figure,
  output: Figure,
  cache_write_1h: Figure.optional(),
  since: Day,
  source: z.string().min(1),
});

const PriceRows = z.array(PriceRow, 'must be a list of prices').min(1);

/**
 * Reads prices from a YAML or JSON file: a list of `{model, currency, cached_input, input, output, since, source}` and maybe `cache_write_1h`, in currency
 * units per million tokens. They replace the built-in prices of each model and currency, under any name of the model.
 * @param warn called with one line about unknown models, whose rows are left out
 * @throws DocumentError in one line, with the line of the file
 */
export function readPrices(text: string, file: string, warn: (line: string) => void = () => undefined): Price[] {
  const { value, lineOf } = readDocument(text, file, PriceRows);
  const seen = new Map<string, { model: string; line: number }>();
  const unknown: string[] = [];
  const prices = value.flatMap(({ cached_input: cachedInput, cache_write_1h: cacheWrite1h, ...row }, index) => {
    const { model, currency, since } = row;
    const line = lineOf([index]);
    const place = `${currency} since ${since}`;
    const before = seen.get(`${pricedAs(model)} ${place}`);
    if (before) {
      const other = before.model === model ? '' : `, as ${before.model}`;
      throw new DocumentError(`${file}, line ${line}: ${model} in ${place} is already on line ${before.line}${other}`);
    }
    seen.set(`${pricedAs(model)} ${place}`, { model, line });
    if (PRICED_MODELS.includes(model))
      return [{ ...row, cachedInput, ...(cacheWrite1h !== undefined && { cacheWrite1h }) }];
    unknown.push(`${model} (line ${line})`);
    return [];
  });
  if (unknown.length > 0) warn(`${file}: ${noSuchModels(unknown)}`);
  return prices;
}

function noSuchModels(names: readonly string[]): string {
  return `unknown models, whose prices never apply: ${names.join(', ')}; models: ${PRICED_MODELS.join(', ')}`;
}
