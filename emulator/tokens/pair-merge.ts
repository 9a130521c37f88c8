import { longestTokenAt, staysApart, type Vocabulary } from './vocabulary.ts';

const FIRST_ROOM = 256;
/** So many tokens of one piece are seldom seen; room for more is not kept for the next piece. */
const KEPT_ROOM = 65_536;

/**
 * Finds the tokens that merging pairs yields for one piece, in time linear in its length whatever it holds: always tries the
 * longest token that may follow the last one, and goes back where none may. The work can be interrupted anywhere.
 *
 * Going back costs little: every head of a piece has exactly one encoding, so no place in it is come to twice.
 */
export class PairMerge {
  readonly #vocabulary: Vocabulary;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #at = 0;
  /** The token to try next at `#at`, or -1 where even the shortest was tried. */
  #candidate = -1;
  #tokens = new Int32Array(FIRST_ROOM);
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
    this.#end = end;
    this.#at = start;
    this.#count = 0;
    if (this.#tokens.length > KEPT_ROOM) this.#tokens = new Int32Array(FIRST_ROOM);
    this.#candidate = longestTokenAt(this.#vocabulary, bytes, start, end);
  }

  /** Goes on for about `steps` steps; true when the piece is done. */
  advance(steps: number): boolean {
    const vocabulary = this.#vocabulary;
    const { lengths, shorter } = vocabulary;
    const end = this.#end;
    let at = this.#at;
    let token = this.#candidate;
    let count = this.#count;
    let last = count === 0 ? -1 : (this.#tokens[count - 1] as number);
    for (let left = steps; at < end && left > 0; left--) {
      if (token === -1) {
        at -= lengths[last] as number;
        token = shorter[last] as number;
        count--;
        last = count === 0 ? -1 : (this.#tokens[count - 1] as number);
        continue;
      }
      const next = at + (lengths[token] as number);
      if (last !== -1 && !staysApart(vocabulary, last, token)) {
        token = shorter[token] as number;
        continue;
      }
      if (count === this.#tokens.length) this.#makeRoom();
      this.#tokens[count++] = token;
      last = token;
      at = next;
      token = longestTokenAt(vocabulary, this.#bytes, at, end);
    }
    this.#at = at;
    this.#candidate = token;
    this.#count = count;
    return at === end;
  }

  /** Appends the tokens found to `ids`. */
  appendTo(ids: number[]): void {
    for (let i = 0; i < this.#count; i++) ids.push(this.#tokens[i] as number);
  }

  #makeRoom(): void {
    const longer = new Int32Array(this.#tokens.length * 2);
    longer.set(this.#tokens);
    this.#tokens = longer;
  }
}
