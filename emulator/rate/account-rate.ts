import type { Tier } from '../../contract/limits.ts';
import { holderOf } from '../account.ts';
import type { Clock } from '../clock.ts';
import { ApiError } from '../errors.ts';
import { SlidingSum } from './sliding-sum.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** One account against its tier. What is refused counts nowhere. */
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

  /**
   * Lets a request in.
   * @returns what ends it; more than one call does no harm
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
   * Charges a request that was let in with its prompt and the most that its answers may take: what they then take is not known
   * yet, and is not given back.
   * @throws ApiError `tpm_limit`, `tpd_limit`, which name what would have been used
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

/** Whole seconds, so that whoever comes back then is let in. */
function secondsUntil(then: number, now: number): number {
  return Math.max(1, Math.ceil((then - now) / 1_000));
}
