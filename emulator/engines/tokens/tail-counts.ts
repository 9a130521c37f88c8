import type { CutText } from './cut-text.ts';
import { UNKNOWN } from './head-counts.ts';
import type { Neighbours } from './neighbours.ts';
import { findToken, longestTokenAt, type Vocabulary } from './vocabulary.ts';

/** Counts of all tails of one piece, as `HeadCounts` has them of heads. */
export class TailCounts {
  readonly #vocabulary: Vocabulary;
  readonly #neighbours: Neighbours;
  readonly #bytes: Uint8Array;
  readonly #low: number;
  /** By offset from `#low`: the first token of the tail that begins there, or -1, and how many tokens it has. */
  readonly #firstTokens: Int32Array;
  readonly #counts: Int32Array;
  #end = -1;
  /** Where counting began: the end of the piece, or a border between tokens. */
  #border = -1;
  #done = 0;
  /** Bytes like the one at `#done`, from there on. */
  #run = 0;

  /** For pieces within `bytes[low, limit)`. */
  constructor({ vocabulary, neighbours, bytes }: CutText, low: number, limit: number) {
    this.#vocabulary = vocabulary;
    this.#neighbours = neighbours;
    this.#bytes = bytes;
    this.#low = low;
    this.#firstTokens = new Int32Array(limit - low + 1);
    this.#counts = new Int32Array(limit - low + 1);
  }

  /** Begins within the piece that ends at `end`, at a border behind which stand `count` tokens, `firstToken` the first. */
  beginAt(end: number, border: number, firstToken: number, count: number): void {
    this.#end = end;
    this.#border = border;
    this.#done = border;
    this.#run = 0;
    this.#firstTokens[border - this.#low] = firstToken;
    this.#counts[border - this.#low] = count;
  }

  /**
   * The tokens of the piece `bytes[start, end)`, or UNKNOWN. Quick where many pieces that end alike are asked for, one after the
   * other and each longer than the last.
   */
  count(start: number, end: number): number {
    if (end - start <= this.#vocabulary.longest && findToken(this.#vocabulary, this.#bytes, start, end) !== -1)
      return 1;
    if (end !== this.#end) this.beginAt(end, end, -1, 0);
    while (this.#done > start) this.#takeTokenAt(--this.#done);
    if (start > this.#border || this.#firstTokens[start - this.#low] === -1) return UNKNOWN;
    return this.#counts[start - this.#low] as number;
  }

  #takeTokenAt(start: number): void {
    const { lengths, shorter } = this.#vocabulary;
    this.#run = start + 1 < this.#end && this.#bytes[start] === this.#bytes[start + 1] ? this.#run + 1 : 1;
    let token = this.#sameAsNext(start);
    if (token === -1) {
      token = longestTokenAt(this.#vocabulary, this.#bytes, start, this.#end);
      while (token !== -1 && !this.#mayStand(token, start + (lengths[token] as number)))
        token = shorter[token] as number;
    }
    this.#firstTokens[start - this.#low] = token;
    if (token === -1) return;
    this.#counts[start - this.#low] = (this.#counts[start + (lengths[token] as number) - this.#low] as number) + 1;
  }

  /** In a run of one byte the token that begins at the next place, if it may begin here too; or -1. */
  #sameAsNext(start: number): number {
    if (start + 1 >= this.#border) return -1;
    const token = this.#firstTokens[start + 1 - this.#low] as number;
    if (token === -1) return -1;
    const length = this.#vocabulary.lengths[token] as number;
    return this.#run > length && this.#mayStand(token, start + length) ? token : -1;
  }

  /** Whether the token may stand before the tail that begins at `next`. */
  #mayStand(token: number, next: number): boolean {
    if (next === this.#end && this.#border === this.#end) return true;
    if (next > this.#border) return false;
    const first = this.#firstTokens[next - this.#low] as number;
    return first !== -1 && this.#neighbours.stayApart(token, first);
  }
}
