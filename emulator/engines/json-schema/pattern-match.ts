import { type CharacterSet, classSet, contains } from './character-set.ts';
import { Effort } from './effort.ts';
import type { Pattern } from './pattern-syntax.ts';

/** Steps that one match may take: a hostile pattern gives up instead of holding the server. */
const MAX_STEPS = 20_000;
/** Parts on the stack, one calling the next: 800 bytes and more for each. */
const MAX_DEPTH = 1_000;
/** What each costs. */
const STEP = 10;
/** Rounds of a group; single characters may repeat as often as they like. */
const MAX_ROUNDS = 500;
/** Code units of the longest text that is matched. */
export const MAX_TEXT = 4_096;

/** Whether a text matches a pattern somewhere. False where the pattern is not understood or takes too long. */
export function matchesPattern(source: string, text: string, effort: Effort = new Effort()): boolean {
  const pattern = effort.pattern(source);
  if (pattern === undefined || text.length > MAX_TEXT || !effort.spend(STEP + text.length)) return false;
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
  const matcher = new Matcher(codes, effort);
  for (let from = 0; from <= codes.length; from += 1) {
    if (matcher.matches(pattern, from, () => true)) return true;
  }
  return false;
}

const WORD: CharacterSet = classSet('w') ?? { ranges: [], negated: false };

type Next = (at: number) => boolean;

/** Backtracks over a pattern; `next` says whether the rest matches. */
class Matcher {
  #steps = 0;
  #depth = 0;
  /** Where each group matched last. */
  readonly #groups = new Map<number, readonly [number, number]>();
  readonly #codes: readonly number[];
  readonly #effort: Effort;

  constructor(codes: readonly number[], effort: Effort) {
    this.#codes = codes;
    this.#effort = effort;
  }

  matches(pattern: Pattern, at: number, next: Next): boolean {
    this.#steps += 1;
    if (this.#isTired || !this.#effort.spend(STEP)) return false;
    this.#depth += 1;
    const found = this.#depth <= MAX_DEPTH && this.#matches(pattern, at, next);
    if (this.#depth > MAX_DEPTH) this.#steps = MAX_STEPS;
    this.#depth -= 1;
    return found;
  }

  #matches(pattern: Pattern, at: number, next: Next): boolean {
    switch (pattern.kind) {
      case 'start':
        return at === 0 && next(at);
      case 'end':
        return at === this.#codes.length && next(at);
      case 'boundary':
        return (this.#isIn(WORD, at - 1) !== this.#isIn(WORD, at)) === pattern.wanted && next(at);
      case 'ahead': {
        const found = this.matches(pattern.part, at, () => true);
        return found === pattern.wanted && !this.#isTired && next(at);
      }
      case 'group':
        return this.#group(pattern.group, pattern.part, at, next);
      case 'back': {
        const [from, to] = this.#groups.get(pattern.group) ?? [0, 0];
        const same = this.#codes.slice(from, to).every((code, index) => this.#codes[at + index] === code);
        return this.#effort.spend(to - from) && same && next(at + to - from);
      }
      case 'set':
        return this.#isIn(pattern.set, at) && next(at + 1);
      case 'any':
        return pattern.choices.some((choice) => this.matches(choice, at, next));
      case 'all':
        return this.#sequence(pattern.parts, 0, at, next);
      case 'repeat':
        if (pattern.part.kind === 'set') return this.#run(pattern.part.set, pattern.min, pattern.max, at, next);
        return this.#rounds(pattern, 0, at, next);
    }
  }

  get #isTired(): boolean {
    return this.#steps > MAX_STEPS || !this.#effort.spend(0);
  }

  #group(group: number, part: Pattern, at: number, next: Next): boolean {
    const before = this.#groups.get(group) ?? [0, 0];
    return this.matches(part, at, (after) => {
      this.#groups.set(group, [at, after]);
      if (next(after)) return true;
      this.#groups.set(group, before);
      return false;
    });
  }

  #isIn(set: CharacterSet, at: number): boolean {
    const code = this.#codes[at];
    return code !== undefined && contains(set, code);
  }

  #sequence(parts: readonly Pattern[], index: number, at: number, next: Next): boolean {
    const part = parts[index];
    if (part === undefined) return next(at);
    return this.matches(part, at, (after) => this.#sequence(parts, index + 1, after, next));
  }

  /** A repeated single character, without a call for each. */
  #run(set: CharacterSet, min: number, max: number, at: number, next: Next): boolean {
    let count = 0;
    while (count < max && this.#isIn(set, at + count)) count += 1;
    if (!this.#effort.spend(count)) return false;
    for (; count >= min; count -= 1) if (next(at + count)) return true;
    return false;
  }

  #rounds(pattern: Pattern & { kind: 'repeat' }, count: number, at: number, next: Next): boolean {
    if (count > MAX_ROUNDS) return false;
    const more =
      count < pattern.max &&
      this.matches(pattern.part, at, (after) => {
        // A round that takes nothing would go on for ever.
        if (after === at) return count >= pattern.min && next(after);
        return this.#rounds(pattern, count + 1, after, next);
      });
    if (more) return true;
    if (count >= pattern.min) return next(at);
    // Rounds that match nothing can fill the minimum.
    return this.matches(pattern.part, at, (after) => after === at && next(after));
  }
}
