/** Prices of one model per million tokens, in one currency, from one day on. */
export interface Price {
  readonly model: string;
  readonly currency: 'USD' | 'CNY';
  readonly cachedInput: number;
  readonly input: number;
  readonly output: number;
  /** The day from which they are known to hold. */
  readonly since: string;
  readonly source: string;
}

/** Dated data, never constants of the code. The latest row of a model and currency holds. */
export const PRICES: readonly Price[] = [
  {
    model: 'kimi-k2-0905-preview',
    currency: 'USD',
    cachedInput: 0.15,
    input: 0.6,
    output: 2.5,
    since: '2025-09-05',
    source: 'several client price tables that agree, collected 2026-11',
  },
  {
    model: 'kimi-k2-0905-preview',
    currency: 'CNY',
    cachedInput: 1,
    input: 4,
    output: 16,
    since: '2025-09-05',
    source: 'client price tables, collected 2026-11; not seen on an official page',
  },
];
