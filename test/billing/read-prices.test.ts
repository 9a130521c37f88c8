import { expect, test } from 'vitest';
import { readPrices } from '../../emulator/billing/read-prices.ts';

const YAML = `# what we pay
- model: kimi-k2-0905-preview
  currency: USD
  cached_input: 0.1
  input: 0.5
  output: 2
  since: 2026-10-01
  source: our contract
`;

test('prices are read from YAML and from JSON', () => {
  const [price] = readPrices(YAML, 'prices.yaml');
  expect(price).toEqual({
    model: 'kimi-k2-0905-preview',
    currency: 'USD',
    cachedInput: 0.1,
    input: 0.5,
    output: 2,
    since: '2026-10-01',
    source: 'our contract',
  });
  const { cachedInput, ...rest } = price ?? {};
  expect(readPrices(JSON.stringify([{ ...rest, cached_input: cachedInput }], null, '\t'), 'prices.json')).toEqual([
    price,
  ]);
});

test.each([
  [
    'an unknown member, with the right ones',
    YAML.replace('cached_input', 'cache'),
    'prices.yaml, line 4: [0]: "cache" is unknown here; did you mean cached_input? the members are model, currency, cached_input, input, output, cache_write_1h, since, source',
  ],
  [
    'an invalid figure',
    YAML.replace('0.5', '-1'),
    'prices.yaml, line 5: [0].input: must be a price per million tokens',
  ],
  [
    'a figure too fine',
    YAML.replace('0.5', '0.12345678'),
    'prices.yaml, line 5: [0].input: must be a price per million',
  ],
  ['an invalid day', YAML.replace('2026-10-01', '2026-13-01'), 'prices.yaml, line 7: [0].since: must be a day'],
  ['a currency that is not known', YAML.replace('USD', 'EUR'), 'prices.yaml, line 3: [0].currency: Invalid option'],
  ['broken YAML', `${YAML}\n  - [`, 'prices.yaml, line '],
  ['no list', 'model: x', 'prices.yaml, line 1: must be a list of prices'],
  ['an empty file', '', 'prices.yaml, line 1: must be a list of prices'],
  [
    'the same row twice',
    YAML + YAML,
    'prices.yaml, line 10: kimi-k2-0905-preview in USD since 2026-10-01 is already on line 2',
  ],
  [
    'the same row under another name of the model',
    YAML + YAML.replace('-preview', ''),
    'prices.yaml, line 10: kimi-k2-0905 in USD since 2026-10-01 is already on line 2, as kimi-k2-0905-preview',
  ],
])('a price file is rejected: %s', (_, text, message) => {
  expect(() => readPrices(text, 'prices.yaml')).toThrow(message);
});

test('a price file needs a source in each row', () => {
  const text = YAML.replace(/ {2}source.*\n/, '');
  expect(() => readPrices(text, 'prices.yaml')).toThrow('prices.yaml, line 2: [0].source: is required');
});

test('prices of an unknown model are left out and reported with the known names', () => {
  const said: string[] = [];
  const text = YAML + YAML.replace('-0905-preview', '-905') + YAML.replace('k2-0905-preview', 'k9');
  const prices = readPrices(text, 'prices.yaml', (line) => said.push(line));
  expect(prices).toHaveLength(1);
  expect(said).toEqual([
    expect.stringMatching(
      /^prices\.yaml: unknown models, whose prices never apply: kimi-k2-905 \(line 10\), kimi-k9 \(line 18\); models: kimi-k2-0905-preview, kimi-k2-0905, .*kimi-k3.1-pro-highspeed$/,
    ),
  ]);
});

test('prices of other known models are accepted without a message', () => {
  const said: string[] = [];
  expect(readPrices(YAML.replace('k2-0905-preview', 'k3'), 'prices.yaml', (line) => said.push(line))).toHaveLength(1);
  expect(said).toEqual([]);
});
