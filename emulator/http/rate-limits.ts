import { isTier, TIERS, type Tier, type TierNumber } from '../../contract/limits.ts';
import { ApiError } from '../api-error.ts';
import type { Clock } from '../clock.ts';
import { holderOf } from '../ids.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MAX_ACCOUNTS = 16_384;

/**
 * All accounts against one tier. Departures: the live API counts per organisation, here each key is one; of more than 16,384
 * accounts, the one that asked longest ago and has no request running starts again.
 */
export class RateLimits {
  readonly #tier: Tier;
  readonly #clock: Clock;
  readonly #maxAccounts: number;
  /** The least recently active account is first. */
  #accounts = new Map<string, AccountRate>();

  /** @throws RangeError for an unknown tier */
  constructor(tier: TierNumber, clock: Clock, maxAccounts = MAX_ACCOUNTS) {
    if (!isTier(tier)) throw new RangeError(`unknown tier ${tier}; tiers: ${Object.keys(TIERS).join(', ')}`);
    this.#tier = TIERS[tier];
    this.#clock = clock;
    this.#maxAccounts = maxAccounts;
  }

  of(account: string): AccountRate {
    const rate = this.#accounts.get(account) ?? new AccountRate(account, this.#tier, this.#clock);
    this.#accounts.delete(account);
    this.#accounts.set(account, rate);
    if (this.#accounts.size > this.#maxAccounts) this.#evict();
    return rate;
  }

  /** Forgets all requests. */
  reset(): void {
    this.#accounts = new Map();
  }

  #evict(): void {
    for (const [account, rate] of this.#accounts) {
      if (rate.isRunning) continue;
      this.#accounts.delete(account);
      return;
    }
  }
}

/** One account against its tier. A refused request counts nowhere. */
export class AccountRate {
  readonly #account: string;
  readonly #tier: Tier;
  readonly #clock: Clock;
  readonly #requests = new SlidingSum(MINUTE_MS);
  readonly #minute = new SlidingSum(MINUTE_MS);
  readonly #day = new SlidingSum(DAY_MS);
  #running = 0;

  constructor(account: string, tier: Tier, clock: Clock) {
    this.#account = account;
    this.#tier = tier;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#running > 0;
  }

  /**
   * Admits a request.
   * @returns a function that ends it; further calls do nothing
   * @throws ApiError `concurrency_limit`, `rpm_limit`
   */
  enter(): () => void {
    const { concurrency, rpm } = this.#tier;
    if (this.#running >= concurrency) {
      throw new ApiError('concurrency_limit', { holder: holderOf(this.#account), limit: concurrency });
    }
    const now = this.#clock.now();
    if (this.#requests.at(now) >= rpm) {
      const wait = secondsUntil(this.#requests.fallsTo(rpm - 1), now);
      throw new ApiError('rpm_limit', { holder: holderOf(this.#account), limit: rpm, wait });
    }
    this.#requests.add(now, 1);
    this.#running += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#running -= 1;
    };
  }

  /**
   * Charges an admitted request with its prompt and the maximum its answers may use: the actual use is not known yet, and the
   * difference is not refunded.
   * @throws ApiError `tpm_limit`, `tpd_limit`, naming the tokens that the request would have brought the account to
   */
  charge(tokens: number): void {
    const { tpm, tpd } = this.#tier;
    const now = this.#clock.now();
    const minute = this.#minute.at(now) + tokens;
    if (minute > tpm) {
      const wait = secondsUntil(this.#minute.fallsTo(tpm - tokens), now);
      throw new ApiError('tpm_limit', { holder: holderOf(this.#account), limit: tpm, current: minute, wait });
    }
    const day = this.#day.at(now) + tokens;
    if (tpd !== null && day > tpd) {
      throw new ApiError('tpd_limit', { holder: holderOf(this.#account), limit: tpd, current: day });
    }
    this.#minute.add(now, tokens);
    if (tpd !== null) this.#day.add(now, tokens);
  }
}

/** Rounded up, so that a request sent then is admitted. */
function secondsUntil(then: number, now: number): number {
  return Math.max(1, Math.ceil((then - now) / 1_000));
}

/** The sum of the amounts of the last `lengthMs` milliseconds. An amount leaves it exactly `lengthMs` after it was added. */
class SlidingSum {
  readonly #lengthMs: number;
  #amounts: { at: number; amount: number }[] = [];
  #first = 0;
  #sum = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  at(now: number): number {
    for (;;) {
      const oldest = this.#amounts[this.#first];
      if (!oldest || oldest.at + this.#lengthMs > now) break;
      this.#sum -= oldest.amount;
      this.#first += 1;
    }
    this.#compact();
    return this.#sum;
  }

  /** The time at which the sum will be at most `most` if nothing is added; if `most` is negative, the time at which it is 0. */
  fallsTo(most: number): number {
    let left = this.#sum;
    let at = 0;
    for (let next = this.#first; left > Math.max(0, most) && next < this.#amounts.length; next += 1) {
      const oldest = this.#amounts[next];
      left -= oldest?.amount ?? 0;
      at = (oldest?.at ?? 0) + this.#lengthMs;
    }
    return at;
  }

  add(now: number, amount: number): void {
    this.#amounts.push({ at: now, amount });
    this.#sum += amount;
  }

  /** Waits until half of the list has left, so that each amount is moved once on average. */
  #compact(): void {
    if (this.#first * 2 < this.#amounts.length) return;
    this.#amounts = this.#amounts.slice(this.#first);
    this.#first = 0;
  }
}
