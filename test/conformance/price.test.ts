import { expect, it } from 'vitest';
import { priceOf } from '../../conformance/core/budget.ts';
import { MODEL_ID, MODEL_NAMES } from '../../contract/model-names.ts';
import { PRICES } from '../../contract/prices.ts';

const dollars = PRICES.filter(({ currency }) => currency === 'USD');

it.each(dollars.map(({ model }) => model))('%s has its own price, the latest in USD', (model) => {
  const own = dollars.filter((price) => price.model === model).toSorted((a, b) => a.since.localeCompare(b.since));
  expect(priceOf(model)).toEqual(own.at(-1));
});

it('another name of a model has the price of that model', () => {
  for (const name of MODEL_NAMES) expect(priceOf(name)).toEqual(priceOf(MODEL_ID));
});

it.each(['kimi-unheard-of', 'kimi-k2-turbo-preview', 'kimi-k', ''])(
  'the model %j has no price in USD, so the highest price is assumed',
  (model) => {
    const { input, output, currency, source } = priceOf(model);
    expect(currency).toBe('USD');
    for (const known of dollars) {
      expect(input).toBeGreaterThanOrEqual(known.input);
      expect(output).toBeGreaterThanOrEqual(known.output);
    }
    expect(source).toContain('is unknown, so that of the most expensive model is assumed');
    expect(source).toContain(`${input} USD per million input tokens and ${output} USD per million output tokens`);
    expect(source).toContain('--max-spend');
  },
);
