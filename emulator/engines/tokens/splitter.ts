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

export const SPACE_BYTE = 0x20;
export const APOSTROPHE = 0x27;

/**
 * Cuts UTF-8 text into the pieces within which tokens are merged: what matching a vocabulary's split pattern again and
 * again yields, written out by hand so that it runs in linear time without making a string of any piece. The alternatives, in order
 * (the first only in some dialects, and words then hold no Han; `/` is trailing in some):
 *
 * 1. `[\p{Han}]+`
 * 2. `[^\r\n\p{L}\p{N}]?UPPER*LOWER+('s|'t|'re|'ve|'m|'ll|'d)?`, then the same with `UPPER+LOWER*`
 * 3. `\p{N}{1,3}`
 * 4. ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
 * 5. `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`
 */
export class Splitter {
  readonly #flags: Uint8Array;

  /** @param flags indexed by code point, see `characterFlags` */
  constructor(flags: Uint8Array) {
    this.#flags = flags;
  }

  /** Where the piece that begins at `at` ends, in text that ends at `end`; `at < end`, both between characters. */
  pieceEnd(bytes: Uint8Array, at: number, end: number): number {
    const plain = this.#plainWordEnd(bytes, at, end);
    return plain > at ? plain : this.#anyPieceEnd(bytes, at, end);
  }

  /** Most pieces of most texts: a space, if any, and an ASCII word in lower case, capitalised at most. Or `at`. */
  #plainWordEnd(bytes: Uint8Array, at: number, end: number): number {
    let start = at;
    let byte = bytes[start] as number;
    if (byte === SPACE_BYTE) byte = ++start < end ? (bytes[start] as number) : 0;
    if (byte >= 0x41 && byte <= 0x5a) byte = ++start < end ? (bytes[start] as number) : 0;
    let stop = start;
    while (byte >= 0x61 && byte <= 0x7a) byte = ++stop < end ? (bytes[stop] as number) : 0;
    return stop === start || byte === APOSTROPHE || byte >= 0x80 ? at : stop;
  }

  #anyPieceEnd(bytes: Uint8Array, at: number, end: number): number {
    const flags = this.flagsAt(bytes, at);
    const next = at + characterBytes(bytes[at] as number);
    if (flags & HAN) return this.#runEnd(bytes, next, end, HAN);
    if (flags & DIGIT) return this.#digitsEnd(bytes, next, end);
    // A mark may also lead a word as other signs do, which comes to the same as beginning it.
    if (flags & LETTER) return this.#wordEnd(bytes, at, end);
    if (flags & NEWLINE) return this.#spaceEnd(bytes, at, end);
    const nextFlags = next < end ? this.flagsAt(bytes, next) : 0;
    if (nextFlags & LETTER) return this.#wordEnd(bytes, next, end);
    const spaceThenSign = bytes[at] === SPACE_BYTE && (nextFlags & PUNCTUATION) !== 0;
    return flags & PUNCTUATION || spaceThenSign
      ? this.#runEnd(bytes, this.#runEnd(bytes, next, end, PUNCTUATION), end, TRAILING)
      : this.#spaceEnd(bytes, at, end);
  }

  /** The flags of the character that begins at `at`. */
  flagsAt(bytes: Uint8Array, at: number): number {
    const lead = bytes[at] as number;
    return this.#flags[lead < 0x80 ? lead : codePointAt(bytes, at, lead)] as number;
  }

  /** The end of the run of characters with any of `wanted` that begins at `at`. */
  #runEnd(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    const table = this.#flags;
    let stop = at;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        if (((table[lead] as number) & wanted) === 0) break;
        stop++;
      } else {
        if (((table[codePointAt(bytes, stop, lead)] as number) & wanted) === 0) break;
        stop += characterBytes(lead);
      }
    }
    return stop;
  }

  /** The end of a word, contraction included, whose letters begin at `at`. */
  #wordEnd(bytes: Uint8Array, at: number, end: number): number {
    const table = this.#flags;
    let stop = at;
    let lastLower = -1;
    let flags = 0;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        // Of ASCII none is both.
        flags = table[lead] as number;
        if ((flags & UPPER) === 0) break;
        stop++;
      } else {
        flags = table[codePointAt(bytes, stop, lead)] as number;
        if ((flags & UPPER) === 0) break;
        stop += characterBytes(lead);
        if (flags & LOWER) lastLower = stop;
      }
    }
    if (stop < end && (flags & LOWER) !== 0) stop = this.#runEnd(bytes, stop, end, LOWER);
    else if (lastLower !== -1) stop = lastLower;
    return contractionEnd(bytes, stop, end);
  }

  /** The end of a number of at most three digits, the first of which ends at `next`. */
  #digitsEnd(bytes: Uint8Array, next: number, end: number): number {
    let stop = next;
    for (let digits = 1; digits < 3 && stop < end; digits++) {
      if ((this.flagsAt(bytes, stop) & DIGIT) === 0) break;
      stop += characterBytes(bytes[stop] as number);
    }
    return stop;
  }

  /** White space: up to its last line end; without one all of it, less its last character where text follows. */
  #spaceEnd(bytes: Uint8Array, at: number, end: number): number {
    const table = this.#flags;
    let stop = at;
    let afterNewline = -1;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        const flags = table[lead] as number;
        if ((flags & SPACE) === 0) break;
        stop++;
        if (flags & NEWLINE) afterNewline = stop;
      } else {
        if (((table[codePointAt(bytes, stop, lead)] as number) & SPACE) === 0) break;
        stop += characterBytes(lead);
      }
    }
    if (afterNewline !== -1) return afterNewline;
    const lastStart = characterStart(bytes, stop - 1);
    return stop < end && lastStart > at ? lastStart : stop;
  }
}

/** Bytes of the character with this lead byte. */
export function characterBytes(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Where the character begins that the byte at `at` belongs to; -1 before the text. */
export function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && ((bytes[start] as number) & 0xc0) === 0x80) start--;
  return start;
}

function codePointAt(bytes: Uint8Array, at: number, lead: number): number {
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = (bytes[at + 2] as number) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f);
}

/**
 * The end of the contraction at `at`, or `at` where there is none. Case is folded as the reference folds it: the long s
 * (U+017F) is an s.
 */
export function contractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end || bytes[at] !== APOSTROPHE) return at;
  const first = bytes[at + 1] as number;
  const second = at + 2 < end ? (bytes[at + 2] as number) : 0;
  if (first === 0xc5) return second === 0xbf ? at + 3 : at;
  switch (first | 0x20) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return at + 2;
    case 0x72: // re
    case 0x76: // ve
      return (second | 0x20) === 0x65 ? at + 3 : at;
    case 0x6c: // ll
      return (second | 0x20) === 0x6c ? at + 3 : at;
    default:
      return at;
  }
}
