import type { Evidence } from './evidence.ts';

/** What an account may do at most. */
export interface Tier {
  /** Answers under way at once. */
  readonly concurrency: number;
  /** Requests a minute. */
  readonly rpm: number;
  /** Tokens a minute. */
  readonly tpm: number;
  /** Tokens a day; null where there is no such limit. */
  readonly tpd: number | null;
}

/** Where the table comes from. The live API applies it to an organisation. */
export const TIERS_SOURCE: { readonly evidence: Evidence; readonly source: string } = {
  evidence: 'kimi',
  source: 'Kimi API documentation, "Rate limits", collected 2026-11',
};

/** The rate tiers, by what an account has paid in: 0 has paid nothing yet. */
export const TIERS = {
  0: tier(1, 3, 500_000, 1_500_000),
  1: tier(50, 200, 2_000_000),
  2: tier(100, 500, 3_000_000),
  3: tier(200, 5_000, 3_000_000),
  4: tier(400, 5_000, 4_000_000),
  5: tier(1_000, 10_000, 5_000_000),
} as const;

export type TierNumber = keyof typeof TIERS;

export function isTier(number: unknown): number is TierNumber {
  return typeof number === 'number' && Object.hasOwn(TIERS, number);
}

function tier(concurrency: number, rpm: number, tpm: number, tpd: number | null = null): Tier {
  return { concurrency, rpm, tpm, tpd };
}
