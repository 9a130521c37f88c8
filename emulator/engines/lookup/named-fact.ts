import type { Key } from '../text/fact-keys.ts';
import { type FactInPlace, factAt, separatorAt } from '../text/facts.ts';
import { terms } from '../text/words.ts';
import type { Document } from './documents.ts';
import { better, type KeyMatcher, type Match } from './key-matcher.ts';
import { isReplaced, withoutLabel } from './summary-label.ts';

/** A fact whose key the question names. */
export interface NamedFact extends FactInPlace, Match {
  /** Identifiers of the question that stand near the fact, as in a record about `HAT069`. */
  near: number;
}

/** Units before and after a fact in which the identifiers of its record are looked for. */
const RECORD_BEFORE = 400;
const RECORD_AFTER = 200;

/** Keeps the fact with the longest key named; of equals, the one near the question's identifiers; of these, the newest. */
export class NamedFactSearch {
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

/** A key that is one word of code: `first_name` is no kind of `name`. */
const IDENTIFIER = /^[^\s]*[_.][^\s]*$/;
