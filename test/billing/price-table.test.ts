import { expect, test } from 'vitest';
import { PRICES, type Price } from '../../contract/prices.ts';
import { PriceTable } from '../../emulator/billing/ledger.ts';

const BUILT_IN = new PriceTable();
const day = (text: string) => Date.parse(`${text}T12:00:00Z`);

function row(since: string, input: number, model = 'kimi-k2.5'): Price {
  return { model, currency: 'USD', cachedInput: 0.1, input, output: 3, since, source: 'a test' };
}

test('every built-in row is dated, has a source and orders its figures soundly', () => {
  for (const { cachedInput, input, output, since, source } of PRICES) {
    expect(since).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(source).not.toBe('');
    expect(cachedInput).toBeLessThan(input);
    expect(input).toBeLessThan(output);
  }
});

test('no two rows are of the same model, currency and day', () => {
  const places = PRICES.map(({ model, currency, since }) => `${model} ${currency} ${since}`);
  expect(new Set(places).size).toBe(places.length);
});

test('the model of the sessions has a price in both currencies, by both of its names', () => {
  expect(BUILT_IN.find('kimi-k2-0905', 'USD', day('2026-11-01'))?.row).toMatchObject({
    cachedInput: 0.15,
    input: 0.6,
    output: 2.5,
  });
  expect(BUILT_IN.find('kimi-k2-0905-preview', 'CNY', day('2026-11-01'))?.row).toMatchObject({
    cachedInput: 1,
    input: 4,
    output: 16,
  });
});

test('the latest price not after the day applies, and the first one before all of them', () => {
  const table = new PriceTable([row('2026-06-01', 2), row('2026-01-01', 1), row('2026-09-01', 3)]);
  const inputOn = (text: string) => table.find('kimi-k2.5', 'USD', day(text))?.row.input;
  expect(inputOn('2025-01-01')).toBe(1);
  expect(inputOn('2026-05-31')).toBe(1);
  expect(inputOn('2026-06-01')).toBe(2);
  expect(inputOn('2027-01-01')).toBe(3);
});

test('custom prices replace the built-in ones of their model and currency only', () => {
  const table = new PriceTable([row('2030-01-01', 9)]);
  expect(table.find('kimi-k2.5', 'USD', day('2026-11-01'))?.row.input).toBe(9);
  expect(table.find('kimi-k2.5', 'CNY', day('2026-11-01'))?.row.input).toBe(4);
  expect(table.find('kimi-k2.6', 'USD', day('2026-11-01'))?.row.input).toBe(0.95);
});

test('prices under another name of a model apply to that model', () => {
  const table = new PriceTable([row('2026-01-01', 7, 'kimi-k2-0905')]);
  for (const name of ['kimi-k2-0905', 'kimi-k2-0905-preview']) {
    expect(table.find(name, 'USD', day('2026-11-01'))?.row.input).toBe(7);
    expect(table.find(name, 'CNY', day('2026-11-01'))?.row.input).toBe(4);
  }
});

test('an unknown model has no price', () => {
  expect(BUILT_IN.find('kimi-k9', 'USD', day('2026-11-01'))).toBeUndefined();
  expect(BUILT_IN.find('kimi-k2-turbo-preview', 'USD', day('2026-11-01'))).toBeUndefined();
});

test('the price table returns the same object for the same row', () => {
  const table = new PriceTable();
  expect(table.find('kimi-k2-0905', 'USD', day('2026-11-01'))).toBe(
    table.find('kimi-k2-0905-preview', 'USD', day('2026-01-01')),
  );
});
