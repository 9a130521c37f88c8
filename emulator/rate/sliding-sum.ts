/** A sum of amounts over the time just past. An amount leaves it exactly `lengthMs` after it came in. */
export class SlidingSum {
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
    this.#forget();
    return this.#sum;
  }

  /** When the sum will be `most` at most, if nothing comes in; for less than nothing, when all has left. */
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

  /** Half of a long list at least, so that an amount is moved once on average. */
  #forget(): void {
    if (this.#first * 2 < this.#amounts.length) return;
    this.#amounts = this.#amounts.slice(this.#first);
    this.#first = 0;
  }
}
