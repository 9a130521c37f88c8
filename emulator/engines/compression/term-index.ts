import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { terms } from '../text/words.ts';
import type { Candidate } from './candidates.ts';

/**
 * Document frequency of the characters of scripts without spaces. Most pairs of common characters that occur side by side
 * once are not words, so their rarity says nothing: `byChance` corrects for it.
 */
class CharacterFrequency {
  readonly #frequency = new Uint32Array(0x1_0000);
  readonly #lastCandidate = new Int32Array(0x1_0000).fill(-1);

  /** Notes a term of a candidate; candidates come one after the other. */
  note(term: string, candidate: number): void {
    if (!isPair(term)) return;
    this.#noteCharacter(term.charCodeAt(0), candidate);
    this.#noteCharacter(term.charCodeAt(1), candidate);
  }

  /** In how many of `candidates` the two characters of a pair would meet if they were spread at random; 0 for other terms. */
  byChance(term: string, candidates: number): number {
    if (!isPair(term)) return 0;
    const first = this.#frequency[term.charCodeAt(0)] ?? 0;
    const second = this.#frequency[term.charCodeAt(1)] ?? 0;
    return (first * second) / candidates;
  }

  #noteCharacter(character: number, candidate: number): void {
    if (this.#lastCandidate[character] === candidate) return;
    this.#lastCandidate[character] = candidate;
    this.#frequency[character] = (this.#frequency[character] ?? 0) + 1;
  }
}

/** Terms of scripts without spaces are pairs of characters. */
function isPair(term: string): boolean {
  return term.length === 2 && term.charCodeAt(0) >= 0x2e80 && term.charCodeAt(0) < 0xd800;
}

/** Parts of times and dates, list numbers: rare by chance, and of little information. */
const SHORT_NUMBER = /^\d{1,2}$/;
const SHORT_NUMBER_SCALE = 0.25;
/** The parts of what is joined by a mark are terms themselves. */
const JOINED = /[^\p{L}\p{N}\p{M}]/u;
const JOINED_SCALE = 0.3;
/** Each character of a script without spaces stands in two pairs. */
const PAIR_SCALE = 0.9;

function scaleOf(term: string): number {
  if (isPair(term)) return PAIR_SCALE;
  if (SHORT_NUMBER.test(term)) return SHORT_NUMBER_SCALE;
  return JOINED.test(term) ? JOINED_SCALE : 1;
}

/**
 * How rare a term is, given that `frequency` of `candidates` contain it. Rounded, so that no ranking depends on the last bit
 * of a logarithm.
 */
function inverseDocumentFrequency(term: string, candidates: number, frequency: number): number {
  return Math.round(1024 * scaleOf(term) * Math.log2(1 + candidates / frequency)) / 1024;
}

/** The gain of a term that the summary holds no, one, two or three times already; then of one that it holds more often. */
const REPEAT_GAINS = [1, 0.6, 0.4, 0.3];
const LEAST_GAIN = 0.1;

/** The terms of all candidates, their inverse document frequency, and how often the summary so far holds each. */
export class TermIndex {
  readonly #termsOf: readonly Int32Array[];
  readonly #idf: Float64Array;
  readonly #coverage: Uint8Array;

  private constructor(termsOf: Int32Array[], idf: Float64Array) {
    this.#termsOf = termsOf;
    this.#idf = idf;
    this.#coverage = new Uint8Array(idf.length);
  }

  static async build(candidates: readonly Candidate[]): Promise<TermIndex> {
    const ids = new Map<string, number>();
    const frequency: number[] = [];
    const characters = new CharacterFrequency();
    const termsOf: Int32Array[] = [];
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const own = new Set<number>();
      for (const term of candidate.weight > 0 ? terms(candidate.text) : []) {
        let id = ids.get(term);
        if (id === undefined) {
          id = ids.size;
          ids.set(term, id);
          frequency.push(0);
        }
        if (own.has(id)) continue;
        own.add(id);
        frequency[id] = (frequency[id] ?? 0) + 1;
        characters.note(term, candidate.order);
      }
      termsOf.push(Int32Array.from(own));
    }
    const idf = new Float64Array(frequency.length);
    for (const [term, id] of ids) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      idf[id] = inverseDocumentFrequency(
        term,
        candidates.length,
        (frequency[id] ?? 0) + characters.byChance(term, candidates.length),
      );
    }
    return new TermIndex(termsOf, idf);
  }

  /** What candidate number `candidate` would add to the coverage. */
  gain(candidate: number): number {
    let sum = 0;
    for (const term of this.#termsOf[candidate] ?? []) {
      sum += (this.#idf[term] ?? 0) * (REPEAT_GAINS[this.#coverage[term] ?? 0] ?? LEAST_GAIN);
    }
    return sum;
  }

  addTerms(candidate: number, to: Set<number>): void {
    for (const term of this.#termsOf[candidate] ?? []) to.add(term);
  }

  /** The share of the candidate's terms, weighted by rarity, that is in `terms`. */
  overlap(candidate: number, terms: ReadonlySet<number>): number {
    let all = 0;
    let common = 0;
    for (const term of this.#termsOf[candidate] ?? []) {
      const idf = this.#idf[term] ?? 0;
      all += idf;
      if (terms.has(term)) common += idf;
    }
    return all === 0 ? 1 : common / all;
  }

  /** Counts the terms of candidate number `candidate` as covered. */
  cover(candidate: number): void {
    for (const term of this.#termsOf[candidate] ?? []) {
      const times = this.#coverage[term] ?? 0;
      if (times < REPEAT_GAINS.length) this.#coverage[term] = times + 1;
    }
  }
}
