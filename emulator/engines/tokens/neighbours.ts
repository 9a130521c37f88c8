import { staysApart, type Vocabulary } from './vocabulary.ts';

/** Two numbers each; all of it takes 512 KB. */
const PLACE_BITS = 16;

/**
 * `staysApart` with a memory for the pairs asked about last: the same few come again and again, in ordinary text and even more in
 * long runs, where thousands of tries lead nowhere.
 */
export class Neighbours {
  readonly #vocabulary: Vocabulary;
  /** By place: the first token, one up so that 0 is none; the second, and whether they stay apart in the lowest bit. */
  readonly #known = new Int32Array(2 << PLACE_BITS);

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Whether the two tokens stay as they are when they stand side by side. */
  stayApart(first: number, second: number): boolean {
    const hash = Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b);
    const place = (hash >>> (32 - PLACE_BITS)) << 1;
    const verdict = this.#known[place + 1] as number;
    if (this.#known[place] === first + 1 && verdict >> 1 === second) return (verdict & 1) === 1;
    const apart = staysApart(this.#vocabulary, first, second);
    this.#known[place] = first + 1;
    this.#known[place + 1] = (second << 1) | (apart ? 1 : 0);
    return apart;
  }
}
