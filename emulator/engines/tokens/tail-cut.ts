import type { CutText } from './cut-text.ts';
import { UNKNOWN } from './head-counts.ts';
import { PairMerge } from './pair-merge.ts';
import { STEPS_A_YIELD } from './slices.ts';
import { characterStart } from './splitter.ts';
import { TailCounts } from './tail-counts.ts';
import { TailSplits } from './tail-splits.ts';

/** Pieces shorter than this are cut by looking at every tail. */
const LONG_PIECE = 128;
/** In a long piece, tails are looked at from so many tokens behind the limit on; where that leaves doubt, from the end. */
const ALL = Number.POSITIVE_INFINITY;
const MARGINS = [16, ALL];
/** So many unknown counts, and there will be doubt. */
const MAX_UNKNOWN = 1_000;
/** As many bytes as that are merged first for each token wanted. */
const BYTES_A_TOKEN = 4;

/**
 * The start of the longest tail of `bytes[start, end)` within the budget. No piece may be able to go across either.
 * Linear in the length of what is within the budget; long pieces are hardly more work than merging them once. To be run in slices.
 */
export function* tailStartBetween(text: CutText, start: number, end: number, budget: number): Generator<void, number> {
  for (const margin of MARGINS) {
    const found = yield* new TailCut(text, start, end, budget, margin).run();
    if (found !== UNKNOWN) return found;
  }
  throw new RangeError('a tail has no count');
}

/** Tails of one piece: where that ends, and where the shortest and the longest of them begin. */
interface Passing {
  readonly end: number;
  readonly shortest: number;
  longest: number;
}

/** Whether longer tails are too long, may do, or cannot be told. */
type Outcome = 'wall' | 'open' | 'doubt';

class TailCut {
  readonly #text: CutText;
  readonly #end: number;
  readonly #budget: number;
  readonly #margin: number;
  readonly #low: number;
  readonly #tails: TailSplits;
  readonly #pieces: TailCounts;
  /** By offset from `#low`: the tokens of the tail that begins there, one up so that 0 is unknown. */
  readonly #counts: Int32Array;
  #best: number;
  /** Longer tails than this have all been looked at. */
  #looked: number;
  /** The start of the longest tail whose count is unknown. */
  #unknown = Number.POSITIVE_INFINITY;
  /** The tails being passed over. */
  #passing: Passing | undefined;
  /** The end of the last piece whose tails were passed over. */
  #passed = -1;

  constructor(text: CutText, start: number, end: number, budget: number, margin: number) {
    const { vocabulary, splitter, bytes } = text;
    this.#text = text;
    this.#end = end;
    this.#budget = budget;
    this.#margin = margin;
    // No token is longer than the longest: further back nothing is within the budget.
    this.#low = Math.max(start, end - budget * vocabulary.longest);
    this.#tails = new TailSplits(splitter, bytes, end, bytes.length);
    this.#pieces = new TailCounts(text, this.#low, end);
    this.#counts = new Int32Array(end - this.#low + 1);
    this.#counts[end - this.#low] = 1;
    this.#best = end;
    this.#looked = end;
  }

  /** The start of the longest tail, or UNKNOWN. */
  *run(): Generator<void, number> {
    const { bytes } = this.#text;
    let steps = 0;
    for (let at = characterStart(bytes, this.#end - 1); at >= this.#low; at = characterStart(bytes, at - 1)) {
      if (++steps % STEPS_A_YIELD === 0) yield;
      const pieceEnd = this.#tails.pieceEndAt(at);
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

  /** Whether the tail begins deep in a long piece, and any piece that begins further back ends there too. */
  #mayPass(at: number, pieceEnd: number): boolean {
    if (pieceEnd - at <= LONG_PIECE || pieceEnd === this.#passed) return false;
    return (this.#passing?.end ?? pieceEnd) === pieceEnd && this.#tails.soleEnd === pieceEnd;
  }

  /**
   * Looks at the tails passed over. Returns whether no longer tail of the text can be within the budget: a stretch as long as the
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

  /** The tokens of a tail of `bytes[start, end)` that has at least so many, or of all of it. */
  *#lastTokens(start: number, end: number, wanted: number): Generator<void, Int32Array> {
    const { vocabulary, neighbours, bytes } = this.#text;
    const merge = new PairMerge(vocabulary, neighbours);
    for (let size = Math.max(0, wanted) * BYTES_A_TOKEN; ; size *= 4) {
      const from = Math.max(start, end - size);
      merge.begin(bytes, from, end);
      while (!merge.advance(STEPS_A_YIELD)) yield;
      if (from === start || merge.count >= wanted) return merge.tokens;
    }
  }

  *#lookBetween(longest: number, shortest: number, end: number): Generator<void, Outcome> {
    const { vocabulary, bytes } = this.#text;
    const rest = this.#countOf(end);
    let tooLong = 0;
    let unknown = 0;
    for (let at = shortest; at >= longest; at--) {
      if (at % STEPS_A_YIELD === 0) yield;
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

  /** The tokens of the tail that begins there, or UNKNOWN. */
  #countOf(start: number): number {
    return (this.#counts[start - this.#low] as number) - 1;
  }
}
