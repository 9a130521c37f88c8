import { sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import type { Key } from '../text/fact-keys.ts';
import { type FactInPlace, factAt, separatorAt } from '../text/facts.ts';
import { sentenceAt, terms } from '../text/sentences.ts';
import { blocksFromEnd, type Document, isReplaced, withoutLabel } from './documents.ts';
import { better, forms, KeyMatcher, type Match, roleOf, words } from './keys.ts';
import { asks } from './question.ts';
import { type Findings, KEY_ONLY, Lexicon, scan } from './scan.ts';

/** What the context says about a question. */
export interface Evidence {
  /** The text of the answer. */
  answer: string;
  /** The fact whose value it is; absent where the answer is a sentence. */
  fact?: NamedFact;
}

/** Visits every block of the documents, newest first, until the visitor returns true. Gives way to the event loop. */
export async function visitBlocks(
  documents: Iterable<Document>,
  lexicon: Lexicon,
  signal: AbortSignal,
  visit: (document: Document, findings: Findings, units: number) => boolean,
): Promise<void> {
  for (const document of documents) {
    for (const { from, to } of blocksFromEnd(document.text)) {
      if (visit(document, scan(document.text, from, to, lexicon), to - from)) return;
      if (sliceIsOver()) await yieldToEventLoop(signal);
    }
  }
}

/** The latest value of the longest key that the question names, or else the sentence that fits best, if any does. */
export async function findEvidence(
  documents: Iterable<Document>,
  question: string,
  signal: AbortSignal,
): Promise<Evidence | undefined> {
  const matcher = KeyMatcher.forQuestion(question);
  const facts = new NamedFactSearch(matcher, question);
  const sentences = new SentenceSearch(question);
  const lexicon = new Lexicon();
  sentences.addTo(lexicon);
  matcher.addTo(lexicon);
  const weight = words(question).reduce((sum, word) => sum + word.weight, 0);

  await visitBlocks(documents, lexicon, signal, (document, findings, units) => {
    if (document.facts) facts.offer(document, findings.separators);
    sentences.offer(document, findings, units);
    return facts.isSettled(weight);
  });

  const fact = facts.best;
  if (fact !== undefined && (fact.weight > COMMON_WEIGHT || facts.isSettled(weight)))
    return { answer: fact.value, fact };
  const sentence = sentences.best();
  if (fact !== undefined && !(sentence && outdoes(sentence, fact, question))) return { answer: fact.value, fact };
  return sentence && { answer: sentence.text };
}

/**
 * Keys of one word (`name`, `status`) are often met in records about other things. So where the question is not simply for
 * that key, a sentence that has more of the question answers: most of it where the key is only mentioned ("Where did he hide
 * the lantern?"), nearly all where it is asked for but narrowed down ("the name of the goose that guards the gate").
 */
function outdoes(sentence: FoundSentence, fact: NamedFact, question: string): boolean {
  const role = roleOf(fact.key, question);
  if (role === 'asked') return false;
  return role === 'mentioned' ? sentence.terms >= 3 : sentence.terms >= 4 && sentence.coverage >= 0.8;
}

const COMMON_WEIGHT = 1;

/** A fact whose key the question names. */
interface NamedFact extends FactInPlace, Match {
  /** Identifiers of the question that stand near the fact, as in a record about `HAT069`. */
  near: number;
}

/** Units before and after a fact in which the identifiers of its record are looked for. */
const RECORD_BEFORE = 400;
const RECORD_AFTER = 200;

/** Keeps the fact with the longest key named; of equals, the one near the question's identifiers; of these, the newest. */
class NamedFactSearch {
  best: NamedFact | undefined;
  readonly #matcher: KeyMatcher;
  readonly #identifiers: readonly string[];

  constructor(matcher: KeyMatcher, question: string) {
    this.#matcher = matcher;
    this.#identifiers = [...new Set(terms(question).filter((term) => /\d/.test(term) && term.length > 2))];
  }

  /** True where no older fact can be better. */
  isSettled(questionWeight: number): boolean {
    return this.best !== undefined && this.best.weight >= questionWeight && this.best.unmatched === 0;
  }

  /** Takes the separators of one block; blocks come newest first. */
  offer(document: Document, separators: readonly number[]): void {
    for (let index = separators.length - 1; index >= 0; index -= 1) {
      const separator = separatorAt(document.text, separators[index] ?? 0);
      if (separator === undefined) continue;
      let match: Match | undefined;
      const fact = factAt(document.text, separator, (key) => {
        match = this.#matchOf(document, key);
        return match !== undefined && this.#mayWin(match);
      });
      if (fact === undefined || match === undefined) continue;
      const near = this.#nearby(document.text, fact);
      const step = this.best === undefined ? 1 : better(match, this.best) || near - this.best.near;
      if (step > 0) this.best = { ...fact, ...match, near };
    }
  }

  #matchOf({ text, summary }: Document, key: Key): Match | undefined {
    const name = summary ? withoutLabel(key.text) : key.text;
    const match = this.#matcher.match(name, key.quoted || IDENTIFIER.test(name));
    if (match === undefined || !summary || !isReplaced(text, key.start)) return match;
    return { ...match, unmatched: match.unmatched + REPLACED };
  }

  #mayWin(match: Match): boolean {
    if (this.best === undefined) return true;
    const step = better(match, this.best);
    return step > 0 || (step === 0 && this.best.near < this.#identifiers.length);
  }

  #nearby(text: string, fact: FactInPlace): number {
    if (this.#identifiers.length === 0) return 0;
    const record = text.slice(Math.max(0, fact.start - RECORD_BEFORE), fact.end + RECORD_AFTER).toLowerCase();
    return this.#identifiers.filter((identifier) => record.includes(identifier)).length;
  }
}

/** Puts what a summary calls replaced behind every other value of as long a key. */
const REPLACED = 1_000;

/** A key that is one word of code: `first_name` is not a kind of `name`. */
const IDENTIFIER = /^[^\s]*[_.][^\s]*$/;

/** A sentence that fits a question. */
interface FoundSentence {
  text: string;
  /** Terms of the question in it. */
  terms: number;
  /** Their share of all that the question's terms weigh: 0 … 1. */
  coverage: number;
}

/** Less than this share of the question's weight is not evidence: more than one word of two. */
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
class SentenceSearch {
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
