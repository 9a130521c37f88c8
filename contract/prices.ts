import { MODEL_ID, MODEL_NAMES } from './model-names.ts';

/** Prices of one model per million tokens, in one currency, from one day on. */
export interface Price {
  readonly model: string;
  readonly currency: Currency;
  readonly cachedInput: number;
  readonly input: number;
  readonly output: number;
  /** What is written into the cache for an hour, where that has a price of its own. For five minutes it costs as input. */
  readonly cacheWrite1h?: number;
  /** The day from which they are known to hold. */
  readonly since: string;
  readonly source: string;
}

export const CURRENCIES = ['USD', 'CNY'] as const;
export type Currency = (typeof CURRENCIES)[number];

const OFFICIAL_USD = 'platform.moonshot.ai/docs/pricing/chat, as stored by megalodon.jp on 2026-03-26';
const K2_CNY = 'platform.kimi.com/docs/pricing/chat-k2, as transcribed in a public price list on 2026-05-16';
const OFFICIAL_CNY = 'platform.kimi.com/docs/pricing/chat, as transcribed in public price lists of 2026-07 and 2026-08';
const K31_USD = 'apidog article on K3.1 Pro, which read the documentation on 2026-10-24';
const CACHING = 'Kimi API documentation, context caching, 2026-10';
const K27_USD = 'platform.kimi.ai/docs/pricing/chat-k27-code, as copied in github.com/Portkey-AI/models/pull/825';

/**
 * Dated data, never constants of the code. The latest row of a model and currency holds. A figure without a source has no row.
 * The cached input of K3.1 Pro is told with doubt, and that of its fast form not at all: it is taken in the same ratio.
 */
export const PRICES: readonly Price[] = [
  price('kimi-k2-0905-preview', 'USD', [0.15, 0.6, 2.5], '2025-09-05', `${OFFICIAL_USD}; several client tables agree`),
  price('kimi-k2-0905-preview', 'CNY', [1, 4, 16], '2025-09-05', K2_CNY),
  price('kimi-k2-0711-preview', 'USD', [0.15, 0.6, 2.5], '2026-03-26', OFFICIAL_USD),
  price('kimi-k2-0711-preview', 'CNY', [1, 4, 16], '2026-05-16', K2_CNY),
  price('kimi-k2-turbo-preview', 'CNY', [1, 8, 58], '2026-05-16', K2_CNY),
  price('kimi-k2-thinking', 'USD', [0.15, 0.6, 2.5], '2025-11-06', 'github.com/anomalyco/models.dev/pull/356'),
  price('kimi-k2-thinking', 'CNY', [1, 4, 16], '2026-05-16', K2_CNY),
  price('kimi-k2-thinking-turbo', 'USD', [0.15, 1.15, 8], '2025-11-06', 'github.com/anomalyco/models.dev/pull/356'),
  price('kimi-k2-thinking-turbo', 'CNY', [1, 8, 58], '2026-05-16', K2_CNY),
  price('kimi-k2.5', 'USD', [0.1, 0.6, 3], '2026-02-02', `${OFFICIAL_USD}; github.com/BerriAI/litellm/pull/20273`),
  price('kimi-k2.5', 'CNY', [0.7, 4, 21], '2026-05-16', 'platform.kimi.com/docs/pricing/chat-k25, stored copy'),
  price('kimi-k2.6', 'USD', [0.16, 0.95, 4], '2026-05-14', 'github.com/diillson/chatcli/pull/911'),
  price('kimi-k2.6', 'CNY', [1.1, 6.5, 27], '2026-05-16', 'platform.kimi.com/docs/pricing/chat-k26, stored copy'),
  price('kimi-k2.7-code', 'USD', [0.19, 0.95, 4], '2026-06-30', K27_USD),
  price('kimi-k2.7-code', 'CNY', [1.3, 6.5, 27], '2026-07-18', OFFICIAL_CNY),
  price('kimi-k2.7-code-highspeed', 'USD', [0.38, 1.9, 8], '2026-06-30', K27_USD),
  price('kimi-k2.7-code-highspeed', 'CNY', [2.6, 13, 54], '2026-08-26', OFFICIAL_CNY),
  price('kimi-k3', 'USD', [0.3, 3, 15], '2026-07-16', 'github.com/getagentseal/codeburn/pull/709'),
  { ...price('kimi-k3', 'USD', [0.3, 3, 15], '2026-10-01', CACHING), cacheWrite1h: 6 },
  price('kimi-k3', 'CNY', [2, 20, 100], '2026-07-18', OFFICIAL_CNY),
  price('kimi-k3.1-pro', 'USD', [0.2, 2, 10], '2026-10-24', K31_USD),
  price('kimi-k3.1-pro-highspeed', 'USD', [0.4, 4, 20], '2026-10-24', K31_USD),
];

/** The models that a price can be of, by all their names. */
export const PRICED_MODELS: readonly string[] = [...new Set([...MODEL_NAMES, ...PRICES.map(({ model }) => model)])];

/** The one name under which a model is priced, whichever of its names is given. */
export function pricedAs(model: string): string {
  return MODEL_NAMES.includes(model) ? MODEL_ID : model;
}

/** @param figures cached input, input, output */
function price(
  model: string,
  currency: Currency,
  [cachedInput, input, output]: readonly [number, number, number],
  since: string,
  source: string,
): Price {
  return { model, currency, cachedInput, input, output, since, source };
}
