import { DIGIT, HAN, LETTER, LOWER, NEWLINE, PUNCTUATION, SPACE, TRAILING, UPPER } from './character-flags.ts';
import { contractionEnd, SPACE_BYTE, type Splitter } from './splitter.ts';

const NO_END = -2;

/**
 * The first piece of every tail of a text, character by character from the end: what `Splitter.pieceEnd` says of each, in
 * constant time a character. Each field is about the tail that begins at `#at`; an empty run ends where it begins.
 */
export class TailSplits {
  readonly #splitter: Splitter;
  readonly #bytes: Uint8Array;
  readonly #textEnd: number;
  #at: number;
  #flags = 0;
  #han: number;
  #upper: number;
  #lower: number;
  #trailing: number;
  #signs: number;
  #space: number;
  #lastSpace = -1;
  #afterNewline = -1;
  /** After the last LOWER in the run of UPPER. */
  #lastLower = -1;
  /** The end of the run of LOWER that follows the run of UPPER without being part of it. */
  #lowerAfterUpper = -1;
  /** The end of a word whose letters begin here, contraction included. */
  #word = -1;

  /** @param at where to begin: the end of the text, or where no piece can go across */
  constructor(splitter: Splitter, bytes: Uint8Array, at: number, textEnd: number) {
    this.#splitter = splitter;
    this.#bytes = bytes;
    this.#textEnd = textEnd;
    this.#at = at;
    this.#han = this.#upper = this.#lower = this.#trailing = this.#signs = this.#space = at;
  }

  /** Goes back to the character that begins at `start` and ends where the last one began; returns its piece's end. */
  pieceEndAt(start: number): number {
    const nextFlags = this.#flags;
    const nextWord = this.#word;
    const nextSigns = this.#signs;
    const flags = this.#splitter.flagsAt(this.#bytes, start);
    this.#take(start, flags);
    if (flags & HAN) return this.#han;
    if (flags & DIGIT) return this.#splitter.pieceEnd(this.#bytes, start, this.#textEnd);
    if (flags & LETTER) return this.#word;
    if (flags & NEWLINE) return this.#spaceEnd(start);
    if (nextFlags & LETTER) return nextWord;
    if (flags & PUNCTUATION) return this.#signs;
    const spaceThenSign = this.#bytes[start] === SPACE_BYTE && (nextFlags & PUNCTUATION) !== 0;
    return spaceThenSign ? nextSigns : this.#spaceEnd(start);
  }

  /** Where any piece must end that holds the last character and something before it; -1 where there are several ends. */
  get soleEnd(): number {
    const flags = this.#flags;
    let end = NO_END;
    if (flags & DIGIT) return -1;
    if (flags & HAN) end = this.#han;
    if (flags & UPPER) end = sameEnd(end, this.#word);
    if (flags & LOWER) end = sameEnd(end, contractionEnd(this.#bytes, this.#lower, this.#textEnd));
    if (flags & PUNCTUATION) end = sameEnd(end, this.#signs);
    if (flags & TRAILING) end = sameEnd(end, this.#trailing);
    if (flags & SPACE) end = sameEnd(end, this.#spaceEnd(this.#at));
    return end;
  }

  #take(start: number, flags: number): void {
    const next = this.#at;
    this.#at = start;
    this.#flags = flags;
    this.#han = flags & HAN ? this.#han : start;
    this.#trailing = flags & TRAILING ? this.#trailing : start;
    this.#signs = flags & PUNCTUATION ? this.#signs : this.#trailing;
    this.#takeSpace(start, next, flags);
    this.#lower = flags & LOWER ? this.#lower : start;
    if (flags & UPPER) {
      if (this.#lastLower === -1 && flags & LOWER) this.#lastLower = next;
    } else {
      this.#upper = start;
      this.#lastLower = -1;
      this.#lowerAfterUpper = flags & LOWER ? this.#lower : -1;
    }
    this.#word = flags & LETTER ? contractionEnd(this.#bytes, this.#lettersEnd(), this.#textEnd) : -1;
  }

  #takeSpace(start: number, next: number, flags: number): void {
    if (flags & SPACE) {
      if (this.#lastSpace === -1) this.#lastSpace = start;
      if (this.#afterNewline === -1 && flags & NEWLINE) this.#afterNewline = next;
    } else {
      this.#space = start;
      this.#lastSpace = -1;
      this.#afterNewline = -1;
    }
  }

  #lettersEnd(): number {
    if (this.#lowerAfterUpper !== -1) return this.#lowerAfterUpper;
    return this.#lastLower === -1 ? this.#upper : this.#lastLower;
  }

  #spaceEnd(start: number): number {
    if (this.#afterNewline !== -1) return this.#afterNewline;
    return this.#space < this.#textEnd && this.#lastSpace > start ? this.#lastSpace : this.#space;
  }
}

function sameEnd(end: number, other: number): number {
  return end === NO_END || end === other ? other : -1;
}
