import type { CutText } from './cut-text.ts';
import { HeadCounts, UNKNOWN } from './head-counts.ts';
import { HeadSplits } from './head-splits.ts';
import { PairMerge } from './pair-merge.ts';
import { STEPS_A_YIELD } from './slices.ts';

/** Pieces shorter than this are cut by looking at every head. */
const LONG_PIECE = 128;
/** In a long piece, heads are looked at from so many tokens before the limit on; where that leaves doubt, from the start. */
const ALL = Number.POSITIVE_INFINITY;
const MARGINS = [16, ALL];
const NO_TOKENS = new Int32Array(0);
/** So many unknown counts, and there will be doubt. */
const MAX_UNKNOWN = 1_000;

/**
 * The end of the longest head of `bytes[start, end)` within the budget. `start` must be where no piece can go across.
 * Linear in the length of what is within the budget; long pieces are hardly more work than merging them once. To be run in slices.
 */
export function* headEndBetween(text: CutText, start: number, end: number, budget: number): Generator<void, number> {
  for (const margin of MARGINS) {
    const found = yield* new HeadCut(text, start, end, budget, margin).run();
    if (found !== UNKNOWN) return found;
  }
  throw new RangeError('a head has no count');
}

class HeadCut {
  readonly #text: CutText;
  readonly #budget: number;
  readonly #margin: number;
  readonly #limit: number;
  readonly #heads: HeadSplits;
  /** Pieces that the last step has closed. */
  #pieces: { start: number; end: number }[] = [];
  #first: HeadCounts;
  #second: HeadCounts | undefined;
  /** Tokens of the closed pieces. */
  #closed = 0;
  #best: number;
  /** Shorter heads than this may not have been looked at. */
  #looked: number;
  /** The longest head whose count is unknown. */
  #unknown = -1;
  /** The piece whose heads are being passed over, and the last head before. */
  #passing: { start: number; from: number } | undefined;
  /** The start of the last piece whose heads were passed over. */
  #passed = -1;

  constructor(text: CutText, start: number, end: number, budget: number, margin: number) {
    const { vocabulary, splitter, bytes } = text;
    this.#text = text;
    this.#budget = budget;
    this.#margin = margin;
    this.#limit = Math.min(end, start + budget * vocabulary.longest);
    this.#heads = new HeadSplits(splitter, bytes, start, (from, to) => this.#pieces.push({ start: from, end: to }));
    this.#first = new HeadCounts(text, start, this.#limit);
    this.#best = start;
    this.#looked = start;
  }

  /** The end of the longest head, or UNKNOWN. */
  *run(): Generator<void, number> {
    const heads = this.#heads;
    for (let steps = 1; heads.at < this.#limit && this.#closed <= this.#budget; steps++) {
      if (steps % STEPS_A_YIELD === 0) yield;
      const before = heads.at;
      heads.step();
      if (heads.at > this.#limit) break;
      if (this.#mayPass()) {
        this.#passing ??= { start: heads.start, from: before };
        continue;
      }
      if (this.#passing && (yield* this.#lookBack(this.#passing, before))) return this.#result();
      if (!this.#closePieces()) return UNKNOWN;
      this.#look(heads.at, this.#count());
    }
    if (this.#passing) yield* this.#lookBack(this.#passing, Math.min(heads.at, this.#limit));
    return this.#result();
  }

  #result(): number {
    return this.#best < this.#looked || this.#unknown > this.#best ? UNKNOWN : this.#best;
  }

  /** Whether the head ends deep in a long piece that is all that is open. */
  #mayPass(): boolean {
    const { start, border, at } = this.#heads;
    if (this.#pieces.length > 0 || start === this.#passed) return false;
    return at - start > LONG_PIECE && (border === start || border === at);
  }

  /**
   * Looks at the heads passed over, up to `end`, as far as they are near the limit. Returns whether no longer head of the text
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

  /** The tokens of a head of `bytes[start, end)` that has more than so many, or of all of it. */
  *#firstTokens(start: number, end: number, wanted: number): Generator<void, Int32Array> {
    const { vocabulary, neighbours, bytes } = this.#text;
    const merge = new PairMerge(vocabulary, neighbours);
    merge.begin(bytes, start, end);
    while (!merge.advance(STEPS_A_YIELD) && merge.count <= wanted) yield;
    return merge.tokens;
  }

  *#lookBetween(from: number, end: number): Generator<void, boolean> {
    const { vocabulary, bytes } = this.#text;
    let tooLong = 0;
    let unknown = 0;
    for (let at = from + 1; at <= end; at++) {
      if (at % STEPS_A_YIELD === 0) yield;
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

  /** The tokens of the head that ends where `#heads` is, or UNKNOWN. */
  #count(): number {
    const { start, border, at } = this.#heads;
    if (this.#first.start !== start) this.#first.begin(start);
    if (border === start) return this.#sum(this.#first.countTo(at), 0);
    const count = this.#first.countTo(border);
    if (border === at) return this.#sum(count, 0);
    this.#second ??= new HeadCounts(this.#text, border, this.#limit);
    if (this.#second.start !== border) this.#second.begin(border);
    return this.#sum(count, this.#second.countTo(at));
  }

  #sum(first: number, second: number): number {
    return first === UNKNOWN || second === UNKNOWN ? UNKNOWN : this.#closed + first + second;
  }
}
