/**
 * A byte-pair vocabulary in the form that counting needs: typed arrays only, small and quick to read back from a file.
 * Token ids are ranks; the lower of two possible merges comes first.
 */
export interface Vocabulary {
  /** Number of tokens. */
  readonly size: number;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** A trie of all tokens as a double array, see `trieStep`. */
  readonly trie: Int32Array;
  /** By trie node: the token that ends there, or -1. */
  readonly tokenAt: Int32Array;
  /** By token: its length in bytes. */
  readonly lengths: Uint16Array;
  /** By token: the longest shorter token that it begins with and that merging can yield, or -1. */
  readonly shorter: Int32Array;
  /** By token: the tokens merged to make it, or -1 for single bytes and for tokens that no merge yields. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Hash table from a pair of tokens to the token they make, see `PairTable`. */
  readonly pairs: Uint32Array;
}

/** What `pairs` holds where it holds nothing. Also bounds the number of tokens. */
export const NO_PAIR = 0xffffffff;
export const MAX_TOKENS = 0x3ffff;

/** A word of the trie: 9 bits of label (the byte that leads here, or EMPTY), this flag, then the base of the children. */
export const TRIE_LABEL = 0x1ff;
export const TRIE_EMPTY = 0x100;
/** A token that merging can yield ends here. */
export const TRIE_TOKEN = 0x200;
export const TRIE_BASE_SHIFT = 10;
export const TRIE_ROOT = 0;

/** The token that is exactly `bytes[start, end)`, or -1. */
export function findToken(vocabulary: Vocabulary, bytes: Uint8Array, start: number, end: number): number {
  const { trie, tokenAt } = vocabulary;
  let node = TRIE_ROOT;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    node = ((trie[node] as number) >>> TRIE_BASE_SHIFT) ^ byte;
    if (((trie[node] as number) & TRIE_LABEL) !== byte) return -1;
  }
  return tokenAt[node] as number;
}

/** Where a search for a pair begins in a table of `2 ** bits` slots: the slot in the high bits, 14 check bits below. */
export function pairHash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right ^ 0x5bd1e995, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0;
}

/** The token that merging `left` and `right` yields, or a number above every token. */
export function findPair(vocabulary: Vocabulary, left: number, right: number): number {
  const { pairs } = vocabulary;
  const hash = pairHash(left, right);
  const mask = pairs.length - 1;
  let slot = (hash >>> 14) & mask;
  for (;;) {
    const entry = pairs[slot] as number;
    if (entry === NO_PAIR) return NO_PAIR;
    if (((entry ^ hash) & 0x3fff) === 0) {
      const token = entry >>> 14;
      if (vocabulary.left[token] === left && vocabulary.right[token] === right) return token;
    }
    slot = (slot + 1) & mask;
  }
}

/**
 * Whether `first` and `second`, both made by merging, stay as they are when they stand side by side: undoes their merges, the
 * later first, and asks each time whether a merge across the border would have come before. A text is encoded by
 * exactly one sequence of tokens all of whose neighbours pass (the idea is that of the Rust crate `bpe` by GitHub).
 */
export function staysApart(vocabulary: Vocabulary, first: number, second: number): boolean {
  const { left, right } = vocabulary;
  let before = first;
  let after = second;
  let limit = NO_PAIR;
  for (;;) {
    if (findPair(vocabulary, before, after) < limit) return false;
    const beforeMade = left[before] as number;
    const afterMade = left[after] as number;
    // Of equal merges the left one comes first, so the right one is undone first.
    if (beforeMade !== -1 && (afterMade === -1 || before > after)) {
      limit = before;
      before = right[before] as number;
    } else if (afterMade !== -1) {
      limit = after + 1;
      after = afterMade;
    } else return true;
  }
}
