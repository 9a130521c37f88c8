import type { Splitter } from './splitter.ts';
import {
  findToken,
  longestTokenAt,
  type Neighbours,
  TRIE_BASE_SHIFT,
  TRIE_LABEL,
  TRIE_ROOT,
  TRIE_TOKEN,
  type Vocabulary,
} from './vocabulary.ts';

/** A text to be cut, in UTF-8, and what its tokens are found with. */
export interface CutText {
  readonly vocabulary: Vocabulary;
  readonly neighbours: Neighbours;
  readonly splitter: Splitter;
  readonly bytes: Uint8Array;
}

/** A count that does not follow from where counting began. */
export const UNKNOWN = -1;

/**
 * Counts of all prefixes of one piece, in linear time together: each prefix's encoding is that of a shorter prefix and one token more.
 * Counting may begin at a border between tokens deep in the piece, and then gives the count of every prefix whose encoding has
 * that border, which few that are much longer lack.
 */
export class PrefixCounts {
  readonly #vocabulary: Vocabulary;
  readonly #neighbours: Neighbours;
  readonly #bytes: Uint8Array;
  readonly #low: number;
  readonly #limit: number;
  /** By offset from `#low`: the last token of the prefix that ends there, one up so that 0 is none, and how many it has. */
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

/** Counts of all suffixes of one piece, as `PrefixCounts` has them of prefixes. */
export class SuffixCounts {
  readonly #vocabulary: Vocabulary;
  readonly #neighbours: Neighbours;
  readonly #bytes: Uint8Array;
  readonly #low: number;
  /** By offset from `#low`: the first token of the suffix that begins there, or -1, and how many tokens it has. */
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

  /** Whether the token may stand before the suffix that begins at `next`. */
  #mayStand(token: number, next: number): boolean {
    if (next === this.#end && this.#border === this.#end) return true;
    if (next > this.#border) return false;
    const first = this.#firstTokens[next - this.#low] as number;
    return first !== -1 && this.#neighbours.stayApart(token, first);
  }
}
