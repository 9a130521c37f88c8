import * as z from 'zod';
import { CURRENCIES, PRICED_MODELS, type Price, pricedAs } from '../../contract/prices.ts';
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
 * million tokens. For a model and currency that it names, by whichever name, none of the built-in rows holds (see `PriceTable`).
 * @param warn told in one line of models that are not known; their rows are left out
 * @throws DocumentError in one line, with the line of the file
 */
export function readPrices(text: string, file: string, warn: (line: string) => void = () => undefined): Price[] {
  const { value, lineOf } = readDocument(text, file, PriceRows);
  const seen = new Map<string, { model: string; line: number }>();
  const unknown: string[] = [];
  const prices = value.flatMap(({ cached_input: cachedInput, ...row }, index) => {
    const { model, currency, since } = row;
    const line = lineOf([index]);
    const place = `${currency} since ${since}`;
    const before = seen.get(`${pricedAs(model)} ${place}`);
    if (before) {
      const other = before.model === model ? '' : `, as ${before.model}`;
      const complaint = `${model} in ${place} stands on line ${before.line} already${other}`;
      throw new DocumentError(`${file}, line ${line}: ${complaint}`);
    }
    seen.set(`${pricedAs(model)} ${place}`, { model, line });
    if (PRICED_MODELS.includes(model)) return [{ ...row, cachedInput }];
    unknown.push(`${model} (line ${line})`);
    return [];
  });
  if (unknown.length > 0) warn(`${file}: ${noSuchModels(unknown)}`);
  return prices;
}

function noSuchModels(names: readonly string[]): string {
  return `no model is called ${names.join(', ')}, so that no request can cost these prices; models: ${PRICED_MODELS.join(', ')}`;
}
