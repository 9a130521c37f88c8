import { type CharacterSet, contains } from './character-set.ts';
import { Effort } from './effort.ts';
import { MAX_TEXT, matchesPattern } from './pattern-match.ts';
import type { Pattern } from './pattern-syntax.ts';

/** Characters to prefer, most harmless first. */
const PREFERRED = codesOf('aA0bB1cC2dD3eE4fF5xyzXYZ6789_-. ');
/** One of each kind in turn, for patterns that look ahead for a letter, a digit or a mark. */
const MIXED = codesOf('aA0-bB1.cC2_dD3 ');

/** One of each of some scripts and kinds, for sets that hold none of the preferred. */
const FOREIGN = codesOf('金文あア한éÉßжЖαΩאب①€+!,"🙂');

function codesOf(characters: string): number[] {
  return [...characters].map((character) => character.codePointAt(0) ?? 0);
}

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
    for (const mixed of [false, true]) {
      const writer = { left: variant, extra, length: 0, mixed, groups: new Map<number, string>() };
      const written = write(pattern, writer);
      if (!effort.spend(WRITE + 4 * written.length)) return undefined;
      if (writer.left > 0) continue;
      const missing = Math.max(0, minLength - [...written].length);
      const texts = missing === 0 ? [written] : ['a', ' '].map((character) => written + character.repeat(missing));
      const found = texts.find((text) => [...text].length <= maxLength && matchesPattern(source, text, effort));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

interface Writer {
  /** What is left of the variant: each choice uses up a share of it. */
  left: number;
  /** Rounds beyond the least. */
  extra: number;
  length: number;
  /** Whether characters of all kinds take turns. */
  mixed: boolean;
  /** What each group holds. */
  groups: Map<number, string>;
}

function write(pattern: Pattern, writer: Writer): string {
  switch (pattern.kind) {
    case 'start':
    case 'end':
    case 'ahead':
    case 'boundary':
      return '';
    case 'group': {
      const text = write(pattern.part, writer);
      writer.groups.set(pattern.group, text);
      return text;
    }
    case 'back': {
      const text = writer.groups.get(pattern.group) ?? '';
      writer.length += text.length;
      return text;
    }
    case 'set': {
      const options = optionsOf(pattern.set, writer.mixed ? MIXED : PREFERRED);
      const chosen = choose(writer, options.length);
      const code = options[writer.mixed ? (chosen + writer.length) % options.length : chosen];
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

function optionsOf(set: CharacterSet, first: readonly number[]): number[] {
  const preferred = first.filter((code) => contains(set, code));
  if (preferred.length > 0) return preferred;
  if (set.negated || set.properties !== undefined) return FOREIGN.filter((code) => contains(set, code));
  return set.ranges.slice(0, 8).flatMap(([low, high]) => (low === high ? [low] : [low, low + 1]));
}
