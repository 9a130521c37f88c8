import { type CharacterSet, type Pattern, parsePattern } from './pattern-syntax.ts';

/** Steps that a match may take: a hostile pattern gives up instead of holding the server. */
const MAX_STEPS = 20_000;
const MAX_LENGTH = 4_096;

function contains(set: CharacterSet, code: number): boolean {
  return set.ranges.some(([low, high]) => code >= low && code <= high) !== set.negated;
}

/** Whether a text matches a pattern somewhere. False where the pattern is not understood or takes too long. */
export function matchesPattern(source: string, text: string): boolean {
  const pattern = parsePattern(source);
  if (pattern === undefined || text.length > MAX_LENGTH) return false;
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
  const matcher = new Matcher(codes);
  for (let from = 0; from <= codes.length; from += 1) {
    if (matcher.matches(pattern, from, () => true)) return true;
  }
  return false;
}

class Matcher {
  #steps = 0;
  readonly #codes: readonly number[];

  constructor(codes: readonly number[]) {
    this.#codes = codes;
  }

  matches(pattern: Pattern, at: number, next: (at: number) => boolean): boolean {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) return false;
    switch (pattern.kind) {
      case 'start':
        return at === 0 && next(at);
      case 'end':
        return at === this.#codes.length && next(at);
      case 'set': {
        const code = this.#codes[at];
        return code !== undefined && contains(pattern.set, code) && next(at + 1);
      }
      case 'any':
        return pattern.choices.some((choice) => this.matches(choice, at, next));
      case 'all':
        return this.#sequence(pattern.parts, 0, at, next);
      case 'repeat':
        return this.#repeat(pattern, 0, at, next);
    }
  }

  #sequence(parts: readonly Pattern[], index: number, at: number, next: (at: number) => boolean): boolean {
    const part = parts[index];
    if (part === undefined) return next(at);
    return this.matches(part, at, (after) => this.#sequence(parts, index + 1, after, next));
  }

  #repeat(pattern: Pattern & { kind: 'repeat' }, count: number, at: number, next: (at: number) => boolean): boolean {
    if (count > 500) return false;
    const more =
      count < pattern.max &&
      this.matches(pattern.part, at, (after) => {
        // A round that takes nothing would go on for ever.
        if (after === at) return count >= pattern.min && next(after);
        return this.#repeat(pattern, count + 1, after, next);
      });
    if (more) return true;
    if (count >= pattern.min) return next(at);
    // Rounds that match nothing can fill the minimum.
    return this.matches(pattern.part, at, (after) => after === at && next(after));
  }
}

/** Characters to prefer, most harmless first. */
const PREFERRED = [...'aA0bB1cC2dD3eE4fF5xyzXYZ6789_-. '].map((character) => character.codePointAt(0) ?? 0);

/**
 * A text that matches a pattern, between two lengths (in code points) if there is one; each `variant` (0, 1, 2 …) gives another
 * as long as the pattern has more. Undefined where none was found.
 */
export function textForPattern(
  source: string,
  minLength: number,
  maxLength: number,
  variant: number,
): string | undefined {
  const pattern = parsePattern(source);
  if (pattern === undefined) return undefined;
  const loose = variant + (pattern.kind === 'any' ? 1 : 0);
  for (let extra = 0; extra <= Math.min(minLength + loose + 2, MAX_LENGTH); extra += 1) {
    const writer = { left: variant, extra, length: 0 };
    let text = write(pattern, writer);
    const length = [...text].length;
    if (length < minLength && matchesPattern(source, text.padEnd(minLength, 'a'))) text = text.padEnd(minLength, 'a');
    const fits = [...text].length >= minLength && [...text].length <= maxLength;
    if (fits && writer.left === 0 && matchesPattern(source, text)) return text;
  }
  return undefined;
}

interface Writer {
  /** What is left of the variant: each choice uses up a share of it. */
  left: number;
  /** Rounds beyond the least. */
  extra: number;
  length: number;
}

function write(pattern: Pattern, writer: Writer): string {
  switch (pattern.kind) {
    case 'start':
    case 'end':
      return '';
    case 'set': {
      const options = optionsOf(pattern.set);
      const code = options[choose(writer, options.length)];
      writer.length += 1;
      return code === undefined ? '' : String.fromCodePoint(code);
    }
    case 'any': {
      const choice = pattern.choices[choose(writer, pattern.choices.length)];
      return choice === undefined ? '' : write(choice, writer);
    }
    case 'all':
      return pattern.parts.map((part) => write(part, writer)).join('');
    case 'repeat': {
      const rounds = Math.min(pattern.max, pattern.min + writer.extra);
      let text = '';
      for (let round = 0; round < rounds && writer.length < MAX_LENGTH; round += 1) text += write(pattern.part, writer);
      return text;
    }
  }
}

function choose(writer: Writer, options: number): number {
  if (options === 0) return 0;
  const index = writer.left % options;
  writer.left = Math.floor(writer.left / options);
  return index;
}

function optionsOf(set: CharacterSet): number[] {
  const preferred = PREFERRED.filter((code) => contains(set, code));
  if (preferred.length > 0 || set.negated) return preferred;
  return set.ranges.slice(0, 8).flatMap(([low, high]) => (low === high ? [low] : [low, low + 1]));
}
