import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { type Candidate, SECTION_RULES } from './candidates.ts';
import type { SummaryBuilder } from './summary-builder.ts';
import type { TermIndex } from './term-index.ts';

/** Numbers 0 … n−1 by falling score; equal scores give the smaller number first. */
export class Heap {
  readonly #scores: Float64Array;
  readonly #items: Int32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#scores = new Float64Array(capacity);
    this.#items = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The highest score, −∞ where nothing is left. */
  get best(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : (this.#scores[0] ?? 0);
  }

  push(item: number, score: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(score, item, this.#scores[parent] ?? 0, this.#items[parent] ?? 0)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#scores[at] = score;
    this.#items[at] = item;
  }

  /** Removes the item with the highest score and returns it; −1 where nothing is left. */
  pop(): number {
    if (this.#size === 0) return -1;
    const top = this.#items[0] ?? 0;
    const last = --this.#size;
    const score = this.#scores[last] ?? 0;
    const item = this.#items[last] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      if (!before(this.#scores[child] ?? 0, this.#items[child] ?? 0, score, item)) break;
      this.#move(child, at);
      at = child;
    }
    this.#scores[at] = score;
    this.#items[at] = item;
    return top;
  }

  #isBefore(a: number, b: number): boolean {
    return before(this.#scores[a] ?? 0, this.#items[a] ?? 0, this.#scores[b] ?? 0, this.#items[b] ?? 0);
  }

  #move(from: number, to: number): void {
    this.#scores[to] = this.#scores[from] ?? 0;
    this.#items[to] = this.#items[from] ?? 0;
  }
}

function before(score: number, item: number, otherScore: number, otherItem: number): boolean {
  return score > otherScore || (score === otherScore && item < otherItem);
}

/** Characters of one token, roughly, in letters, digits and the rest. */
const PER_LETTER = 0.22;
const PER_DIGIT = 0.36;
const PER_MARK = 0.6;
const PER_WIDE = 0.8;

/** About how many tokens a text takes under any large vocabulary: good enough to rank by, far cheaper than counting. */
export function estimateTokens(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x2e80) sum += PER_WIDE;
    else if ((unit >= 0x61 && unit <= 0x7a) || unit >= 0xc0) sum += PER_LETTER;
    else if (unit >= 0x30 && unit <= 0x39) sum += PER_DIGIT;
    else if (unit >= 0x41 && unit <= 0x5a) sum += PER_DIGIT;
    else if (unit !== 0x20) sum += PER_MARK;
  }
  return sum + 0.5;
}

/** Tokens of a line's label, and of what joins a candidate to an existing line. */
const LABEL_TOKENS = 5;
const JOINT_TOKENS = 1;
/** Below one, so that a long, informative sentence does not always rank behind two short ones. */
const COST_POWER = 0.9;
/** What full salience adds to a gain: a factor, and a bonus in units of inverse document frequency. */
const SALIENCE_FACTOR = 1.5;
const SALIENCE_BONUS = 12;
/** A candidate is scored again this often; then its last score stands. Keeps the whole at n·log n. */
const MAX_RESCORES = 8;
/** Candidates below it (replaced values, lines that a template stands for) wait until every section has had its share. */
const SPARE_WEIGHT = 0.2;
/** What is hardly original is boilerplate, and no part of a request. */
const FORMULA = 0.4;
/** Candidates too large for what is left that are passed over before the summary counts as full. */
const MAX_MISSES = 400;

/**
 * Greedy budgeted maximum coverage: adds the candidate with the highest gain per cost, again and again. Gains only fall as
 * others are added, so a candidate is scored again only when it comes to the top (lazy greedy evaluation).
 */
export class Ranking {
  readonly #candidates: readonly Candidate[];
  readonly #index: TermIndex;
  readonly #heap: Heap;
  readonly #costs: Float64Array;
  /** What a gain is divided by, if the candidate begins a line and if it continues one. */
  readonly #asFirst: Float64Array;
  readonly #asNext: Float64Array;
  readonly #rescores: Uint8Array;
  readonly #added: Uint8Array;
  /** Passed over because their section had its share, or because there was no room. */
  #waiting: number[] = [];

  private constructor(candidates: readonly Candidate[], index: TermIndex) {
    this.#candidates = candidates;
    this.#index = index;
    this.#heap = new Heap(candidates.length);
    this.#costs = new Float64Array(candidates.length);
    this.#asFirst = new Float64Array(candidates.length);
    this.#asNext = new Float64Array(candidates.length);
    this.#rescores = new Uint8Array(candidates.length);
    this.#added = new Uint8Array(candidates.length);
  }

  static async build(candidates: readonly Candidate[], index: TermIndex): Promise<Ranking> {
    const ranking = new Ranking(candidates, index);
    for (const [at, candidate] of candidates.entries()) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      if (candidate.weight <= 0) continue;
      const cost = estimateTokens(candidate.text);
      ranking.#costs[at] = cost;
      ranking.#asFirst[at] = (cost + LABEL_TOKENS) ** COST_POWER;
      ranking.#asNext[at] = (cost + JOINT_TOKENS) ** COST_POWER;
      ranking.#heap.push(at, ranking.#score(at, candidate, false));
    }
    return ranking;
  }

  /** Whether many messages hold nearly the same words as candidate number `at`. */
  isFormula(at: number): boolean {
    return this.#index.originality(at) < FORMULA;
  }

  /** Adds one candidate ahead of the ranking, if it fits. */
  addIfItFits(at: number, summary: SummaryBuilder, limit: number): boolean {
    const candidate = this.#candidates[at];
    if (candidate === undefined || this.#added[at] === 1) return false;
    const cost = summary.cost(candidate);
    if (summary.spent + cost > limit) return false;
    this.#add(at, candidate, cost, summary);
    return true;
  }

  /** Fills the summary up to `limit` tokens: first with every section held to its share of `limit`, then without. */
  async fill(summary: SummaryBuilder, limit: number): Promise<void> {
    await this.#fill(summary, limit, true);
    await this.#fill(summary, limit, false);
  }

  /** Up to `count` of the best candidates not added, best first. */
  async best(count: number): Promise<number[]> {
    await this.#requeue();
    const found: number[] = [];
    while (found.length < count) {
      const at = this.#heap.pop();
      if (at === -1) break;
      if (this.#added[at] !== 1) found.push(at);
    }
    this.#waiting.push(...found);
    return found;
  }

  async #fill(summary: SummaryBuilder, limit: number, shares: boolean): Promise<void> {
    await this.#requeue();
    let misses = 0;
    while (misses < MAX_MISSES) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const at = this.#heap.pop();
      const candidate = this.#candidates[at];
      if (candidate === undefined) return;
      if (this.#added[at] === 1 || this.#isWorse(at, candidate, summary)) continue;
      const room = limit - summary.spent;
      const share = SECTION_RULES[candidate.section].share * limit - (summary.spentOn.get(candidate.section) ?? 0);
      if (shares && (share < (this.#costs[at] ?? 0) || candidate.weight < SPARE_WEIGHT)) {
        this.#waiting.push(at);
        continue;
      }
      if ((this.#costs[at] ?? 0) <= 2 * room && this.#addWithLeader(at, candidate, summary, limit)) continue;
      this.#waiting.push(at);
      misses++;
    }
  }

  #addWithLeader(at: number, candidate: Candidate, summary: SummaryBuilder, limit: number): boolean {
    const leader = candidate.leader?.order;
    if (leader === undefined || this.#added[leader] === 1) return this.addIfItFits(at, summary, limit);
    return this.addIfItFits(leader, summary, limit) && this.addIfItFits(at, summary, limit);
  }

  /** Scores a candidate again; if it is no longer the best, returns it to the heap. */
  #isWorse(at: number, candidate: Candidate, summary: SummaryBuilder): boolean {
    const rescores = this.#rescores[at] ?? 0;
    if (rescores >= MAX_RESCORES) return false;
    this.#rescores[at] = rescores + 1;
    const score = this.#score(at, candidate, summary.continuesLine(candidate));
    if (score >= this.#heap.best) return false;
    this.#heap.push(at, score);
    return true;
  }

  #score(at: number, candidate: Candidate, continuesLine: boolean): number {
    const divisor = (continuesLine ? this.#asNext : this.#asFirst)[at] ?? 1;
    const gain = this.#index.gain(at, candidate);
    const salience = candidate.salience === 0 ? 0 : candidate.salience * this.#index.news(at, candidate);
    const worth = gain * (1 + SALIENCE_FACTOR * salience) + SALIENCE_BONUS * salience;
    const weight = candidate.weight * SECTION_RULES[candidate.section].weight * this.#index.originality(at);
    return (weight * worth) / divisor;
  }

  #add(at: number, candidate: Candidate, cost: number, summary: SummaryBuilder): void {
    summary.add(candidate, cost);
    this.#added[at] = 1;
    this.#index.cover(at);
  }

  async #requeue(): Promise<void> {
    for (const at of this.#waiting) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const candidate = this.#candidates[at];
      if (candidate !== undefined) this.#heap.push(at, this.#score(at, candidate, false));
    }
    this.#waiting = [];
  }
}
