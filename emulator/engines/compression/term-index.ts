import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { terms } from '../text/sentences.ts';
import type { Candidate } from './candidates.ts';
import { CombinationFrequency, PairFrequency } from './formulas.ts';
import { roleOf } from './speakers.ts';

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

/** A name of several words, and an amount with its unit, say something new where each of their words was said before. */
const PHRASE_SCALE = 0.6;
const NAME = /\p{Lu}[\p{L}\p{N}'’&.+-]*(?: (?:\p{Ll}{1,3} )?\p{Lu}[\p{L}\p{N}'’&.+-]*)+/gu;
const AMOUNT = /\p{N}[\p{N}.,:]*[\p{L}%°]*[ -]\p{L}{2,}/gu;
/** Marks a phrase among terms, which hold no such character. */
const PHRASE = '=';

/** The names in a text, and where a user speaks, the amounts. */
function phrases({ text, speaker }: Candidate): string[] {
  const found = [...text.matchAll(NAME), ...(speaker === 'user' ? text.matchAll(AMOUNT) : [])];
  return found.map(([phrase]) => PHRASE + phrase.toLowerCase());
}

function scaleOf(term: string): number {
  if (term.startsWith(PHRASE)) return PHRASE_SCALE;
  if (isPair(term)) return PAIR_SCALE;
  if (SHORT_NUMBER.test(term)) return SHORT_NUMBER_SCALE;
  return JOINED.test(term) ? JOINED_SCALE : 1;
}

/** Rounds, so that no ranking depends on the last bit of a logarithm. */
const rounded = (value: number): number => Math.round(1024 * value) / 1024;

/** How rare is what occurs in `frequency` of `candidates`. */
const rarity = (candidates: number, frequency: number): number => Math.log2(1 + candidates / frequency);

/** How rare a term is, given that `frequency` of `candidates` contain it. */
function inverseDocumentFrequency(term: string, candidates: number, frequency: number, byChance: number): number {
  const idf = scaleOf(term) * rarity(candidates, frequency + byChance);
  return rounded(idf * certaintyOf(frequency, byChance));
}

/** A pair of characters this many times as frequent as by chance, in powers of two, is a word for sure. */
const SURE_WORD = 4;

function certaintyOf(frequency: number, byChance: number): number {
  return byChance === 0 ? 1 : Math.min(1, Math.log2(1 + frequency / byChance) / SURE_WORD);
}

const BY_TOOL = 1;
const BY_OTHERS = 2;
/** In a record: what somebody also said or asked for is what the work is about. */
const USED_GAIN = 1.6;
/** What stands in more candidates names no single thing. */
const MOST_USED = 30;

/** The gain of a term that the summary holds already, by how often; the last for more often. What is said again is not news. */
const SAID_AGAIN = [1, 0.4, 0.2, 0.1, 0.05];
/** A user says it in person: that somebody else has said it too counts for less. */
const USER_AGAIN = [1, 0.8, 0.6, 0.4, 0.2];
/** In documents: what recurs there are the names of what they are about. */
const NAMED_AGAIN = [1, 0.95, 0.9, 0.8, 0.7];

function gainsOf({ document, speaker }: Candidate): readonly number[] {
  if (document) return NAMED_AGAIN;
  return speaker === 'user' ? USER_AGAIN : SAID_AGAIN;
}

/** A sentence of somebody, rather than a member of a record, a line of a log or of a document. */
const isSpoken = ({ document, log, joint }: Candidate): boolean => !document && !log && joint !== '; ';

/** What a user tells or demands, rather than asks: the words may recur, and what they are about be new. */
const setsOut = (candidate: Candidate): boolean =>
  candidate.speaker === 'user' && !candidate.asks && candidate.weight > 0 && isSpoken(candidate);

/** The distinct terms of a window, numbered as they are met. */
class TermTable {
  /** Of each term, how many candidates hold it. */
  readonly frequency: number[] = [];
  readonly #ids = new Map<string, number>();
  readonly #sources: number[] = [];
  /** Of each term, the last candidate that held it: cheaper than a set of terms for each candidate. */
  readonly #last: number[] = [];
  readonly #characters = new CharacterFrequency();

  /** Notes a candidate with the terms of its text, and returns the numbers of its distinct terms. */
  note(found: readonly string[], candidate: Candidate): Int32Array {
    const own: number[] = [];
    const source = roleOf(candidate.speaker) === 'tool' ? BY_TOOL : BY_OTHERS;
    for (const term of found) this.#noteTerm(term, candidate.order, source, own);
    if (candidate.weight > 0) for (const term of phrases(candidate)) this.#noteTerm(term, candidate.order, source, own);
    return Int32Array.from(own);
  }

  #noteTerm(term: string, order: number, source: number, own: number[]): void {
    let id = this.#ids.get(term);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(term, id);
      this.frequency.push(0);
      this.#sources.push(0);
      this.#last.push(-1);
    }
    if (this.#last[id] === order) return;
    this.#last[id] = order;
    own.push(id);
    this.frequency[id] = (this.frequency[id] ?? 0) + 1;
    this.#sources[id] = (this.#sources[id] ?? 0) | source;
    this.#characters.note(term, order);
  }

  /** Of each term, its inverse document frequency among `candidates`, and the factor on its gain in a record. */
  async weights(candidates: number): Promise<{ idf: number[]; use: number[] }> {
    const idf: number[] = [];
    const use: number[] = [];
    for (const [term, id] of this.#ids) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const often = this.frequency[id] ?? 0;
      idf.push(inverseDocumentFrequency(term, candidates, often, this.#characters.byChance(term, candidates)));
      const isUsed = this.#sources[id] === (BY_TOOL | BY_OTHERS) && often <= MOST_USED;
      use.push(isUsed ? (JOINED.test(term) ? USED_GAIN / JOINED_SCALE : USED_GAIN) : 1);
    }
    return { idf, use };
  }
}

/** The terms of all candidates, their inverse document frequency, and how often the summary so far holds each. */
export class TermIndex {
  readonly #termsOf: readonly Int32Array[];
  readonly #idf: Float64Array;
  /** Factor on the gain of a term in a record. */
  readonly #use: Float64Array;
  /** Factor on what a candidate is worth: less, the more of its words are a formula. */
  readonly #originality: Float64Array;
  readonly #coverage: Uint8Array;

  private constructor(termsOf: Int32Array[], idf: Float64Array, use: Float64Array, originality: Float64Array) {
    this.#originality = originality;
    this.#use = use;
    this.#termsOf = termsOf;
    this.#idf = idf;
    this.#coverage = new Uint8Array(idf.length);
  }

  static async build(candidates: readonly Candidate[]): Promise<TermIndex> {
    const table = new TermTable();
    const pairs = new PairFrequency();
    const termsOf: Int32Array[] = [];
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const found = candidate.weight > 0 ? terms(candidate.text) : [];
      if (isSpoken(candidate) && found.length > 0) pairs.note(found, candidate);
      termsOf.push(table.note(found, candidate));
    }
    const { idf, use } = await table.weights(candidates.length);
    const combinations = new CombinationFrequency(table.frequency, idf, candidates.length);
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      if (setsOut(candidate)) combinations.note(candidate, termsOf[candidate.order]);
    }
    const originality = new Float64Array(candidates.length);
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const own = pairs.isFramed(candidate) ? combinations.ownOf(candidate) : undefined;
      originality[candidate.order] = own === undefined ? pairs.originalityOf(candidate) : 1;
      if (own === undefined) continue;
      // What it says of what is one thing more that it says, whichever of its words the summary holds.
      own.term ??= idf.push(rounded(PHRASE_SCALE * rarity(candidates.length, own.sentences))) - 1;
      termsOf[candidate.order] = Int32Array.of(...(termsOf[candidate.order] ?? []), own.term);
    }
    return new TermIndex(termsOf, Float64Array.from(idf), Float64Array.from(use), originality);
  }

  /** Factor on what candidate number `at` is worth. */
  originality(at: number): number {
    return this.#originality[at] ?? 1;
  }

  /** What candidate number `at` would add to the coverage. */
  gain(at: number, candidate: Candidate): number {
    const again = gainsOf(candidate);
    const isMember = candidate.joint === '; ';
    let sum = 0;
    for (const term of this.#termsOf[at] ?? []) {
      const gain = (this.#idf[term] ?? 0) * (again[this.#coverage[term] ?? 0] ?? 0);
      sum += isMember ? gain * (this.#use[term] ?? 1) : gain;
    }
    return sum;
  }

  /** How new its rarest term would be, 0 … 1: a fact whose value the summary holds is none. */
  news(at: number, candidate: Candidate): number {
    if (candidate.document) return 1;
    const again = gainsOf(candidate);
    let rarest = 0;
    let newest = 0;
    for (const term of this.#termsOf[at] ?? []) {
      const idf = this.#idf[term] ?? 0;
      if (idf > rarest) rarest = idf;
      const gain = idf * (again[this.#coverage[term] ?? 0] ?? 0);
      if (gain > newest) newest = gain;
    }
    return rarest === 0 ? 1 : newest / rarest;
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
      if (times < SAID_AGAIN.length - 1) this.#coverage[term] = times + 1;
    }
  }
}
