/** Punctuation, spaces, symbols, emoji. */
export const OTHER = 1;
/** Letters, digits and marks of scripts that put spaces between words. */
export const WORD = 2;
/** Letters of scripts that do not: Han, Kana, Hangul (particles cling to words), Thai and its neighbours. */
export const RUN_ON = 3;

const RUN_ON_LETTER =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]/u;
const WORD_LETTER = /[\p{L}\p{N}\p{M}]/u;

function classify(character: string): number {
  if (RUN_ON_LETTER.test(character)) return RUN_ON;
  return WORD_LETTER.test(character) ? WORD : OTHER;
}

/** Filled as units are met: the properties are slow to test and a text uses few distinct characters. */
const classes = new Uint8Array(0x1_0000);

/** The class of a UTF-16 unit (0 … 65,535). A half of a surrogate pair counts as `OTHER`: see {@link classAt}. */
export function classOfUnit(unit: number): number {
  const known = classes[unit];
  if (known) return known;
  const found = classify(String.fromCharCode(unit));
  classes[unit] = found;
  return found;
}

export const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
export const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The class of the character that begins at UTF-16 offset `at`; `OTHER` outside the text. */
export function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (isHighSurrogate(unit)) return classify(String.fromCodePoint(text.codePointAt(at) ?? 0));
  return unit >= 0 ? classOfUnit(unit) : OTHER;
}

/** UTF-16 units of the character that begins at `at`: 1 or 2. */
export function unitsAt(text: string, at: number): number {
  return isHighSurrogate(text.charCodeAt(at)) && isLowSurrogate(text.charCodeAt(at + 1)) ? 2 : 1;
}

/** Space, tab and the spaces of other scripts, but no line break. */
export function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200b);
}

export const isLineBreak = (unit: number): boolean => unit === 0x0a || unit === 0x0d || unit === 0x2028;

export const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

/** Longer words are cut into pieces of this length, so that a blob of base64 makes no giant terms. */
const MAX_TERM = 64;
/** Longer identifiers and paths are kept in parts only. */
const MAX_WHOLE = 128;

/**
 * The lowercased terms of a text, in order and with repetitions, in linear time.
 * Words are runs of letters and digits. What `_ - . / : @ # , '` joins without a space is given in parts and, up to 128
 * characters, also whole (`src/app.ts` → `src`, `app`, `ts`, `src/app.ts`; `3,500.25`; `userId` → `user`, `id`, `userid`).
 * Scripts without spaces give overlapping pairs of characters; a lone one gives itself.
 */
export function terms(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < text.length) {
    const kind = classAt(text, at);
    if (kind === WORD) at = readIdentifier(text, at, found);
    else if (kind === RUN_ON) at = readRun(text, at, found);
    else at += unitsAt(text, at);
  }
  return found;
}

function readRun(text: string, start: number, found: string[]): number {
  let previous = start;
  let at = start + unitsAt(text, start);
  if (classAt(text, at) !== RUN_ON) {
    found.push(text.slice(start, at));
    return at;
  }
  while (classAt(text, at) === RUN_ON) {
    const next = at + unitsAt(text, at);
    found.push(text.slice(previous, next));
    previous = at;
    at = next;
  }
  return at;
}

function readIdentifier(text: string, start: number, found: string[]): number {
  let at = start;
  let parts = 0;
  for (;;) {
    const partStart = at;
    while (classAt(text, at) === WORD) at += unitsAt(text, at);
    parts += readPart(text.slice(partStart, at), found);
    if (!joins(text, at)) break;
    at += 1;
  }
  if (parts > 1 && at - start <= MAX_WHOLE) found.push(text.slice(start, at).toLowerCase());
  return at;
}

const JOINERS = new Set("_-./:@#'’".split('').map((joiner) => joiner.charCodeAt(0)));
const COMMA = 0x2c;

function joins(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit === COMMA) return isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 1));
  return JOINERS.has(unit) && classAt(text, at + 1) === WORD;
}

const HUMP = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/;

/** Pushes the pieces of one part, and returns how many there were. The whole of a camelCase part is the caller's. */
function readPart(part: string, found: string[]): number {
  const lower = part.toLowerCase();
  if (part.length > MAX_TERM) {
    for (let at = 0; at < part.length; at += MAX_TERM) found.push(lower.slice(at, at + MAX_TERM));
    return 1;
  }
  // Small letters after the first unit make no hump: most words end here, without the costly split.
  if (part === lower || part.slice(1) === lower.slice(1)) {
    found.push(lower);
    return 1;
  }
  const humps = part.split(HUMP);
  for (const hump of humps) found.push(hump.toLowerCase());
  return humps.length;
}
