import { DIGIT, HAN, LETTER, NEWLINE, PUNCTUATION, SPACE, TRAILING } from './character-flags.ts';
import { HeadSplits } from './head-splits.ts';
import { HeadCounts, TailCounts } from './piece-counts.ts';
import { APOSTROPHE, characterBytes, characterStart, type Splitter } from './splitter.ts';
import { TailSplits } from './tail-splits.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A place in the text that no piece can go across, whatever is cut off, and the tokens on the near side of it. */
interface Seam {
  readonly at: number;
  readonly count: number;
}

/**
 * Finds the longest head and tail of a text within a number of tokens, exactly: a longer text may well take fewer tokens, so
 * all cuts near the limit are looked at, those of one stretch between seams in one go.
 */
export class TextCutter {
  readonly #vocabulary: Vocabulary;
  readonly #splitter: Splitter;
  readonly #countPiece: (bytes: Uint8Array, start: number, end: number) => number;

  /** @param countPiece the tokens of a piece */
  constructor(
    vocabulary: Vocabulary,
    splitter: Splitter,
    countPiece: (bytes: Uint8Array, start: number, end: number) => number,
  ) {
    this.#vocabulary = vocabulary;
    this.#splitter = splitter;
    this.#countPiece = countPiece;
  }

  /** Where the longest head of at most `maxTokens` ends. */
  headEnd(bytes: Uint8Array, maxTokens: number): number {
    const seams: Seam[] = [{ at: 0, count: 0 }];
    let last: Seam = { at: 0, count: 0 };
    while (last.at < bytes.length && last.count < maxTokens) {
      const at = this.#nextSeam(bytes, last.at);
      last = { at, count: last.count + this.#countBetween(bytes, last.at, at) };
      seams.push(last);
    }
    if (last.at === bytes.length && last.count <= maxTokens) return last.at;
    // Beyond the last seam every head counts more than it does, before it only looking tells.
    for (let end = seams.pop(), start = seams.pop(); end && start; end = start, start = seams.pop()) {
      const found = this.#headEndBetween(bytes, start.at, end.at, maxTokens - start.count);
      if (found > start.at) return found;
    }
    return 0;
  }

  /** Where the longest tail of at most `maxTokens` begins. */
  tailStart(bytes: Uint8Array, maxTokens: number): number {
    let at = bytes.length;
    let budget = maxTokens;
    while (at > 0) {
      const start = this.#previousSeam(bytes, at);
      const count = this.#reach(budget) < at - start ? Number.POSITIVE_INFINITY : this.#countBetween(bytes, start, at);
      if (count > budget) return this.#tailStartBetween(bytes, start, at, budget);
      budget -= count;
      at = start;
    }
    return 0;
  }

  /** The end of the longest head of `bytes[start, end)` within the budget, all from seam to seam. */
  #headEndBetween(bytes: Uint8Array, start: number, end: number, budget: number): number {
    const limit = Math.min(end, start + this.#reach(budget));
    let first = new HeadCounts(this.#vocabulary, bytes, start, limit);
    let second: HeadCounts | undefined;
    let closed = 0;
    let best = start;
    const heads = new HeadSplits(this.#splitter, bytes, start, (from, to) => {
      if (first.start !== from) first.begin(from);
      closed += first.countTo(to);
      if (second?.start === to) [first, second] = [second, first];
    });
    while (heads.at < limit && closed <= budget) {
      heads.step();
      if (heads.at > limit) break;
      if (first.start !== heads.start) first.begin(heads.start);
      let count = closed;
      if (heads.border > heads.start) count += first.countTo(heads.border);
      if (heads.border === heads.start) count += first.countTo(heads.at);
      else if (heads.at > heads.border) {
        second ??= new HeadCounts(this.#vocabulary, bytes, start, limit);
        if (second.start !== heads.border) second.begin(heads.border);
        count += second.countTo(heads.at);
      }
      if (count <= budget) best = heads.at;
    }
    return best;
  }

  /** The start of the longest tail of `bytes[start, end)` within the budget, all from seam to seam. */
  #tailStartBetween(bytes: Uint8Array, start: number, end: number, budget: number): number {
    const low = Math.max(start, end - this.#reach(budget));
    const pieces = new TailCounts(this.#vocabulary, bytes, low, end);
    const tails = new TailSplits(this.#splitter, bytes, end, bytes.length);
    const counts = new Int32Array(end - low + 1);
    let best = end;
    for (let at = characterStart(bytes, end - 1); at >= low; at = characterStart(bytes, at - 1)) {
      const pieceEnd = tails.pieceEndAt(at);
      const count = pieces.count(at, pieceEnd) + (counts[pieceEnd - low] as number);
      counts[at - low] = count;
      if (count <= budget) best = at;
    }
    return best;
  }

  /** No more bytes than these are within the budget. */
  #reach(budget: number): number {
    return Math.max(0, budget) * this.#vocabulary.longest;
  }

  #countBetween(bytes: Uint8Array, start: number, end: number): number {
    let count = 0;
    for (let at = start; at < end; ) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, bytes.length);
      count += this.#countPiece(bytes, at, pieceEnd);
      at = pieceEnd;
    }
    return count;
  }

  #nextSeam(bytes: Uint8Array, from: number): number {
    let at = from + characterBytes(bytes[from] as number);
    for (let before = from; at < bytes.length && this.#mayJoin(bytes, before, at); ) {
      before = at;
      at += characterBytes(bytes[at] as number);
    }
    return at;
  }

  #previousSeam(bytes: Uint8Array, from: number): number {
    let at = characterStart(bytes, from - 1);
    while (at > 0) {
      const before = characterStart(bytes, at - 1);
      if (!this.#mayJoin(bytes, before, at)) break;
      at = before;
    }
    return at;
  }

  /** Whether any piece of any text may hold these two characters side by side. See the alternatives at `Splitter`. */
  #mayJoin(bytes: Uint8Array, before: number, after: number): boolean {
    const a = this.#splitter.flagsAt(bytes, before);
    const b = this.#splitter.flagsAt(bytes, after);
    if (a & b & (HAN | LETTER | DIGIT | PUNCTUATION | TRAILING | SPACE)) return true;
    if (b & LETTER) return (a & (LETTER | PUNCTUATION)) !== 0 || (a & (SPACE | NEWLINE)) === SPACE;
    if (a & LETTER && bytes[after] === APOSTROPHE) return true;
    if (b & TRAILING && a & PUNCTUATION) return true;
    return (b & PUNCTUATION) !== 0 && (a & (SPACE | NEWLINE)) === SPACE;
  }
}
