import { DIGIT, HAN, LETTER, NEWLINE, PUNCTUATION, SPACE, TRAILING } from './character-flags.ts';
import type { CutText } from './cut-text.ts';
import { headEndBetween } from './head-cut.ts';
import { APOSTROPHE, characterBytes, characterStart } from './splitter.ts';
import { tailStartBetween } from './tail-cut.ts';

/** A place in the text that no piece can go across, whatever is cut off, and the tokens before it. */
interface Seam {
  readonly at: number;
  readonly count: number;
}

/** Stretches longer than this are not counted to the end before it is known whether the cut is in them. */
const LONG_STRETCH = 4_096;

/**
 * Finds the longest head and tail of a text within a number of tokens, exactly: a longer text may well take fewer tokens, so
 * all cuts near the limit are looked at, those of one stretch between seams in one go.
 */
export class TextCutter {
  readonly #text: CutText;
  readonly #countPiece: (bytes: Uint8Array, start: number, end: number) => number;

  /** @param countPiece the tokens of a piece */
  constructor(text: CutText, countPiece: (bytes: Uint8Array, start: number, end: number) => number) {
    this.#text = text;
    this.#countPiece = countPiece;
  }

  /** Where the longest head of at most `maxTokens` ends. */
  headEnd(maxTokens: number): number {
    const { length } = this.#text.bytes;
    const seams: Seam[] = [{ at: 0, count: 0 }];
    let last: Seam = { at: 0, count: 0 };
    while (last.at < length && last.count < maxTokens) {
      const at = this.#nextSeam(last.at);
      if (at - last.at > LONG_STRETCH) {
        const found = headEndBetween(this.#text, last.at, at, maxTokens - last.count);
        if (found === last.at) break;
        if (found < at) return found;
      }
      last = { at, count: last.count + this.#countBetween(last.at, at) };
      seams.push(last);
    }
    if (last.at === length && last.count <= maxTokens) return length;
    // Beyond the last seam every head counts more than it does; before it only looking tells.
    for (let end = seams.pop(), start = seams.pop(); end && start; end = start, start = seams.pop()) {
      const found = headEndBetween(this.#text, start.at, end.at, maxTokens - start.count);
      if (found > start.at) return found;
    }
    return 0;
  }

  /** Where the longest tail of at most `maxTokens` begins. */
  tailStart(maxTokens: number): number {
    let at = this.#text.bytes.length;
    let budget = maxTokens;
    while (at > 0 && budget > 0) {
      const start = this.#previousSeam(at);
      if (at - start > LONG_STRETCH) {
        const found = tailStartBetween(this.#text, start, at, budget);
        if (found > start) return found;
      }
      const count = this.#countBetween(start, at);
      if (count > budget) return tailStartBetween(this.#text, start, at, budget);
      budget -= count;
      at = start;
    }
    return at;
  }

  #countBetween(start: number, end: number): number {
    const { bytes, splitter } = this.#text;
    let count = 0;
    for (let at = start; at < end; ) {
      const pieceEnd = splitter.pieceEnd(bytes, at, bytes.length);
      count += this.#countPiece(bytes, at, pieceEnd);
      at = pieceEnd;
    }
    return count;
  }

  #nextSeam(from: number): number {
    const { bytes } = this.#text;
    let at = from + characterBytes(bytes[from] as number);
    for (let before = from; at < bytes.length && this.#mayJoin(before, at); ) {
      before = at;
      at += characterBytes(bytes[at] as number);
    }
    return at;
  }

  #previousSeam(from: number): number {
    const { bytes } = this.#text;
    let at = characterStart(bytes, from - 1);
    while (at > 0) {
      const before = characterStart(bytes, at - 1);
      if (!this.#mayJoin(before, at)) break;
      at = before;
    }
    return at;
  }

  /** Whether any piece of any text may hold these two characters side by side. See the alternatives at `Splitter`. */
  #mayJoin(before: number, after: number): boolean {
    const { bytes, splitter } = this.#text;
    const a = splitter.flagsAt(bytes, before);
    const b = splitter.flagsAt(bytes, after);
    if (a & b & (HAN | LETTER | DIGIT | PUNCTUATION | TRAILING | SPACE)) return true;
    if (b & LETTER) return (a & (LETTER | PUNCTUATION)) !== 0 || (a & (SPACE | NEWLINE)) === SPACE;
    if (a & LETTER && bytes[after] === APOSTROPHE) return true;
    if (b & TRAILING && a & PUNCTUATION) return true;
    return (b & PUNCTUATION) !== 0 && (a & (SPACE | NEWLINE)) === SPACE;
  }
}
