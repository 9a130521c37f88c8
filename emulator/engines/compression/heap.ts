/** Numbers 0 … n−1 by falling score; equal scores give the smaller number first. */
export class Heap {
  readonly #scores: Float64Array;
  readonly #items: Int32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#scores = new Float64Array(capacity);
    this.#items = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The highest score, −∞ where nothing is left. */
  get best(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : (this.#scores[0] ?? 0);
  }

  push(item: number, score: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(score, item, this.#scores[parent] ?? 0, this.#items[parent] ?? 0)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#scores[at] = score;
    this.#items[at] = item;
  }

  /** Takes out the item with the highest score; −1 where nothing is left. */
  pop(): number {
    if (this.#size === 0) return -1;
    const top = this.#items[0] ?? 0;
    const last = --this.#size;
    const score = this.#scores[last] ?? 0;
    const item = this.#items[last] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      if (!before(this.#scores[child] ?? 0, this.#items[child] ?? 0, score, item)) break;
      this.#move(child, at);
      at = child;
    }
    this.#scores[at] = score;
    this.#items[at] = item;
    return top;
  }

  #isBefore(a: number, b: number): boolean {
    return before(this.#scores[a] ?? 0, this.#items[a] ?? 0, this.#scores[b] ?? 0, this.#items[b] ?? 0);
  }

  #move(from: number, to: number): void {
    this.#scores[to] = this.#scores[from] ?? 0;
    this.#items[to] = this.#items[from] ?? 0;
  }
}

function before(score: number, item: number, otherScore: number, otherItem: number): boolean {
  return score > otherScore || (score === otherScore && item < otherItem);
}
