import { expect, it } from 'vitest';
import { PRICES } from '../../contract/index.ts';

type Figures = [cached: number, input: number, output: number, cacheWrite1h?: number];

/** Figures by source, per million tokens, a second time: none changes in the table without its source being looked at. */
const WRITTEN: [source: string, currency: string, rows: Record<string, Figures>][] = [
  [
    'platform.moonshot.ai/docs/pricing/chat',
    'USD',
    {
      'kimi-k2-0905-preview': [0.15, 0.6, 2.5],
      'kimi-k2-0711-preview': [0.15, 0.6, 2.5],
      'kimi-k2.5': [0.1, 0.6, 3],
    },
  ],
  [
    'github.com/anomalyco/models.dev/pull/356',
    'USD',
    { 'kimi-k2-thinking': [0.15, 0.6, 2.5], 'kimi-k2-thinking-turbo': [0.15, 1.15, 8] },
  ],
  ['github.com/diillson/chatcli/pull/911', 'USD', { 'kimi-k2.6': [0.16, 0.95, 4] }],
  [
    'github.com/Portkey-AI/models/pull/825',
    'USD',
    { 'kimi-k2.7-code': [0.19, 0.95, 4], 'kimi-k2.7-code-highspeed': [0.38, 1.9, 8] },
  ],
  ['github.com/getagentseal/codeburn/pull/709', 'USD', { 'kimi-k3': [0.3, 3, 15] }],
  ['Kimi API documentation, context caching', 'USD', { 'kimi-k3': [0.3, 3, 15, 6] }],
  ['apidog article on K3.1 Pro', 'USD', { 'kimi-k3.1-pro': [0.2, 2, 10], 'kimi-k3.1-pro-highspeed': [0.4, 4, 20] }],
  [
    'platform.kimi.com/docs/pricing/chat-k2,',
    'CNY',
    {
      'kimi-k2-0905-preview': [1, 4, 16],
      'kimi-k2-0711-preview': [1, 4, 16],
      'kimi-k2-turbo-preview': [1, 8, 58],
      'kimi-k2-thinking': [1, 4, 16],
      'kimi-k2-thinking-turbo': [1, 8, 58],
    },
  ],
  ['platform.kimi.com/docs/pricing/chat-k25,', 'CNY', { 'kimi-k2.5': [0.7, 4, 21] }],
  ['platform.kimi.com/docs/pricing/chat-k26,', 'CNY', { 'kimi-k2.6': [1.1, 6.5, 27] }],
  [
    'platform.kimi.com/docs/pricing/chat,',
    'CNY',
    { 'kimi-k2.7-code': [1.3, 6.5, 27], 'kimi-k2.7-code-highspeed': [2.6, 13, 54], 'kimi-k3': [2, 20, 100] },
  ],
];

const EXPECTED = WRITTEN.flatMap(([source, currency, rows]) =>
  Object.entries(rows).map(([model, figures]) => ({ model, currency, figures, source })),
);

it.each(EXPECTED)('$model costs in $currency what its source says', ({ model, currency, figures, source }) => {
  const rows = PRICES.filter((price) => price.model === model && price.currency === currency);
  const row = rows.find((each) => each.source.includes(source));
  const write = row?.cacheWrite1h;
  expect([row?.cachedInput, row?.input, row?.output, ...(write === undefined ? [] : [write])]).toEqual(figures);
});

it('every row of the price table has an independent expected figure', () => {
  expect(PRICES).toHaveLength(EXPECTED.length);
});
