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

const FIRST_ROOM = 256;
/** So many tokens of one piece are seldom seen; room for more is not kept for the next piece. */
const KEPT_ROOM = 65_536;

/**
 * Finds the tokens that merging pairs yields for one piece, in time linear in its length whatever it holds: always tries the
 * longest token that may follow the last one, and goes back where none may. The work can be interrupted anywhere.
 *
 * Going back costs little: every prefix of a piece has exactly one encoding, so no place in it is come to twice.
 */
export class PairMerge {
  readonly #vocabulary: Vocabulary;
  readonly #neighbours: Neighbours;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #at = 0;
  /** The token to try next at `#at`, or -1 where even the shortest was tried. */
  #candidate = -1;
  #tokens = new Int32Array(FIRST_ROOM);
  #count = 0;

  constructor(vocabulary: Vocabulary, neighbours: Neighbours) {
    this.#vocabulary = vocabulary;
    this.#neighbours = neighbours;
  }

  /** Tokens found so far; all of them once `advance` has returned true. */
  get count(): number {
    return this.#count;
  }

  /** Begins with the piece `bytes[start, end)`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start;
    this.#count = 0;
    if (this.#tokens.length > KEPT_ROOM) this.#tokens = new Int32Array(FIRST_ROOM);
    this.#candidate = longestTokenAt(this.#vocabulary, bytes, start, end);
  }

  /** Goes on for about `steps` steps; true when the piece is done. */
  advance(steps: number): boolean {
    const { lengths } = this.#vocabulary;
    const neighbours = this.#neighbours;
    const end = this.#end;
    let at = this.#at;
    let token = this.#candidate;
    let count = this.#count;
    let last = count === 0 ? -1 : (this.#tokens[count - 1] as number);
    for (let left = steps; at < end && left > 0; left--) {
      if (token === -1) {
        const failed = last;
        at -= lengths[failed] as number;
        count--;
        last = count === 0 ? -1 : (this.#tokens[count - 1] as number);
        token = this.#candidateAfter(failed, last, at);
      } else if (last !== -1 && !neighbours.stayApart(last, token)) {
        token = this.#candidateAfter(token, last, at);
      } else {
        if (count === this.#tokens.length) this.#makeRoom();
        this.#tokens[count++] = token;
        at += lengths[token] as number;
        last = token;
        token = this.#firstCandidate(last, at);
      }
    }
    this.#at = at;
    this.#candidate = token;
    this.#count = count;
    return at === end;
  }

  /** The tokens found so far, which are those of the prefix of the piece that they make up. Good until the next step. */
  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#count);
  }

  /** Appends the tokens found to `ids`. */
  appendTo(ids: number[]): void {
    for (let i = 0; i < this.#count; i++) ids.push(this.#tokens[i] as number);
  }

  /** In a long run of one character nearly every token is the last one again, and other tries would lead nowhere. */
  #firstCandidate(last: number, at: number): number {
    const vocabulary = this.#vocabulary;
    const bytes = this.#bytes;
    const length = vocabulary.lengths[last] as number;
    let same = 0;
    if (at + length <= this.#end) while (same < length && bytes[at + same] === bytes[at + same - length]) same++;
    return same === length ? last : longestTokenAt(vocabulary, bytes, at, this.#end);
  }

  /** Beginning with the last token again if that matches, then from the longest to the shortest. */
  #candidateAfter(token: number, last: number, at: number): number {
    const { shorter } = this.#vocabulary;
    const next =
      token === last ? longestTokenAt(this.#vocabulary, this.#bytes, at, this.#end) : (shorter[token] as number);
    return next === last && next !== -1 ? (shorter[next] as number) : next;
  }

  #makeRoom(): void {
    const longer = new Int32Array(this.#tokens.length * 2);
    longer.set(this.#tokens);
    this.#tokens = longer;
  }
}
