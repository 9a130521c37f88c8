import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { terms } from '../text/sentences.ts';
import type { Candidate } from './candidates.ts';
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

/**
 * How rare a term is, given that `frequency` of `candidates` contain it. Rounded, so that no ranking depends on the last bit
 * of a logarithm.
 */
function inverseDocumentFrequency(term: string, candidates: number, frequency: number, byChance: number): number {
  const idf = scaleOf(term) * Math.log2(1 + candidates / (frequency + byChance));
  return Math.round(1024 * idf * certaintyOf(frequency, byChance)) / 1024;
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

/** Buckets for pairs of neighbouring terms; two pairs that share one count as the same. */
const BUCKETS = 1 << 18;
/** A pair that occurs in so many messages belongs to a formula. */
const FORMULA_MESSAGES = 4;
/** What a sentence that is nothing but a formula loses of its worth. */
const FORMULA_LOSS = 0.9;

/**
 * In how many messages each pair of neighbouring terms occurs. Sentences that are made of pairs that many messages hold are
 * near-duplicates of each other: thanks, offers of help and stock questions, in any language.
 */
class PairFrequency {
  readonly #messages = new Uint8Array(BUCKETS);
  readonly #last = new Int32Array(BUCKETS).fill(-1);
  readonly #pairsOf = new Map<number, Int32Array>();

  note(found: readonly string[], { order, ref }: Candidate): void {
    const pairs = new Int32Array(found.length + 1);
    let before = 0;
    for (let at = 0; at <= found.length; at++) {
      const term = hash(found[at] ?? '');
      const pair = (Math.imul(before, 31) + term) & (BUCKETS - 1);
      before = term;
      pairs[at] = pair;
      const message = 2 * ref.place + (ref.snapshot === -1 ? 0 : 1);
      if (this.#last[pair] === message) continue;
      this.#last[pair] = message;
      this.#messages[pair] = Math.min(255, (this.#messages[pair] ?? 0) + 1);
    }
    this.#pairsOf.set(order, pairs);
  }

  /** Factor on a candidate's worth by the share of its pairs that many messages hold; 1 of what was not noted. */
  factorOf({ order }: Candidate): number {
    const pairs = this.#pairsOf.get(order);
    if (pairs === undefined) return 1;
    let common = 0;
    for (const pair of pairs) if ((this.#messages[pair] ?? 0) >= FORMULA_MESSAGES) common++;
    return 1 - FORMULA_LOSS * (common / pairs.length) ** 2;
  }
}

/** A sentence of somebody, rather than a member of a record, a line of a log or of a document. */
const isSpoken = ({ document, log, joint }: Candidate): boolean => !document && !log && joint !== '; ';

function hash(text: string): number {
  let sum = 7;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return sum;
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
    const ids = new Map<string, number>();
    const frequency: number[] = [];
    const sources: number[] = [];
    const characters = new CharacterFrequency();
    const pairs = new PairFrequency();
    const termsOf: Int32Array[] = [];
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const own = new Set<number>();
      const source = roleOf(candidate.speaker) === 'tool' ? BY_TOOL : BY_OTHERS;
      const found = candidate.weight > 0 ? terms(candidate.text) : [];
      if (isSpoken(candidate) && found.length > 0) pairs.note(found, candidate);
      for (const term of candidate.weight > 0 ? [...found, ...phrases(candidate)] : found) {
        let id = ids.get(term);
        if (id === undefined) {
          id = ids.size;
          ids.set(term, id);
          frequency.push(0);
          sources.push(0);
        }
        if (own.has(id)) continue;
        own.add(id);
        frequency[id] = (frequency[id] ?? 0) + 1;
        sources[id] = (sources[id] ?? 0) | source;
        characters.note(term, candidate.order);
      }
      termsOf.push(Int32Array.from(own));
    }
    const idf = new Float64Array(frequency.length);
    const use = new Float64Array(frequency.length).fill(1);
    for (const [term, id] of ids) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const often = frequency[id] ?? 0;
      idf[id] = inverseDocumentFrequency(term, candidates.length, often, characters.byChance(term, candidates.length));
      if (sources[id] === (BY_TOOL | BY_OTHERS) && often <= MOST_USED)
        use[id] = JOINED.test(term) ? USED_GAIN / JOINED_SCALE : USED_GAIN;
    }
    const originality = new Float64Array(candidates.length);
    for (const candidate of candidates) {
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      originality[candidate.order] = pairs.factorOf(candidate);
    }
    return new TermIndex(termsOf, idf, use, originality);
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
