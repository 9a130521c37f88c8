import { classOfUnit, isBlank, isDigit, isHighSurrogate, isLineBreak, RUN_ON } from './words.ts';

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
const ENDING = FULL_STOP | SPACED_STOP | CLOSER;
const FULL_STOP_UNIT = 0x2e;
/** What each UTF-16 unit is. Every unit of a text is asked for, so that a table pays. */
const KINDS = new Uint8Array(0x1_0000);
mark('。！？；｡', FULL_STOP);
mark('.!?', SPACED_STOP);
mark('”’」』）】》"\')]*', CLOSER);
mark(',;:，、：；…|', SOFT);

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
  const unit = text.charCodeAt(at);
  if (isLineBreak(unit)) return true;
  if ((kindOf(unit) & ENDING) === 0) return false;
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
