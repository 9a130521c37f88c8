import type { Candidate } from './candidates.ts';

/** Buckets for pairs of neighbouring terms; two pairs that share one count as the same. */
const BUCKETS = 1 << 18;
/** A pair, or a combination, that occurs in so many messages belongs to a formula. */
const FORMULA_MESSAGES = 4;
/** What a sentence that is nothing but a formula loses of its worth. */
const FORMULA_LOSS = 0.9;
/** Of a sentence that fills in a frame, so much at least are pairs that many messages hold. */
const FRAMED = 0.6;
/** Rare terms have this share of the greatest inverse document frequency: at most 101 of 10,000 sentences hold them. */
const RARE = 0.5;

/**
 * In how many messages each pair of neighbouring terms occurs. Sentences that are made of pairs that many messages hold are
 * near-duplicates of each other: thanks, offers of help and stock questions, in any language.
 */
export class PairFrequency {
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
  originalityOf(candidate: Candidate): number {
    return 1 - FORMULA_LOSS * this.#commonShare(candidate) ** 2;
  }

  /** Whether most of a candidate's words are a frame that many messages fill in. */
  isFramed(candidate: Candidate): boolean {
    return this.#commonShare(candidate) >= FRAMED;
  }

  #commonShare({ order }: Candidate): number {
    const pairs = this.#pairsOf.get(order);
    if (pairs === undefined) return 0;
    let common = 0;
    for (const pair of pairs) if ((this.#messages[pair] ?? 0) >= FORMULA_MESSAGES) common++;
    return common / pairs.length;
  }
}

/** The rare words of a sentence taken together. */
interface Combination {
  /** How many sentences combine the same words. */
  sentences: number;
  /** Its number among the terms, once it has one. */
  term: number | undefined;
}

/**
 * How often the same rare words stand together in a sentence. "Leave … alone", said of one thing after another, repeats its
 * frame, and the things are spoken of elsewhere, but each pairing is new. A word that occurs once in the window makes no
 * pairing: that is how thanks differ from each other.
 */
export class CombinationFrequency {
  readonly #frequency: readonly number[];
  readonly #idf: readonly number[];
  readonly #leastIdf: number;
  readonly #combinationOf = new Map<number, Combination>();
  readonly #byWords = new Map<number, Combination>();

  /** Of each term, in how many of `candidates` it occurs, and its inverse document frequency. */
  constructor(frequency: readonly number[], idf: readonly number[], candidates: number) {
    this.#frequency = frequency;
    this.#idf = idf;
    this.#leastIdf = RARE * Math.log2(1 + candidates);
  }

  note({ order }: Candidate, terms: Int32Array | undefined): void {
    let sum = 0;
    for (const term of terms ?? []) if (this.#isRare(term)) sum = (sum + scattered(term)) | 0;
    if (sum === 0) return;
    const combination = this.#byWords.get(sum) ?? { sentences: 0, term: undefined };
    combination.sentences++;
    this.#byWords.set(sum, combination);
    this.#combinationOf.set(order, combination);
  }

  /** The combination of a candidate, where it is not that of many. */
  ownOf({ order }: Candidate): Combination | undefined {
    const combination = this.#combinationOf.get(order);
    return combination === undefined || combination.sentences >= FORMULA_MESSAGES ? undefined : combination;
  }

  /** More than once, so that it is spoken of, and few times for so large a window. */
  #isRare(term: number): boolean {
    return (this.#frequency[term] ?? 0) > 1 && (this.#idf[term] ?? 0) >= this.#leastIdf;
  }
}

function hash(text: string): number {
  let sum = 7;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return sum;
}

/** Spreads small numbers over 32 bits, so that sums of different sets differ. */
function scattered(value: number): number {
  const mixed = Math.imul(value ^ 0x9e3779b9, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) ^ (mixed >>> 16);
}
