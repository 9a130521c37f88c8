import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { Examples } from './examples.ts';

const load = createRequire(import.meta.url);

/** Loaded with the first pattern: it takes longer than all else of a start. */
function re2(): typeof RE2JS {
  return (load('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}

/** A pattern that cannot be run; the message names the pattern and says why. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const UNSUPPORTED: readonly [RegExp, string][] = [
  [/\(\?<?[=!]/, 'lookaheads, and groups in lookbehinds, are not supported'],
  [/\\[1-9k]/, 'back-references are not supported'],
];
const WHY = 'patterns run on RE2, which cannot hang';

/** RE2 names a script, or a category, by its value alone. */
const PROPERTY = /\\([pP])\{(?:Script|sc|Script_Extensions|scx|General_Category|gc)=(\w+)\}/g;

/** `\\k`, which the translation would read as a letter. */
const NAMED_REFERENCE = /(?<!\\)(?:\\\\)*\\k</;

/**
 * Compiles a regular expression of JavaScript.
 * @param flags those of a `RegExp`; `d`, `g` and `u` change nothing about whether a text matches
 * @throws PatternError for what is not a pattern, and for what RE2 does not have
 */
export function compilePattern(source: string, flags = ''): Pattern {
  const written = `/${source}/${flags}`;
  if (flags.includes('v')) throw new PatternError(`${written}: the flag v is not supported: ${WHY}`);
  try {
    if (NAMED_REFERENCE.test(source)) throw new SyntaxError('invalid escape sequence: `\\k`');
    const engine = re2();
    const translated = engine.translateRegExp(source.replace(PROPERTY, '\\$1{$2}'));
    const whole = flags.includes('y') ? `\\A(?:${translated})` : translated;
    let modes = engine.LOOKBEHINDS;
    if (flags.includes('i')) modes |= engine.CASE_INSENSITIVE;
    if (flags.includes('m')) modes |= engine.MULTILINE;
    if (flags.includes('s')) modes |= engine.DOTALL;
    return new Pattern(engine.compile(whole, modes));
  } catch (error) {
    const reason = UNSUPPORTED.find(([syntax]) => syntax.test(source))?.[1];
    if (reason !== undefined) throw new PatternError(`${written}: ${reason}: ${WHY}`);
    const message = error instanceof Error ? error.message : String(error);
    throw new PatternError(`${written}: ${message.replace('error parsing regexp: ', '')}`);
  }
}

export class Pattern {
  readonly #compiled: RE2JS;
  #examples: Examples | undefined;

  constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Instructions of the compiled program. A test takes time in proportion to these times the length of the text. */
  get size(): number {
    return this.#compiled.programSize();
  }

  /** Whether the pattern matches somewhere in the text. */
  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  /** The text with every match replaced. */
  replaceAll(text: string, replacement: string): string {
    return this.#compiled.matcher(text).replaceAll(() => replacement);
  }

  /**
   * A text that matches, another for each `variant` (0, 1, 2 …) as far as there are any. Undefined where none is found.
   * @param minLength in code points, as `maxLength`
   * @param spend pays for a number of steps; false ends the search
   */
  example(
    minLength: number,
    maxLength: number,
    variant: number,
    spend: (steps: number) => boolean = () => true,
  ): string | undefined {
    this.#examples ??= new Examples(this.#compiled.re2Input.prog);
    for (const text of this.#examples.texts(minLength, variant, spend)) {
      const length = [...text].length;
      if (!spend(2 * this.size * (length + 1))) return undefined;
      if (length >= minLength && length <= maxLength && this.test(text)) return text;
    }
    return undefined;
  }
}
