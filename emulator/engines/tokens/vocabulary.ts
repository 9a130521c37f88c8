/**
 * A byte-pair vocabulary in the form that counting needs: typed arrays only, small and quick to read back from a file.
 * Token ids are ranks; of two possible merges the one that makes the lower rank comes first, of equal ones the left one.
 */
export interface Vocabulary {
  /** Number of tokens. */
  readonly size: number;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** A trie of all tokens as a double array, see `TRIE_LABEL` and `findToken`. */
  readonly trie: Int32Array;
  /** By trie node: the token that ends there, or -1. */
  readonly tokenAt: Int32Array;
  /** By token: its length in bytes. */
  readonly lengths: Uint16Array;
  /** By token: the longest shorter token that it begins with and that merging can yield, or -1. */
  readonly shorter: Int32Array;
  /** By token: four numbers, see `MERGE_LEFT` and those after it. Side by side because they are read together. */
  readonly merges: Int32Array;
  /** Hash table from a pair of tokens to the token they make, see `findPair`. */
  readonly pairs: Uint32Array;
}

/** The token itself is where `merges` for it begins, times this. */
export const MERGE_STRIDE = 4;
/** The two tokens merged to make it, or -1 for single bytes and for tokens that no merge yields. */
export const MERGE_LEFT = 0;
export const MERGE_RIGHT = 1;
/** The lowest token that it makes as the left and as the right part of a merge, or NO_TOKEN. */
export const LOWEST_AS_LEFT = 2;
export const LOWEST_AS_RIGHT = 3;

/** Above every token. */
export const NO_TOKEN = 0x7fffffff;
/** An empty slot of `pairs`. */
export const NO_PAIR = 0xffffffff;
/** What fits beside the check bits of a slot of `pairs`. */
export const MAX_TOKENS = 0x3ffff;

/** A word of the trie: 9 bits of label (the byte that leads here, or EMPTY), a flag, then the base of the children. */
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
  let word = trie[TRIE_ROOT] as number;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    node = (word >>> TRIE_BASE_SHIFT) ^ byte;
    word = trie[node] as number;
    if ((word & TRIE_LABEL) !== byte) return -1;
  }
  return tokenAt[node] as number;
}

/** The longest token that merging can yield and `bytes[start, end)` begins with; every single byte is one. */
export function longestTokenAt({ trie, tokenAt }: Vocabulary, bytes: Uint8Array, start: number, end: number): number {
  let node = TRIE_ROOT;
  let word = trie[TRIE_ROOT] as number;
  let found = TRIE_ROOT;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    node = (word >>> TRIE_BASE_SHIFT) ^ byte;
    word = trie[node] as number;
    if ((word & TRIE_LABEL) !== byte) break;
    if (word & TRIE_TOKEN) found = node;
  }
  return tokenAt[found] as number;
}

/** Where the search for a pair begins: the slot in the high bits, 14 check bits below. */
export function pairHash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right ^ 0x5bd1e995, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0;
}

/** The token that merging `left` and `right` yields, or NO_TOKEN. */
function findPair({ pairs, merges }: Vocabulary, left: number, right: number): number {
  const hash = pairHash(left, right);
  const mask = pairs.length - 1;
  for (let slot = (hash >>> 14) & mask; ; slot = (slot + 1) & mask) {
    const entry = pairs[slot] as number;
    if (entry === NO_PAIR) return NO_TOKEN;
    if (((entry ^ hash) & 0x3fff) !== 0) continue;
    const token = entry >>> 14;
    const at = token * MERGE_STRIDE;
    if (merges[at + MERGE_LEFT] === left && merges[at + MERGE_RIGHT] === right) return token;
  }
}

/** Whether merging can yield `token`; single bytes it need not even make. */
export function isYielded({ lengths, merges }: Vocabulary, token: number): boolean {
  return lengths[token] === 1 || merges[token * MERGE_STRIDE + MERGE_LEFT] !== -1;
}

/**
 * Whether `first` and `second`, both made by merging, stay as they are when they stand side by side: undoes their merges, the
 * later first, and asks each time whether a merge across the border would have come before. A text is encoded by
 * exactly one sequence of tokens all of whose neighbours pass (the idea is that of the Rust crate `bpe` by GitHub).
 */
export function staysApart(vocabulary: Vocabulary, first: number, second: number): boolean {
  const { merges } = vocabulary;
  let before = first;
  let after = second;
  let limit = NO_TOKEN;
  for (;;) {
    const beforeAt = before * MERGE_STRIDE;
    const afterAt = after * MERGE_STRIDE;
    const mayMerge =
      (merges[beforeAt + LOWEST_AS_LEFT] as number) < limit && (merges[afterAt + LOWEST_AS_RIGHT] as number) < limit;
    if (mayMerge && findPair(vocabulary, before, after) < limit) return false;
    const beforeMade = merges[beforeAt + MERGE_LEFT] as number;
    const afterMade = merges[afterAt + MERGE_LEFT] as number;
    // Of equal merges the left one comes first, so the right one is undone first.
    if (beforeMade !== -1 && (afterMade === -1 || before > after)) {
      limit = before;
      before = merges[beforeAt + MERGE_RIGHT] as number;
    } else if (afterMade !== -1) {
      limit = after + 1;
      after = afterMade;
    } else return true;
  }
}
