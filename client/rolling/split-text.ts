import { iterate, type Source } from '../source.ts';

/** Text of any length: at once, or as it comes, in characters or in UTF-8. */
export type TextSource = string | Source<string | Uint8Array>;

/** What belongs to the character before it, so that no cut may stand in front of it. */
const CONTINUES = /^(?:\p{M}|\p{Emoji_Modifier}|\u200d|\n)/u;
const LONGEST_CHARACTER = 32;
/** Where a text is best cut, the best first. */
const BORDERS = ['\n\n', '\n', ' '];

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Two units of a pair make four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/**
 * The head of a text within `maxBytes`: all of it, or cut behind a paragraph, else a line, else a word, where one ends in its
 * second half; never inside a character. At least one character.
 */
export function headWithin(text: string, maxBytes: number): string {
  const end = endWithin(text, maxBytes);
  if (end === text.length) return text;
  for (const border of BORDERS) {
    const place = text.lastIndexOf(border, end - border.length);
    if (place >= end / 2) return text.slice(0, place + border.length);
  }
  return text.slice(0, characterBorder(text, end));
}

/** A text in pieces of at most `maxBytes`, which joined are the text. */
export function splitText(text: string, maxBytes: number): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const head = headWithin(rest, maxBytes);
    pieces.push(head);
    rest = rest.slice(head.length);
  }
  return pieces;
}

/**
 * The pieces of a source, each made as it is asked for; holds no more than one of them and what came last.
 * @param maxBytes asked for every piece, because it may change on the way
 */
export async function* readPieces(source: TextSource, maxBytes: () => number): AsyncGenerator<string, void> {
  let waiting = '';
  let bytes = 0;
  for await (const text of texts(source)) {
    waiting += text;
    bytes += utf8Bytes(text);
    while (bytes > maxBytes()) {
      const head = headWithin(waiting, maxBytes());
      if (head.length === waiting.length) break;
      yield head;
      waiting = waiting.slice(head.length);
      bytes -= utf8Bytes(head);
    }
  }
  for (; waiting !== ''; ) {
    const head = headWithin(waiting, maxBytes());
    yield head;
    waiting = waiting.slice(head.length);
  }
}

/** A source without its first `units` UTF-16 units. */
export async function* skipUnits(source: TextSource, units: number): AsyncGenerator<string, void> {
  let left = units;
  for await (const text of texts(source)) {
    if (left < text.length) yield text.slice(left);
    left = Math.max(0, left - text.length);
  }
}

async function* texts(source: TextSource): AsyncGenerator<string, void> {
  if (typeof source === 'string') return yield source;
  const decoder = new TextDecoder();
  for await (const part of iterate(source)) {
    yield typeof part === 'string' ? part : decoder.decode(part, { stream: true });
  }
  yield decoder.decode();
}

/** How many units of a text are within `maxBytes`, in whole code points, one at least. */
function endWithin(text: string, maxBytes: number): number {
  let bytes = 0;
  let index = 0;
  while (index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1;
    if (bytes > maxBytes && index > 0) return index;
    index += code > 0xffff ? 2 : 1;
  }
  return index;
}

/** The nearest place at or before `end` where one character, with all that belongs to it, is over. */
function characterBorder(text: string, end: number): number {
  const least = Math.max(1, end - LONGEST_CHARACTER);
  for (let place = end; place >= least; place -= 1) {
    const splitsPair = isLow(text.charCodeAt(place)) && !isLow(text.charCodeAt(place - 1));
    const joined = text.charCodeAt(place - 1) === 0x200d;
    if (!splitsPair && !joined && !CONTINUES.test(text.slice(place, place + 2))) return place;
  }
  return end;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
