import type { Balance as BalanceAnswer } from '../../contract/models.ts';
import { holderOf } from '../account.ts';
import { ApiError } from '../errors.ts';
import { type Money, moneyNumber } from './money.ts';

/** Digits as on the live API. */
const DECIMALS = 5;

/**
 * What is left to each account of an amount that each begins with. A turn that has begun is paid for even where that takes more
 * than is left, as on a prepaid account; the next one is refused.
 */
export class Balance {
  readonly #start: Money;
  readonly #spent = new Map<string, Money>();

  constructor(start: Money) {
    this.#start = start;
  }

  left(account: string): Money {
    return this.#start - (this.#spent.get(account) ?? 0n);
  }

  charge(account: string, cost: Money): void {
    this.#spent.set(account, (this.#spent.get(account) ?? 0n) + cost);
  }

  /** @throws ApiError `quota_exceeded` with the live text where nothing is left */
  requireFunds(account: string): void {
    if (this.left(account) <= 0n) throw new ApiError('quota_exceeded', { holder: holderOf(account) });
  }

  /** The live answer's figures. All of it is cash; what is owed leaves nothing available. */
  figures(account: string): BalanceAnswer['data'] {
    const cash = moneyNumber(this.left(account), DECIMALS);
    return { available_balance: Math.max(0, cash), voucher_balance: 0, cash_balance: cash };
  }

  clear(): void {
    this.#spent.clear();
  }
}
