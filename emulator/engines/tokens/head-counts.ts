import type { CutText } from './cut-text.ts';
import type { Neighbours } from './neighbours.ts';
import { findToken, TRIE_BASE_SHIFT, TRIE_LABEL, TRIE_ROOT, TRIE_TOKEN, type Vocabulary } from './vocabulary.ts';

/** A count that cannot be told from where counting began. */
export const UNKNOWN = -1;

/**
 * Counts of all heads of one piece, in linear time together: each head's encoding is that of a shorter head and one token more.
 * Counting may begin at a border between tokens deep in the piece, and then tells the count of every head whose encoding has
 * that border, which few that are much longer lack.
 */
export class HeadCounts {
  readonly #vocabulary: Vocabulary;
  readonly #neighbours: Neighbours;
  readonly #bytes: Uint8Array;
  readonly #low: number;
  readonly #limit: number;
  /** By offset from `#low`: the last token of the head that ends there, one up so that 0 is none, and how many it has. */
  readonly #lastTokens: Int32Array;
  readonly #counts: Int32Array;
  #start = 0;
  /** Tokens that begin before here have been tried. */
  #tried = 0;
  #touched = 0;

  /** For pieces within `bytes[low, limit)`. */
  constructor({ vocabulary, neighbours, bytes }: CutText, low: number, limit: number) {
    this.#vocabulary = vocabulary;
    this.#neighbours = neighbours;
    this.#bytes = bytes;
    this.#low = low;
    this.#limit = limit;
    this.#lastTokens = new Int32Array(limit - low + 1);
    this.#counts = new Int32Array(limit - low + 1);
    this.#touched = low;
    this.begin(low);
  }

  /** Where the piece begins. */
  get start(): number {
    return this.#start;
  }

  /** Begins with the piece at `start`. */
  begin(start: number): void {
    this.beginAt(start, start, -1, 0);
  }

  /** Begins within the piece at `start`, at a border before which stand `count` tokens, of which `lastToken` is the last. */
  beginAt(start: number, border: number, lastToken: number, count: number): void {
    this.#lastTokens.fill(0, Math.min(start, this.#start) - this.#low, this.#touched - this.#low + 1);
    this.#start = start;
    this.#tried = border;
    this.#touched = border;
    this.#lastTokens[border - this.#low] = lastToken + 1;
    this.#counts[border - this.#low] = count;
  }

  /** The tokens of the piece from `start` to `end`, were it a piece of its own, or UNKNOWN. */
  countTo(end: number): number {
    if (end === this.#start) return 0;
    if (end - this.#start <= this.#vocabulary.longest) {
      if (findToken(this.#vocabulary, this.#bytes, this.#start, end) !== -1) return 1;
    }
    for (; this.#tried < end; this.#tried++) this.#tryTokensAt(this.#tried);
    return this.#lastTokens[end - this.#low] === 0 ? UNKNOWN : (this.#counts[end - this.#low] as number);
  }

  #tryTokensAt(start: number): void {
    const { trie, tokenAt } = this.#vocabulary;
    const low = this.#low;
    const last = (this.#lastTokens[start - low] as number) - 1;
    if (last === -1 && start !== this.#start) return;
    let word = trie[TRIE_ROOT] as number;
    for (let at = start; at < this.#limit; at++) {
      const byte = this.#bytes[at] as number;
      const node = (word >>> TRIE_BASE_SHIFT) ^ byte;
      word = trie[node] as number;
      if ((word & TRIE_LABEL) !== byte) return;
      if ((word & TRIE_TOKEN) === 0 || this.#lastTokens[at + 1 - low] !== 0) continue;
      const token = tokenAt[node] as number;
      if (last !== -1 && !this.#neighbours.stayApart(last, token)) continue;
      this.#lastTokens[at + 1 - low] = token + 1;
      this.#counts[at + 1 - low] = (this.#counts[start - low] as number) + 1;
      this.#touched = Math.max(this.#touched, at + 1);
    }
  }
}
