import { STEPS_PER_YIELD } from '../scheduler.ts';
import { type CutText, PrefixCounts, SuffixCounts, UNKNOWN } from './incremental-counts.ts';
import { PrefixSplits, SuffixSplits } from './incremental-splits.ts';
import { characterStart } from './splitter.ts';
import { PairMerge } from './vocabulary.ts';

/** Pieces shorter than this are cut by looking at every prefix. */
const LONG_PIECE = 128;
/** In a long piece, prefixes are looked at from so many tokens before the limit on; where that leaves doubt, from the start. */
const ALL = Number.POSITIVE_INFINITY;
const MARGINS = [16, ALL];
const NO_TOKENS = new Int32Array(0);
/** After so many unknown counts the outcome is in doubt. */
const MAX_UNKNOWN = 1_000;

/**
 * The end of the longest prefix of `bytes[start, end)` within the budget. `start` must be where no piece can go across.
 * Linear in the length of what is within the budget; long pieces are hardly more work than merging them once. To be run in slices.
 */
export function* prefixEndBetween(text: CutText, start: number, end: number, budget: number): Generator<void, number> {
  for (const margin of MARGINS) {
    const found = yield* new PrefixCut(text, start, end, budget, margin).run();
    if (found !== UNKNOWN) return found;
  }
  throw new RangeError('a prefix has no count');
}

class PrefixCut {
  readonly #text: CutText;
  readonly #budget: number;
  readonly #margin: number;
  readonly #limit: number;
  readonly #prefixes: PrefixSplits;
  /** Pieces that the last step has closed. */
  #pieces: { start: number; end: number }[] = [];
  #first: PrefixCounts;
  #second: PrefixCounts | undefined;
  /** Tokens of the closed pieces. */
  #closed = 0;
  #best: number;
  /** Shorter prefixes than this may not have been looked at. */
  #looked: number;
  /** The longest prefix whose count is unknown. */
  #unknown = -1;
  /** The piece whose prefixes are being passed over, and the last prefix before. */
  #passing: { start: number; from: number } | undefined;
  /** The start of the last piece whose prefixes were passed over. */
  #passed = -1;

  constructor(text: CutText, start: number, end: number, budget: number, margin: number) {
    const { vocabulary, splitter, bytes } = text;
    this.#text = text;
    this.#budget = budget;
    this.#margin = margin;
    this.#limit = Math.min(end, start + budget * vocabulary.longest);
    this.#prefixes = new PrefixSplits(splitter, bytes, start, (from, to) =>
      this.#pieces.push({ start: from, end: to }),
    );
    this.#first = new PrefixCounts(text, start, this.#limit);
    this.#best = start;
    this.#looked = start;
  }

  /** The end of the longest prefix, or UNKNOWN. */
  *run(): Generator<void, number> {
    const prefixes = this.#prefixes;
    for (let steps = 1; prefixes.at < this.#limit && this.#closed <= this.#budget; steps++) {
      if (steps % STEPS_PER_YIELD === 0) yield;
      const before = prefixes.at;
      prefixes.step();
      if (prefixes.at > this.#limit) break;
      if (this.#mayPass()) {
        this.#passing ??= { start: prefixes.start, from: before };
        continue;
      }
      if (this.#passing && (yield* this.#lookBack(this.#passing, before))) return this.#result();
      if (!this.#closePieces()) return UNKNOWN;
      this.#look(prefixes.at, this.#count());
    }
    if (this.#passing) yield* this.#lookBack(this.#passing, Math.min(prefixes.at, this.#limit));
    return this.#result();
  }

  #result(): number {
    return this.#best < this.#looked || this.#unknown > this.#best ? UNKNOWN : this.#best;
  }

  /** Whether the prefix ends deep in a long piece that is all that is open. */
  #mayPass(): boolean {
    const { start, border, at } = this.#prefixes;
    if (this.#pieces.length > 0 || start === this.#passed) return false;
    return at - start > LONG_PIECE && (border === start || border === at);
  }

  /**
   * Looks at the prefixes passed over, up to `end`, as far as they are near the limit. Returns whether no longer prefix of the text
   * can be within the budget: a stretch as long as the longest token where none is cannot be got across.
   */
  *#lookBack({ start, from }: { start: number; from: number }, end: number): Generator<void, boolean> {
    const { vocabulary } = this.#text;
    this.#passing = undefined;
    this.#passed = start;
    const budget = this.#budget - this.#closed;
    const tokens = this.#margin === ALL ? NO_TOKENS : yield* this.#firstTokens(start, end, budget + this.#margin);
    const count = Math.max(0, Math.min(tokens.length, budget) - this.#margin);
    let border = start;
    for (let i = 0; i < count; i++) border += vocabulary.lengths[tokens[i] as number] as number;
    this.#first.beginAt(start, border, count === 0 ? -1 : (tokens[count - 1] as number), count);
    if (border > from) this.#looked = border;
    return yield* this.#lookBetween(Math.max(from, border), end);
  }

  /** The tokens of a prefix of `bytes[start, end)` that has more than so many, or of all of it. */
  *#firstTokens(start: number, end: number, wanted: number): Generator<void, Int32Array> {
    const { vocabulary, neighbours, bytes } = this.#text;
    const merge = new PairMerge(vocabulary, neighbours);
    merge.begin(bytes, start, end);
    while (!merge.advance(STEPS_PER_YIELD) && merge.count <= wanted) yield;
    return merge.tokens;
  }

  *#lookBetween(from: number, end: number): Generator<void, boolean> {
    const { vocabulary, bytes } = this.#text;
    let tooLong = 0;
    let unknown = 0;
    for (let at = from + 1; at <= end; at++) {
      if (at % STEPS_PER_YIELD === 0) yield;
      const count = this.#first.countTo(at);
      tooLong = count !== UNKNOWN && this.#closed + count > this.#budget ? tooLong + 1 : 0;
      if (tooLong >= vocabulary.longest) return true;
      if (count === UNKNOWN) unknown++;
      if (unknown > MAX_UNKNOWN) {
        this.#unknown = end;
        return true;
      }
      const isBorder = at === bytes.length || ((bytes[at] as number) & 0xc0) !== 0x80;
      if (isBorder) this.#look(at, count === UNKNOWN ? UNKNOWN : this.#closed + count);
    }
    return false;
  }

  #look(at: number, count: number): void {
    if (count === UNKNOWN) this.#unknown = at;
    else if (count <= this.#budget) this.#best = at;
  }

  #closePieces(): boolean {
    for (const { start, end } of this.#pieces) {
      if (this.#first.start !== start) this.#first.begin(start);
      const count = this.#first.countTo(end);
      if (count === UNKNOWN) return false;
      this.#closed += count;
      if (this.#second?.start === end) [this.#first, this.#second] = [this.#second, this.#first];
    }
    this.#pieces = [];
    return true;
  }

  /** The tokens of the prefix that ends where `#prefixes` is, or UNKNOWN. */
  #count(): number {
    const { start, border, at } = this.#prefixes;
    if (this.#first.start !== start) this.#first.begin(start);
    if (border === start) return this.#sum(this.#first.countTo(at), 0);
    const count = this.#first.countTo(border);
    if (border === at) return this.#sum(count, 0);
    this.#second ??= new PrefixCounts(this.#text, border, this.#limit);
    if (this.#second.start !== border) this.#second.begin(border);
    return this.#sum(count, this.#second.countTo(at));
  }

  #sum(first: number, second: number): number {
    return first === UNKNOWN || second === UNKNOWN ? UNKNOWN : this.#closed + first + second;
  }
}

/** As many bytes as that are merged first for each token wanted. */
const BYTES_PER_TOKEN = 4;

/**
 * The start of the longest suffix of `bytes[start, end)` within the budget. No piece may be able to go across either.
 * Linear in the length of what is within the budget; long pieces are hardly more work than merging them once. To be run in slices.
 */
export function* suffixStartBetween(
  text: CutText,
  start: number,
  end: number,
  budget: number,
): Generator<void, number> {
  for (const margin of MARGINS) {
    const found = yield* new SuffixCut(text, start, end, budget, margin).run();
    if (found !== UNKNOWN) return found;
  }
  throw new RangeError('a suffix has no count');
}

/** Suffixes of one piece: where that ends, and where the shortest and the longest of them begin. */
interface Passing {
  readonly end: number;
  readonly shortest: number;
  longest: number;
}

/** Whether longer suffixes are too long, may fit, or are unknown. */
type Outcome = 'wall' | 'open' | 'doubt';

class SuffixCut {
  readonly #text: CutText;
  readonly #end: number;
  readonly #budget: number;
  readonly #margin: number;
  readonly #low: number;
  readonly #suffixes: SuffixSplits;
  readonly #pieces: SuffixCounts;
  /** By offset from `#low`: the tokens of the suffix that begins there, one up so that 0 is unknown. */
  readonly #counts: Int32Array;
  #best: number;
  /** Longer suffixes than this have all been looked at. */
  #looked: number;
  /** The start of the longest suffix whose count is unknown. */
  #unknown = Number.POSITIVE_INFINITY;
  /** The suffixes being passed over. */
  #passing: Passing | undefined;
  /** The end of the last piece whose suffixes were passed over. */
  #passed = -1;

  constructor(text: CutText, start: number, end: number, budget: number, margin: number) {
    const { vocabulary, splitter, bytes } = text;
    this.#text = text;
    this.#end = end;
    this.#budget = budget;
    this.#margin = margin;
    // No token is longer than the longest: further back nothing is within the budget.
    this.#low = Math.max(start, end - budget * vocabulary.longest);
    this.#suffixes = new SuffixSplits(splitter, bytes, end, bytes.length);
    this.#pieces = new SuffixCounts(text, this.#low, end);
    this.#counts = new Int32Array(end - this.#low + 1);
    this.#counts[end - this.#low] = 1;
    this.#best = end;
    this.#looked = end;
  }

  /** The start of the longest suffix, or UNKNOWN. */
  *run(): Generator<void, number> {
    const { bytes } = this.#text;
    let steps = 0;
    for (let at = characterStart(bytes, this.#end - 1); at >= this.#low; at = characterStart(bytes, at - 1)) {
      if (++steps % STEPS_PER_YIELD === 0) yield;
      const pieceEnd = this.#suffixes.pieceEndAt(at);
      if (this.#mayPass(at, pieceEnd)) {
        this.#passing ??= { end: pieceEnd, shortest: at, longest: at };
        this.#passing.longest = at;
        continue;
      }
      if (this.#passing && (yield* this.#lookBack(this.#passing))) return this.#result();
      this.#look(at, this.#pieces.count(at, pieceEnd), pieceEnd);
    }
    if (this.#passing) yield* this.#lookBack(this.#passing);
    return this.#result();
  }

  #result(): number {
    return this.#best > this.#looked || this.#unknown < this.#best ? UNKNOWN : this.#best;
  }

  /** Whether the suffix begins deep in a long piece, and any piece that begins further back ends there too. */
  #mayPass(at: number, pieceEnd: number): boolean {
    if (pieceEnd - at <= LONG_PIECE || pieceEnd === this.#passed) return false;
    return (this.#passing?.end ?? pieceEnd) === pieceEnd && this.#suffixes.soleEnd === pieceEnd;
  }

  /**
   * Looks at the suffixes passed over. Returns whether no longer suffix of the text can be within the budget: a stretch as long as the
   * longest token where none is cannot be got across.
   */
  *#lookBack(passing: Passing): Generator<void, boolean> {
    const { end, shortest, longest } = passing;
    const unknown = this.#unknown;
    const looked = this.#looked;
    this.#passing = undefined;
    this.#passed = end;
    if (this.#margin !== ALL) {
      const outcome = yield* this.#lookNearLimit(passing);
      if (outcome !== 'doubt') return outcome === 'wall';
      this.#unknown = unknown;
      this.#looked = looked;
    }
    this.#pieces.beginAt(end, end, -1, 0);
    return (yield* this.#lookBetween(longest, shortest, end)) === 'wall';
  }

  *#lookNearLimit({ end, shortest, longest }: Passing): Generator<void, Outcome> {
    const { vocabulary } = this.#text;
    const budget = this.#budget - this.#countOf(end);
    const tokens = yield* this.#lastTokens(longest, end, budget + this.#margin);
    const count = Math.max(0, Math.min(tokens.length, budget) - this.#margin);
    let border = end;
    for (let i = 1; i <= count; i++) border -= vocabulary.lengths[tokens[tokens.length - i] as number] as number;
    this.#pieces.beginAt(end, border, count === 0 ? -1 : (tokens[tokens.length - count] as number), count);
    if (border < shortest) this.#looked = border;
    return yield* this.#lookBetween(longest, Math.min(border, shortest), end);
  }

  /** The tokens of a suffix of `bytes[start, end)` that has at least so many, or of all of it. */
  *#lastTokens(start: number, end: number, wanted: number): Generator<void, Int32Array> {
    const { vocabulary, neighbours, bytes } = this.#text;
    const merge = new PairMerge(vocabulary, neighbours);
    for (let size = Math.max(0, wanted) * BYTES_PER_TOKEN; ; size *= 4) {
      const from = Math.max(start, end - size);
      merge.begin(bytes, from, end);
      while (!merge.advance(STEPS_PER_YIELD)) yield;
      if (from === start || merge.count >= wanted) return merge.tokens;
    }
  }

  *#lookBetween(longest: number, shortest: number, end: number): Generator<void, Outcome> {
    const { vocabulary, bytes } = this.#text;
    const rest = this.#countOf(end);
    let tooLong = 0;
    let unknown = 0;
    for (let at = shortest; at >= longest; at--) {
      if (at % STEPS_PER_YIELD === 0) yield;
      const count = this.#pieces.count(at, end);
      tooLong = count !== UNKNOWN && count + rest > this.#budget ? tooLong + 1 : 0;
      if (tooLong >= vocabulary.longest) return 'wall';
      if (count === UNKNOWN) unknown++;
      if (unknown > MAX_UNKNOWN) return 'doubt';
      if (((bytes[at] as number) & 0xc0) !== 0x80) this.#look(at, count, end);
    }
    return 'open';
  }

  #look(at: number, count: number, pieceEnd: number): void {
    const rest = this.#countOf(pieceEnd);
    if (count === UNKNOWN || rest === UNKNOWN) {
      this.#unknown = at;
      return;
    }
    this.#counts[at - this.#low] = count + rest + 1;
    if (count + rest <= this.#budget) this.#best = at;
  }

  /** The tokens of the suffix that begins there, or UNKNOWN. */
  #countOf(start: number): number {
    return (this.#counts[start - this.#low] as number) - 1;
  }
}
