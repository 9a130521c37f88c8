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
