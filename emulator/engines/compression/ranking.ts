import type { DraftSummary } from './draft-summary.ts';
import { Heap } from './heap.ts';
import type { Pacer } from './pacer.ts';
import { SECTION_RULES } from './sections.ts';
import type { TermIndex } from './term-index.ts';
import { estimateTokens } from './token-estimate.ts';
import type { Unit } from './unit.ts';

/** Tokens of a line's label, and what joins a unit to a line that stands already. */
const LABEL_TOKENS = 5;
const JOINT_TOKENS = 1;
/** Below one, so that a long sentence that says much is not always behind two short ones. */
const COST_POWER = 0.9;
/** What news is worth in terms of rare words, by the logarithm of their rareness. */
const NEWS_FACTOR = 1.5;
const NEWS_WORTH = 12;
/** A unit is judged anew this often; then its last judgement stands. Keeps the whole at n·log n. */
const MAX_JUDGEMENTS = 8;
/**
 * Lighter units (overtaken values, lines that a template stands for) come only when every section has had its share.
 */
const SPARE_WEIGHT = 0.2;
/** Units too large for what is left that are passed over before the summary counts as full. */
const MAX_MISSES = 400;

/**
 * Budgeted coverage: the unit that adds most new worth for its cost is taken, again and again. Worth only falls as
 * others are taken, so a unit is judged anew only when it comes to the top.
 */
export class Ranking {
  readonly #units: readonly Unit[];
  readonly #index: TermIndex;
  readonly #heap: Heap;
  readonly #costs: Float64Array;
  /** What worth is divided by, where the unit begins a line and where it continues one. */
  readonly #asFirst: Float64Array;
  readonly #asNext: Float64Array;
  readonly #judgements: Uint8Array;
  readonly #taken: Uint8Array;
  /** Passed over because their section had its share, or because there was no room. */
  #waiting: number[] = [];

  private constructor(units: readonly Unit[], index: TermIndex) {
    this.#units = units;
    this.#index = index;
    this.#heap = new Heap(units.length);
    this.#costs = new Float64Array(units.length);
    this.#asFirst = new Float64Array(units.length);
    this.#asNext = new Float64Array(units.length);
    this.#judgements = new Uint8Array(units.length);
    this.#taken = new Uint8Array(units.length);
  }

  static async build(units: readonly Unit[], index: TermIndex, pacer: Pacer): Promise<Ranking> {
    const ranking = new Ranking(units, index);
    for (const [at, unit] of units.entries()) {
      if (pacer.due()) await pacer.rest();
      if (unit.weight <= 0) continue;
      const cost = estimateTokens(unit.text);
      ranking.#costs[at] = cost;
      ranking.#asFirst[at] = (cost + LABEL_TOKENS) ** COST_POWER;
      ranking.#asNext[at] = (cost + JOINT_TOKENS) ** COST_POWER;
      ranking.#heap.push(at, ranking.#score(at, unit, false));
    }
    return ranking;
  }

  /** Takes one unit out of turn, if it fits. */
  takeNow(at: number, summary: DraftSummary, limit: number): boolean {
    const unit = this.#units[at];
    if (unit === undefined || this.#taken[at] === 1) return false;
    const cost = summary.cost(unit);
    if (summary.spent + cost > limit) return false;
    this.#take(at, unit, cost, summary);
    return true;
  }

  /** Fills the summary up to `limit` tokens: first with every section held to its share of `limit`, then without. */
  async fill(summary: DraftSummary, limit: number, pacer: Pacer): Promise<void> {
    await this.#fill(summary, limit, true, pacer);
    await this.#fill(summary, limit, false, pacer);
  }

  /** Up to `count` of the best units not taken, best first. */
  async best(count: number, pacer: Pacer): Promise<number[]> {
    await this.#requeue(pacer);
    const found: number[] = [];
    while (found.length < count) {
      const at = this.#heap.pop();
      if (at === -1) break;
      if (this.#taken[at] !== 1) found.push(at);
    }
    this.#waiting.push(...found);
    return found;
  }

  async #fill(summary: DraftSummary, limit: number, shares: boolean, pacer: Pacer): Promise<void> {
    await this.#requeue(pacer);
    let misses = 0;
    while (misses < MAX_MISSES) {
      if (pacer.due()) await pacer.rest();
      const at = this.#heap.pop();
      const unit = this.#units[at];
      if (unit === undefined) return;
      if (this.#taken[at] === 1 || this.#isWorse(at, unit, summary)) continue;
      const room = limit - summary.spent;
      const share = SECTION_RULES[unit.section].share * limit - (summary.spentOn.get(unit.section) ?? 0);
      if (shares && (share < (this.#costs[at] ?? 0) || unit.weight < SPARE_WEIGHT)) {
        this.#waiting.push(at);
        continue;
      }
      if ((this.#costs[at] ?? 0) <= 2 * room && this.#takeWithLeader(at, unit, summary, limit)) continue;
      this.#waiting.push(at);
      misses++;
    }
  }

  #takeWithLeader(at: number, unit: Unit, summary: DraftSummary, limit: number): boolean {
    const leader = unit.leader?.order;
    if (leader === undefined || this.#taken[leader] === 1) return this.takeNow(at, summary, limit);
    return this.takeNow(leader, summary, limit) && this.takeNow(at, summary, limit);
  }

  /** Judges a unit anew; where it is no longer the best it goes back among the others. */
  #isWorse(at: number, unit: Unit, summary: DraftSummary): boolean {
    const judgements = this.#judgements[at] ?? 0;
    if (judgements >= MAX_JUDGEMENTS) return false;
    this.#judgements[at] = judgements + 1;
    const score = this.#score(at, unit, summary.continuesLine(unit));
    if (score >= this.#heap.best) return false;
    this.#heap.push(at, score);
    return true;
  }

  #score(at: number, unit: Unit, continuesLine: boolean): number {
    const divisor = (continuesLine ? this.#asNext : this.#asFirst)[at] ?? 1;
    const worth = this.#index.gain(at) * (1 + NEWS_FACTOR * unit.news) + NEWS_WORTH * unit.news;
    return (unit.weight * SECTION_RULES[unit.section].weight * worth) / divisor;
  }

  #take(at: number, unit: Unit, cost: number, summary: DraftSummary): void {
    summary.take(unit, cost);
    this.#taken[at] = 1;
    this.#index.tell(at);
  }

  async #requeue(pacer: Pacer): Promise<void> {
    for (const at of this.#waiting) {
      if (pacer.due()) await pacer.rest();
      const unit = this.#units[at];
      if (unit !== undefined) this.#heap.push(at, this.#score(at, unit, false));
    }
    this.#waiting = [];
  }
}
