import { type Pattern, parsePattern } from './pattern-syntax.ts';

/** Steps of some 50 ns: a schema comes from a client, and must not hold the server for long. Counted, not timed, so that answers are the same everywhere. */
const STEPS = 500_000;

/** What filling or checking one schema may still cost, and what it has parsed so far. */
export class Effort {
  #left: number;
  readonly #patterns = new Map<string, Pattern | undefined>();

  constructor(steps = STEPS) {
    this.#left = steps;
  }

  /** Takes some steps; false once they are used up. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  /** A pattern, parsed once; undefined where it is not understood. */
  pattern(source: string): Pattern | undefined {
    const known = this.#patterns.get(source);
    if (known !== undefined || this.#patterns.has(source)) return known;
    const parsed = this.spend(source.length) ? parsePattern(source) : undefined;
    this.#patterns.set(source, parsed);
    return parsed;
  }
}
