import { UNICODE_CLASSES } from './unicode-classes.ts';

/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`: what a word may begin with. */
export const UPPER = 1;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: what a word may end with. */
export const LOWER = 2;
/** What words are made of. */
export const LETTER = UPPER | LOWER;
/** `[^\s\p{L}\p{N}]`, marks included. */
export const PUNCTUATION = 4;
/** `\p{N}`. */
export const DIGIT = 8;
/** `\s`, line ends included. */
export const SPACE = 16;
/** `[\r\n]`. */
export const NEWLINE = 32;
/** What punctuation may drag behind it: line ends, and the slash in some vocabularies. */
export const TRAILING = 64;
/** `\p{Han}`, in vocabularies whose pattern sets that script apart; such characters are then neither UPPER nor LOWER. */
export const HAN = 128;

/** How a vocabulary's split pattern departs from the common form. */
export interface SplitDialect {
  /** Whether `[\p{Han}]+` comes first and words hold no Han character. */
  readonly hanApart: boolean;
  /** Whether punctuation drags slashes behind it as well as line ends. */
  readonly trailingSlash: boolean;
}

const FLAGS_OF_CLASS: Record<string, number> = {
  u: UPPER,
  l: LOWER,
  x: UPPER | LOWER,
  m: UPPER | LOWER | PUNCTUATION,
  n: DIGIT,
  s: SPACE,
  o: PUNCTUATION,
};

/** The flags of every code point under a dialect, indexed by code point. */
export function characterFlags(dialect: SplitDialect): Uint8Array {
  const flags = new Uint8Array(0x110000);
  let at = 0;
  for (const [, letter = '', digits] of UNICODE_CLASSES.matchAll(/([a-zA-Z])(\d*)/g)) {
    const run = digits === '' ? 1 : Number(digits);
    if (letter === 'p') {
      for (const end = at + 2 * run; at < end; at += 2) {
        flags[at] = UPPER;
        flags[at + 1] = LOWER;
      }
      continue;
    }
    flags.fill(flagsOfRun(letter, dialect), at, at + run);
    at += run;
  }
  for (const newline of [0x0a, 0x0d]) flags[newline] = SPACE | NEWLINE | TRAILING;
  if (dialect.trailingSlash) flags[0x2f] = PUNCTUATION | TRAILING;
  return flags;
}

function flagsOfRun(letter: string, dialect: SplitDialect): number {
  const lowerCase = letter.toLowerCase();
  const flags = FLAGS_OF_CLASS[lowerCase] ?? 0;
  const han = dialect.hanApart && letter !== lowerCase;
  return han ? (flags & ~(UPPER | LOWER)) | HAN : flags;
}
