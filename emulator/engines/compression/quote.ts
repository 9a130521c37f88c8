/** Longest quotation kept or dropped whole, in UTF-16 units. */
export const QUOTE_CHARS = 500;

const BLANK = /[\p{Cc}\s]+/gu;
const INVISIBLE_DIRECTION = /\p{Bidi_Control}+/gu;
const LOOKS_LIKE_REF = /\\*#(?=\d)/g;
const ESCAPED_REF = /\\(\\*#\d)/g;

/**
 * Text as it may stand in a summary: one line whatever breaks it held, no control or direction characters, well
 * formed, and `#` before a digit escaped as `\#`, so that only our own references look like references.
 */
export function quote(text: string): string {
  return oneLine(text).replace(LOOKS_LIKE_REF, '\\$&');
}

/** The text that `quote` was given, less its line breaks. */
export function unquote(quoted: string): string {
  return quoted.replace(ESCAPED_REF, '$1');
}

/** One well-formed line: runs of blanks, breaks and control characters become single spaces. */
export function oneLine(text: string): string {
  return text.replace(INVISIBLE_DIRECTION, '').replace(BLANK, ' ').trim().toWellFormed();
}

/** Cuts text into pieces of at most `max` units, at blanks where there are any, never inside a character. */
export function* chop(text: string, max: number = QUOTE_CHARS): Generator<string> {
  let start = 0;
  while (text.length - start > max) {
    let end = start + max;
    const blank = text.lastIndexOf(' ', end - 1);
    if (blank > start + max / 2) end = blank + 1;
    else if (isLowSurrogate(text.charCodeAt(end))) end--;
    yield text.slice(start, end);
    start = end;
  }
  if (start < text.length) yield text.slice(start);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
