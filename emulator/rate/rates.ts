import { isTier, TIERS, type Tier, type TierNumber } from '../../contract/limits.ts';
import type { Clock } from '../clock.ts';
import { AccountRate } from './account-rate.ts';

/** All accounts against one tier. Departure: the live API counts for an organisation, here a key is one. */
export class Rates {
  readonly #tier: Tier;
  readonly #clock: Clock;
  #accounts = new Map<string, AccountRate>();

  /** @throws RangeError for an unknown tier */
  constructor(tier: TierNumber, clock: Clock) {
    if (!isTier(tier)) throw new RangeError(`unknown tier ${tier}; tiers: ${Object.keys(TIERS).join(', ')}`);
    this.#tier = TIERS[tier];
    this.#clock = clock;
  }

  of(account: string): AccountRate {
    const known = this.#accounts.get(account);
    if (known) return known;
    const rate = new AccountRate(account, this.#tier, this.#clock);
    this.#accounts.set(account, rate);
    return rate;
  }

  /** As if no request had been made yet. */
  reset(): void {
    this.#accounts = new Map();
  }
}
