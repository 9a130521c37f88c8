import { MODEL_ID, MODEL_NAMES } from '../../contract/model-names.ts';
import { PRICES, type Price } from '../../contract/prices.ts';

/**
 * What a model costs in dollars, by whichever of its names. A cap that was set in dollars has to hold for a model of which no price is known too, so that one is taken to cost what
 * the dearest does.
 */
export function priceOf(model: string): Price {
  const dollars = PRICES.filter(({ currency }) => currency === 'USD');
  const name = MODEL_NAMES.includes(model) ? MODEL_ID : model;
  const own = dollars.filter((price) => price.model === name);
  const latest = own.toSorted((one, other) => one.since.localeCompare(other.since)).at(-1);
  return latest ?? dearest(model, dollars);
}

function dearest(model: string, prices: readonly Price[]): Price {
  const most = (figure: 'cachedInput' | 'input' | 'output') => Math.max(...prices.map((price) => price[figure]));
  const taken = `${most('input')} USD for a million tokens read and ${most('output')} USD for as many written`;
  return {
    model,
    currency: 'USD',
    cachedInput: most('cachedInput'),
    input: most('input'),
    output: most('output'),
    since: prices.map(({ since }) => since).reduce((one, other) => (one > other ? one : other), ''),
    source: `no price is known of ${model}: that of the dearest model is taken, ${taken}. Ask whoever serves it; where it costs more, set --max-spend lower by as much`,
  };
}
