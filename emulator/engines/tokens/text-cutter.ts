import { STEPS_PER_YIELD } from '../scheduler.ts';
import { prefixEndBetween, suffixStartBetween } from './cuts.ts';
import type { CutText } from './incremental-counts.ts';
import {
  APOSTROPHE,
  characterBytes,
  characterStart,
  DIGIT,
  HAN,
  LETTER,
  NEWLINE,
  PUNCTUATION,
  SPACE,
  TRAILING,
} from './splitter.ts';

/** A place in the text that no piece can go across, whatever is cut off, and the tokens before it. */
interface Seam {
  readonly at: number;
  readonly count: number;
}

/** Bytes; stretches longer than this are not counted to the end before it is known whether the cut is in them. */
const LONG_STRETCH = 4_096;

/** Counts the tokens of the pieces of `bytes` from `start` to `end`, both between pieces, in slices. */
type CountPieces = (bytes: Uint8Array, start: number, end: number) => Generator<void, number>;

/**
 * Finds the longest prefix and suffix of a text within a number of tokens, exactly: a longer text may well take fewer tokens, so
 * all cuts near the limit are looked at, those of one stretch between seams in one go. To be run in slices.
 */
export class TextCutter {
  readonly #text: CutText;
  readonly #countPieces: CountPieces;

  constructor(text: CutText, countPieces: CountPieces) {
    this.#text = text;
    this.#countPieces = countPieces;
  }

  /** Where the longest prefix of at most `maxTokens` ends. */
  *prefixEnd(maxTokens: number): Generator<void, number> {
    const { length } = this.#text.bytes;
    const seams: Seam[] = [{ at: 0, count: 0 }];
    let last: Seam = { at: 0, count: 0 };
    while (last.at < length && last.count < maxTokens) {
      const at = yield* this.#nextSeam(last.at);
      if (at - last.at > LONG_STRETCH) {
        const found = yield* prefixEndBetween(this.#text, last.at, at, maxTokens - last.count);
        if (found === last.at) break;
        if (found < at) return found;
      }
      last = { at, count: last.count + (yield* this.#countPieces(this.#text.bytes, last.at, at)) };
      seams.push(last);
    }
    if (last.at === length && last.count <= maxTokens) return length;
    // Beyond the last seam every prefix counts more than it does; before it each must be counted.
    for (let end = seams.pop(), start = seams.pop(); end && start; end = start, start = seams.pop()) {
      const found = yield* prefixEndBetween(this.#text, start.at, end.at, maxTokens - start.count);
      if (found > start.at) return found;
    }
    return 0;
  }

  /** Where the longest suffix of at most `maxTokens` begins. */
  *suffixStart(maxTokens: number): Generator<void, number> {
    let at = this.#text.bytes.length;
    let budget = maxTokens;
    while (at > 0 && budget > 0) {
      const start = yield* this.#previousSeam(at);
      if (at - start > LONG_STRETCH) {
        const found = yield* suffixStartBetween(this.#text, start, at, budget);
        if (found > start) return found;
      }
      const count = yield* this.#countPieces(this.#text.bytes, start, at);
      if (count > budget) return yield* suffixStartBetween(this.#text, start, at, budget);
      budget -= count;
      at = start;
    }
    return at;
  }

  *#nextSeam(from: number): Generator<void, number> {
    const { bytes } = this.#text;
    let steps = 0;
    let at = from + characterBytes(bytes[from] as number);
    for (let before = from; at < bytes.length && this.#mayJoin(before, at); ) {
      if (++steps % STEPS_PER_YIELD === 0) yield;
      before = at;
      at += characterBytes(bytes[at] as number);
    }
    return at;
  }

  *#previousSeam(from: number): Generator<void, number> {
    const { bytes } = this.#text;
    let steps = 0;
    let at = characterStart(bytes, from - 1);
    while (at > 0) {
      if (++steps % STEPS_PER_YIELD === 0) yield;
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
