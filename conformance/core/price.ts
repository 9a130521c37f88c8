import { PRICES, type Price } from '../../contract/prices.ts';

/**
 * What a model costs in dollars. A cap that was set in dollars has to hold for a model of which no price is known too, so that one is taken to cost what
 * the dearest does.
 */
export function priceOf(model: string): Price {
  const dollars = PRICES.filter(({ currency }) => currency === 'USD');
  const own = dollars.filter((price) => price.model === model);
  const latest = own.toSorted((one, other) => one.since.localeCompare(other.since)).at(-1);
  return latest ?? dearest(model, dollars);
}

function dearest(model: string, prices: readonly Price[]): Price {
  const most = (figure: 'cachedInput' | 'input' | 'output') => Math.max(...prices.map((price) => price[figure]));
  return {
    model,
    currency: 'USD',
    cachedInput: most('cachedInput'),
    input: most('input'),
    output: most('output'),
    since: prices.map(({ since }) => since).reduce((one, other) => (one > other ? one : other), ''),
    source: `no price is known of ${model}: that of the dearest model is taken`,
  };
}
