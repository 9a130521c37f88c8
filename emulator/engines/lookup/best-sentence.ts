import { sentenceAt } from '../text/sentences.ts';
import type { Document } from './documents.ts';
import type { Lexicon } from './lexicon.ts';
import { asks } from './question.ts';
import { type Findings, KEY_ONLY } from './scan.ts';
import { withoutLabel } from './summary-label.ts';
import { forms, words } from './words.ts';

/** A sentence that fits a question. */
export interface FoundSentence {
  text: string;
  /** Terms of the question in it. */
  terms: number;
  /** Their share of all that the question's terms weigh: 0 … 1. */
  coverage: number;
}

/** Less than this share of the question's weight is no evidence: more than one word of two. */
const LEAST_COVERAGE = 0.51;
/** Okapi BM25. A sentence hardly ever repeats a term, so each counts once. */
const K1 = 1.2;
const B = 0.5;
/** Best sentences that are looked at closely. */
const SHORTLIST = 200;

/** The question's terms: its words of content, and pairs of characters of scripts without spaces. */
function termsOf(question: string): string[][] {
  const found = new Map<string, string[]>();
  const all = words(question);
  all.forEach((word, index) => {
    const next = all[index + 1];
    if (word.weight === 1) found.set(word.text, forms(word.spelling));
    if (word.weight === 0.5 && next?.weight === 0.5 && next.start === word.end) {
      found.set(word.text + next.text, [word.text + next.text]);
    }
  });
  return [...found.values()].slice(0, KEY_ONLY);
}

/** Finds the sentence that best matches a question, by BM25 over all sentences it was offered. */
export class SentenceSearch {
  readonly #terms: string[][];
  readonly #documents: Document[] = [];
  readonly #owners: number[] = [];
  readonly #hits: number[] = [];
  readonly #lengths: number[] = [];
  readonly #masks: number[] = [];
  #sentences = 0;
  #units = 0;

  constructor(question: string) {
    this.#terms = termsOf(question);
  }

  addTo(lexicon: Lexicon): void {
    this.#terms.forEach((term, id) => {
      for (const form of term) lexicon.add(form, id);
    });
  }

  /** Takes the sentences of one block; blocks come newest first. */
  offer(document: Document, findings: Findings, units: number): void {
    this.#sentences += findings.sentences;
    this.#units += units;
    if (findings.hits.length === 0) return;
    const owner = this.#documents.push(document) - 1;
    for (let at = findings.hits.length - 1; at >= 0; at -= 1) {
      if ((findings.hits[at] ?? 0) >= document.sentencesEnd) continue;
      this.#owners.push(owner);
      this.#hits.push(findings.hits[at] ?? 0);
      this.#lengths.push(findings.lengths[at] ?? 0);
      this.#masks.push(findings.masks[at] ?? 0);
    }
  }

  /** The best sentence that tells something; of equals, the newest. */
  best(): FoundSentence | undefined {
    const weights = this.#weights();
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const score = this.#scores(weights);
    for (const index of this.#shortlist(score)) {
      const mask = this.#masks[index] ?? 0;
      const coverage = sumOf(mask, weights) / total;
      if (coverage < LEAST_COVERAGE) continue;
      const document = this.#documents[this.#owners[index] ?? 0];
      if (document === undefined) continue;
      const span = sentenceAt(document.text, this.#hits[index] ?? 0);
      const sentence = document.text.slice(span.start, Math.min(span.end, document.sentencesEnd));
      const text = document.summary ? withoutLabel(sentence) : sentence;
      if (/[?？]["”’)\s]*$/.test(text) || (document.fromUser && asks(text))) continue;
      return { text, terms: bits(mask), coverage };
    }
    return undefined;
  }

  /** The inverse document frequency of each term, a sentence being a document; one that is nowhere weighs like one that is rare. */
  #weights(): number[] {
    const counts = this.#terms.map(() => 0);
    for (const mask of this.#masks) eachBit(mask, (id) => (counts[id] = (counts[id] ?? 0) + 1));
    return counts.map((count) => {
      const within = Math.max(1, count);
      return Math.log(1 + Math.max(0, this.#sentences - within + 0.5) / (within + 0.5));
    });
  }

  #scores(weights: readonly number[]): Float64Array {
    const mean = this.#units / Math.max(1, this.#sentences);
    const sums = new Map<number, number>();
    return Float64Array.from(this.#masks, (mask, index) => {
      const sum = sums.get(mask) ?? sumOf(mask, weights);
      sums.set(mask, sum);
      return (sum * (K1 + 1)) / (1 + K1 * (1 - B + (B * (this.#lengths[index] ?? 0)) / mean));
    });
  }

  /** The indices of the best scores, best first; of equals, the newest first. */
  #shortlist(scores: Float64Array): number[] {
    const least = scores.length > SHORTLIST ? (scores.slice().sort().at(-SHORTLIST) ?? 0) : 0;
    const found: number[] = [];
    scores.forEach((score, index) => {
      if (score >= least && found.length < 4 * SHORTLIST) found.push(index);
    });
    return found.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  }
}

function eachBit(mask: number, visit: (id: number) => void): void {
  for (let rest = mask; rest !== 0; rest &= rest - 1) visit(31 - Math.clz32(rest & -rest));
}

function bits(mask: number): number {
  let count = 0;
  eachBit(mask, () => (count += 1));
  return count;
}

function sumOf(mask: number, weights: readonly number[]): number {
  let sum = 0;
  eachBit(mask, (id) => (sum += weights[id] ?? 0));
  return sum;
}
