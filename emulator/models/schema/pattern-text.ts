import { type CharacterSet, contains } from './character-set.ts';
import { Effort } from './effort.ts';
import { MAX_TEXT, matchesPattern } from './pattern-match.ts';
import type { Pattern } from './pattern-syntax.ts';

/** Characters to prefer, most harmless first. */
const PREFERRED = [...'aA0bB1cC2dD3eE4fF5xyzXYZ6789_-. '].map((character) => character.codePointAt(0) ?? 0);

/** What writing one text costs, apart from its length. */
const WRITE = 50;

/**
 * A text that matches a pattern, between two lengths (in code points) if there is one; each `variant` (0, 1, 2 …) gives another
 * as long as the pattern has more. Undefined where none was found.
 */
export function textForPattern(
  source: string,
  minLength: number,
  maxLength: number,
  variant: number,
  effort: Effort = new Effort(),
): string | undefined {
  const pattern = effort.pattern(source);
  if (pattern === undefined) return undefined;
  const loose = variant + (pattern.kind === 'any' ? 1 : 0);
  for (let extra = 0; extra <= Math.min(minLength + loose + 2, MAX_TEXT); extra += 1) {
    const writer = { left: variant, extra, length: 0 };
    let text = write(pattern, writer);
    if (!effort.spend(WRITE + 4 * text.length)) return undefined;
    const length = [...text].length;
    if (length < minLength && matchesPattern(source, text.padEnd(minLength, 'a'), effort))
      text = text.padEnd(minLength, 'a');
    const fits = [...text].length >= minLength && [...text].length <= maxLength;
    if (fits && writer.left === 0 && matchesPattern(source, text, effort)) return text;
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
      for (let round = 0; round < rounds && writer.length < MAX_TEXT; round += 1) text += write(pattern.part, writer);
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
