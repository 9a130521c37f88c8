import type { Lexicon } from './lexicon.ts';
import { KEY_ONLY } from './scan.ts';
import { forms, type Word, words, wordsOfName } from './words.ts';

/** How well a key of the context is named by what was asked for. Compare with {@link better}. */
export interface Match {
  /** Words of content in the key that were asked for. */
  readonly weight: number;
  /** Words of content in the key that were not. */
  readonly unmatched: number;
  /** Which of the things asked for this is. */
  readonly id: number;
}

/** Longest run of words that is compared as one name. */
const LONGEST_RUN = 20;
/** Runs of more words are not written as one word. */
const LONGEST_COMPOUND = 4;
const MAX_MEMO = 10_000;

interface Run {
  id: number;
  weight: number;
  /** No word of content stands right before it, which would narrow its meaning. */
  free: boolean;
}

/** Words that say nothing alone, but end a name: the API key, the default value. */
const NOUNS = new Set(['key', 'value', 'answer', 'question', 'output', 'call', 'tool', 'fact']);

const joined = (run: readonly Word[]): string => run.map((word) => word.text).join('');
const weightOf = (run: readonly Word[]): number => run.reduce((sum, word) => sum + word.weight, 0);

/**
 * Tells whether keys name what was asked for: letter case, plurals, and spaces, underscores and hyphens between the words
 * make no difference, and a key may lead up to its name ("the new access code of the vault" names "access code of the vault").
 */
export class KeyMatcher {
  readonly #runs = new Map<string, Run>();
  readonly #asked = new Set<string>();
  readonly #spellings = new Set<string>();
  /** Records repeat their keys. */
  readonly #ofNames = new Map<string, Match | undefined>();
  readonly #ofProse = new Map<string, Match | undefined>();

  /** Every run of the question's words may be a key. */
  static forQuestion(question: string): KeyMatcher {
    const matcher = new KeyMatcher();
    const asked = wordsOfName(question).slice(-MAX_WORDS);
    const anyContent = asked.some((word) => word.weight > 0);
    for (let from = 0; from < asked.length; from += 1) {
      const free = (asked[from - 1]?.weight ?? 0) === 0;
      for (let to = from + 1; to <= Math.min(asked.length, from + LONGEST_RUN); to += 1) {
        const run = asked.slice(from, to);
        const weight = anyContent ? weightOf(run) : run.length / 2;
        if (weight > 0) matcher.#add(run, { id: 0, weight, free });
      }
    }
    return matcher;
  }

  /** Only the whole of each name is a key; its place in the list is its id. */
  static forNames(names: readonly string[]): KeyMatcher {
    const matcher = new KeyMatcher();
    names.forEach((name, id) => {
      const run = wordsOfName(name);
      if (run.length > 0) matcher.#add(run, { id, weight: run.length, free: true });
    });
    return matcher;
  }

  #add(run: readonly Word[], entry: Run): void {
    for (const word of run) {
      this.#asked.add(word.text);
      // Words such as "of" end no key, and would make every separator behind them worth a look.
      if (word.weight === 0 && weightOf(run) > 0 && !NOUNS.has(word.text)) continue;
      for (const form of forms(word.spelling)) this.#spellings.add(form);
    }
    if (run.length <= LONGEST_COMPOUND) this.#spellings.add(run.map((word) => word.spelling).join(''));
    const name = joined(run);
    const known = this.#runs.get(name);
    if (known === undefined) this.#runs.set(name, entry);
    else if (entry.free) known.free = true;
  }

  /** Adds the words with which a matching key can end. */
  addTo(lexicon: Lexicon): void {
    for (const spelling of this.#spellings) lexicon.add(spelling, KEY_ONLY);
  }

  /** The longest end of the key that was asked for, or undefined. `name`: the key is no prose, to be taken whole. */
  match(key: string, name: boolean): Match | undefined {
    const memo = name ? this.#ofNames : this.#ofProse;
    const known = memo.get(key);
    if (known !== undefined || memo.has(key)) return known;
    const match = this.#find(key, name);
    if (memo.size < MAX_MEMO) memo.set(key, match);
    return match;
  }

  #find(key: string, name: boolean): Match | undefined {
    const all = name ? wordsOfName(key) : words(key);
    for (let from = 0; from < all.length; from += 1) {
      const run = this.#runs.get(joined(all.slice(from)));
      if (run === undefined) continue;
      let weight = run.weight;
      let unmatched = 0;
      for (const word of all.slice(0, from)) {
        if (this.#asked.has(word.text)) weight += word.weight;
        else unmatched += word.weight;
      }
      const led = unmatched > 0 && (name || !run.free || (unmatched > weight && !isHan(all)));
      return led ? undefined : { id: run.id, weight, unmatched };
    }
    return undefined;
  }
}

/** Words of a long question that may name a key: its last. */
const MAX_WORDS = 96;

const isHan = (run: readonly Word[]): boolean => run.some((word) => word.weight === 0.5);

/** Positive where `a` is named better than `b`. */
export const better = (a: Match, b: Match): number => a.weight - b.weight || b.unmatched - a.unmatched;
