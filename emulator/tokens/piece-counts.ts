import {
  findToken,
  longestTokenAt,
  staysApart,
  TRIE_BASE_SHIFT,
  TRIE_LABEL,
  TRIE_ROOT,
  TRIE_TOKEN,
  type Vocabulary,
} from './vocabulary.ts';

/**
 * Counts of all heads of one piece, in linear time together: each head's encoding is that of a shorter head and one token more.
 */
export class HeadCounts {
  readonly #vocabulary: Vocabulary;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  /** By offset from `#low`: the last token of the head that ends there, or -1, and how many tokens it has. */
  readonly #lastTokens: Int32Array;
  readonly #counts: Int32Array;
  readonly #low: number;
  #start = 0;
  /** Tokens that begin before here have been tried. */
  #tried = 0;
  #touched = 0;

  /** For pieces within `bytes[low, limit)`. */
  constructor(vocabulary: Vocabulary, bytes: Uint8Array, low: number, limit: number) {
    this.#vocabulary = vocabulary;
    this.#bytes = bytes;
    this.#low = low;
    this.#limit = limit;
    this.#lastTokens = new Int32Array(limit - low + 1).fill(-1);
    this.#counts = new Int32Array(limit - low + 1);
    this.begin(low);
  }

  get start(): number {
    return this.#start;
  }

  /** Begins with the piece at `start`. */
  begin(start: number): void {
    this.#lastTokens.fill(-1, start - this.#low, this.#touched - this.#low + 1);
    this.#counts[start - this.#low] = 0;
    this.#start = start;
    this.#tried = start;
    this.#touched = start;
  }

  /** The tokens of the piece from `start` to `end`, were it a piece of its own. */
  countTo(end: number): number {
    if (end - this.#start <= this.#vocabulary.longest) {
      if (end === this.#start) return 0;
      if (findToken(this.#vocabulary, this.#bytes, this.#start, end) !== -1) return 1;
    }
    for (; this.#tried < end; this.#tried++) this.#tryTokensAt(this.#tried);
    return this.#counts[end - this.#low] as number;
  }

  #tryTokensAt(start: number): void {
    const { trie, tokenAt } = this.#vocabulary;
    const low = this.#low;
    const last = this.#lastTokens[start - low] as number;
    let word = trie[TRIE_ROOT] as number;
    for (let at = start; at < this.#limit; at++) {
      const byte = this.#bytes[at] as number;
      const node = (word >>> TRIE_BASE_SHIFT) ^ byte;
      word = trie[node] as number;
      if ((word & TRIE_LABEL) !== byte) return;
      if ((word & TRIE_TOKEN) === 0 || this.#lastTokens[at + 1 - low] !== -1) continue;
      const token = tokenAt[node] as number;
      if (start !== this.#start && !staysApart(this.#vocabulary, last, token)) continue;
      this.#lastTokens[at + 1 - low] = token;
      this.#counts[at + 1 - low] = (this.#counts[start - low] as number) + 1;
      this.#touched = Math.max(this.#touched, at + 1);
    }
  }
}

/** Counts of all tails of one piece, likewise. */
export class TailCounts {
  readonly #vocabulary: Vocabulary;
  readonly #bytes: Uint8Array;
  readonly #low: number;
  /** By offset from `#low`: the first token of the tail that begins there, and how many tokens it has. */
  readonly #firstTokens: Int32Array;
  readonly #counts: Int32Array;
  #end = -1;
  #done = 0;

  /** For pieces within `bytes[low, limit)`. */
  constructor(vocabulary: Vocabulary, bytes: Uint8Array, low: number, limit: number) {
    this.#vocabulary = vocabulary;
    this.#bytes = bytes;
    this.#low = low;
    this.#firstTokens = new Int32Array(limit - low + 1);
    this.#counts = new Int32Array(limit - low + 1);
  }

  /** The tokens of the piece `bytes[start, end)`. Quick where many pieces that end alike are asked for one after the other. */
  count(start: number, end: number): number {
    if (end - start <= this.#vocabulary.longest && findToken(this.#vocabulary, this.#bytes, start, end) !== -1)
      return 1;
    if (end !== this.#end) {
      this.#end = end;
      this.#done = end;
      this.#counts[end - this.#low] = 0;
    }
    while (this.#done > start) this.#takeTokenAt(--this.#done);
    return this.#counts[start - this.#low] as number;
  }

  #takeTokenAt(start: number): void {
    const { lengths, shorter } = this.#vocabulary;
    let token = longestTokenAt(this.#vocabulary, this.#bytes, start, this.#end);
    let next = start + (lengths[token] as number);
    while (next < this.#end && !staysApart(this.#vocabulary, token, this.#firstTokens[next - this.#low] as number)) {
      token = shorter[token] as number;
      next = start + (lengths[token] as number);
    }
    this.#firstTokens[start - this.#low] = token;
    this.#counts[start - this.#low] = (this.#counts[next - this.#low] as number) + 1;
  }
}
