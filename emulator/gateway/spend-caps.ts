import { ApiError } from '../api-error.ts';
import { type Amount, type Money, showInFull } from '../billing/ledger.ts';

/** Over what a cap sums: all that this process spends, or each key, or each session, by itself. */
export type CapScope = 'run' | 'key' | 'session';

export interface SpendCap extends Amount {
  readonly per: CapScope;
}

/** Who spends. */
interface Spender {
  readonly account: string;
  readonly session?: string | undefined;
}

/** Money that one call may spend, set aside before it is made. */
export interface Reservation {
  /** What it came to. What is left of the reservation is free again. */
  settle(cost: Money): void;
  /** Nothing was spent. */
  release(): void;
}

/**
 * Keeps what is spent below the caps: each call reserves the most that it can cost, so that calls at the same time cannot exceed
 * them together. A call whose outcome is not known keeps its whole reservation.
 */
export class SpendCaps {
  readonly #caps: readonly SpendCap[];
  /** Spent and reserved, by cap and spender. */
  readonly #taken = new Map<string, Money>();

  constructor(caps: readonly SpendCap[]) {
    this.#caps = caps;
  }

  get none(): boolean {
    return this.#caps.length === 0;
  }

  /** @throws ApiError `spend_limit_reached` where a cap would be exceeded; then nothing is reserved */
  reserve(spender: Spender, most: Money): Reservation {
    const places = this.#caps.flatMap((cap) => this.#placeOf(cap, spender) ?? []);
    for (const { key, cap } of places) {
      const taken = this.#taken.get(key) ?? 0n;
      if (taken + most <= cap.money) continue;
      throw new ApiError('spend_limit_reached', {
        limit: `${showInFull(cap.money)} ${cap.currency}`,
        per: cap.per,
        taken: showInFull(taken),
        needed: showInFull(most),
      });
    }
    const add = (money: Money): void => {
      for (const { key } of places) this.#taken.set(key, (this.#taken.get(key) ?? 0n) + money);
    };
    add(most);
    let open = true;
    const settle = (cost: Money): void => {
      if (!open) return;
      open = false;
      add(cost - most);
    };
    return { settle, release: () => settle(0n) };
  }

  #placeOf(cap: SpendCap, { account, session }: Spender): { key: string; cap: SpendCap }[] | undefined {
    if (cap.per === 'run') return [{ key: 'run', cap }];
    if (cap.per === 'key') return [{ key: `key ${account}`, cap }];
    return session === undefined ? undefined : [{ key: `session ${session}`, cap }];
  }
}
