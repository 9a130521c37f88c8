/** A stretch of a text in UTF-16 offsets, `end` exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** Longer stretches without an end are split, at a comma or a space where there is one. */
export const MAX_SENTENCE = 500;

/** End a sentence wherever they stand. */
const FULL_STOP = 1;
/** End a sentence before a space or the end of the text. */
const SPACED_STOP = 2;
const CLOSER = 4;
const SOFT = 8;
const LINE_BREAK = 16;
const ENDING = FULL_STOP | SPACED_STOP | CLOSER;
const FULL_STOP_UNIT = 0x2e;
/** What each UTF-16 unit is. Every unit of a text is asked for, so that a table pays. */
const KINDS = new Uint8Array(0x1_0000);
mark('。！？；｡', FULL_STOP);
mark('.!?', SPACED_STOP);
mark('”’」』）】》"\')]*', CLOSER);
mark(',;:，、：；…|', SOFT);
mark('\n\r\u2028', LINE_BREAK);

function mark(characters: string, kind: number): void {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kindOf(character.charCodeAt(0)) | kind;
}

/** Of a unit, or of the NaN behind the end of a text. */
function kindOf(unit: number): number {
  return KINDS[unit] ?? 0;
}

/** Shortenings after which a sentence always goes on. */
const NEVER_LAST = new Set(
  'e.g i.e eg ie mr mrs ms dr prof vs fig figs cf approx ca st mt eq sec vol pp ref'.split(' '),
);
/** Shortenings that may end a sentence: it goes on where a small letter or a digit follows. */
const SELDOM_LAST = new Set(
  'etc inc ltd co corp jr sr no nos al dept est a.m p.m u.s jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
);

/** The sentences and lines of a text in order, without the space around them, in linear time. */
export function sentences(text: string): Span[] {
  const found: Span[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const ends = endsSentence(text, at);
    if (!ends && at + 1 - start < MAX_SENTENCE) continue;
    const end = ends ? at + 1 : softEnd(text, start, at + 1);
    pushTrimmed(text, start, end, found);
    start = end;
  }
  pushTrimmed(text, start, text.length, found);
  return found;
}

/** The sentence that holds the offset `at`, looking no further than 500 units to either side. */
export function sentenceAt(text: string, at: number): Span {
  let start = at;
  const least = Math.max(0, at - MAX_SENTENCE);
  while (start > least && !endsSentence(text, start - 1)) start -= 1;
  let end = at;
  const most = Math.min(text.length, at + MAX_SENTENCE);
  while (end < most && !endsSentence(text, end)) end += 1;
  if (start === least && start > 0) start = softStart(text, start, at);
  if (end === most && end < text.length) end = softEnd(text, at, end);
  else if (end < text.length) end += 1;
  return trimmed(text, start, end);
}

/** Whether a sentence ends with the unit at offset `at`. Looks at a bounded neighbourhood only. */
export function endsSentence(text: string, at: number): boolean {
  const kind = kindOf(text.charCodeAt(at));
  if (kind === 0 || kind === SOFT) return false;
  if (kind === LINE_BREAK) return true;
  const next = text.charCodeAt(at + 1);
  if ((kindOf(next) & ENDING) !== 0) return false;
  let stop = at;
  while ((kindOf(text.charCodeAt(stop)) & CLOSER) !== 0 && at - stop < 4) stop -= 1;
  const mark = text.charCodeAt(stop);
  if ((kindOf(mark) & FULL_STOP) !== 0) return true;
  if ((kindOf(mark) & SPACED_STOP) === 0) return false;
  // Scripts without spaces follow a question mark at once, where two languages are mixed.
  if (mark !== FULL_STOP_UNIT && at + 1 < text.length && classOfUnit(next) === RUN_ON) return true;
  if (!(at + 1 === text.length || isBlank(next) || isLineBreak(next))) return false;
  return mark !== FULL_STOP_UNIT || !goesOn(text, stop);
}

/** Whether the full stop at `dot` belongs to a shortening, an initial or the number of a list item. */
function goesOn(text: string, dot: number): boolean {
  let start = dot;
  while (start > 0 && dot - start < 8 && isWordOrDot(text.charCodeAt(start - 1))) start -= 1;
  const word = text.slice(start, dot).toLowerCase();
  if (word === '') return false;
  if (NEVER_LAST.has(word)) return true;
  if (/^\d{1,3}$/.test(word)) return onlyBlankBefore(text, start);
  const following = text.slice(dot + 1, dot + 4).trimStart();
  if (SELDOM_LAST.has(word)) return /^[\p{Ll}\d]/u.test(following);
  return /^\p{Lu}$/u.test(text.slice(start, dot)) && word !== 'i' && /^\p{Lu}/u.test(following);
}

function isWordOrDot(unit: number): boolean {
  return unit === 0x2e || isDigit(unit) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);
}

function onlyBlankBefore(text: string, end: number): boolean {
  let at = end - 1;
  while (at >= 0 && end - at < 16 && isBlank(text.charCodeAt(at))) at -= 1;
  return at < 0 || isLineBreak(text.charCodeAt(at));
}

const isSoft = (unit: number): boolean => isBlank(unit) || (kindOf(unit) & SOFT) !== 0;

/** The last soft border in the latter half of `start … end`, else `end`, never inside a surrogate pair. */
function softEnd(text: string, start: number, end: number): number {
  for (let at = end; at > (start + end) / 2; at -= 1) {
    if (isSoft(text.charCodeAt(at - 1)) && !isDigit(text.charCodeAt(at))) return at;
  }
  return isHighSurrogate(text.charCodeAt(end - 1)) && end - start > 1 ? end - 1 : end;
}

function softStart(text: string, start: number, end: number): number {
  for (let at = start; at < (start + end) / 2; at += 1) {
    if (isSoft(text.charCodeAt(at)) && !isDigit(text.charCodeAt(at + 1))) return at + 1;
  }
  return isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start;
}

function trimmed(text: string, from: number, to: number): Span {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return { start, end };
}

const isSpace = (unit: number): boolean => isBlank(unit) || isLineBreak(unit);

function pushTrimmed(text: string, from: number, to: number, found: Span[]): void {
  const span = trimmed(text, from, to);
  if (span.end > span.start) found.push(span);
}

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

export const isLineBreak = (unit: number): boolean => kindOf(unit) === LINE_BREAK;

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
