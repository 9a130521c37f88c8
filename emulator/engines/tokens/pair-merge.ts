import { longestTokenAt, staysApart, type Vocabulary } from './vocabulary.ts';

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
