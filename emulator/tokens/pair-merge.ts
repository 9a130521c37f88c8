import { staysApart, TRIE_BASE_SHIFT, TRIE_LABEL, TRIE_ROOT, TRIE_TOKEN, type Vocabulary } from './vocabulary.ts';

/**
 * Finds the tokens that merging pairs yields for one piece, in time linear in its length whatever it holds: always tries the
 * longest token that may follow the last one, and goes back where none can. The work can be interrupted anywhere.
 *
 * Every head of a piece has exactly one valid encoding, so a border between tokens that led nowhere once is dead for good.
 */
export class PairMerge {
  readonly #vocabulary: Vocabulary;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #at = 0;
  /** The token to try next at `#at`, or -1 where even the shortest was tried. */
  #candidate = -1;
  #dead = new Uint32Array(8);
  #tokens = new Int32Array(256);
  #count = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Tokens found so far; all of them once `advance` has returned true. */
  get count(): number {
    return this.#count;
  }

  /** Begins with the piece `bytes[start, end)`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#at = start;
    this.#count = 0;
    const words = ((end - start) >>> 5) + 1;
    if (this.#dead.length < words) this.#dead = new Uint32Array(words);
    else this.#dead.fill(0, 0, words);
    this.#candidate = this.#longestAt(start);
  }

  /** Goes on for about `steps` steps; true when the piece is done. */
  advance(steps: number): boolean {
    const { lengths, shorter } = this.#vocabulary;
    for (let left = steps; this.#at < this.#end; left--) {
      if (left <= 0) return false;
      const last = this.#count === 0 ? -1 : (this.#tokens[this.#count - 1] as number);
      const token = this.#fitting(last);
      if (token !== -1) {
        this.#push(token);
        this.#at += lengths[token] as number;
        this.#candidate = this.#longestAt(this.#at);
      } else {
        this.#markDead(this.#at);
        this.#count--;
        this.#at -= lengths[last] as number;
        this.#candidate = shorter[last] as number;
      }
    }
    return true;
  }

  /** Appends the tokens found to `ids`. */
  appendTo(ids: number[]): void {
    for (let i = 0; i < this.#count; i++) ids.push(this.#tokens[i] as number);
  }

  /** The candidate, or the longest token shorter than it, that may follow `last` here; -1 where none may. */
  #fitting(last: number): number {
    const { lengths, shorter } = this.#vocabulary;
    let token = this.#candidate;
    while (token !== -1) {
      const alive = !this.#isDead(this.#at + (lengths[token] as number));
      if (alive && (last === -1 || staysApart(this.#vocabulary, last, token))) break;
      token = shorter[token] as number;
    }
    return token;
  }

  #longestAt(start: number): number {
    const { trie, tokenAt } = this.#vocabulary;
    const bytes = this.#bytes;
    const end = this.#end;
    let node = TRIE_ROOT;
    let word = trie[TRIE_ROOT] as number;
    let found = -1;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      node = (word >>> TRIE_BASE_SHIFT) ^ byte;
      word = trie[node] as number;
      if ((word & TRIE_LABEL) !== byte) break;
      if (word & TRIE_TOKEN) found = node;
    }
    return found === -1 ? -1 : (tokenAt[found] as number);
  }

  #push(token: number): void {
    if (this.#count === this.#tokens.length) {
      const longer = new Int32Array(this.#tokens.length * 2);
      longer.set(this.#tokens);
      this.#tokens = longer;
    }
    this.#tokens[this.#count++] = token;
  }

  #isDead(at: number): boolean {
    const offset = at - this.#start;
    return (((this.#dead[offset >>> 5] as number) >>> (offset & 31)) & 1) !== 0;
  }

  #markDead(at: number): void {
    const offset = at - this.#start;
    this.#dead[offset >>> 5] = (this.#dead[offset >>> 5] as number) | (1 << (offset & 31));
  }
}
