import { classAt, isBlank, isDigit, WORD } from './characters.ts';

/** What may stand between a key and its value. */
export type SeparatorKind = 'colon' | 'equals' | 'copula' | 'han-copula';

export interface Separator {
  kind: SeparatorKind;
  start: number;
  /** Exclusive. */
  end: number;
}

/** Units with which a separator can begin: a filter to apply before {@link separatorAt}. */
export function maySeparate(unit: number): boolean {
  switch (unit) {
    case 0x3a: // :
    case 0x3d: // =
    case 0xff1a: // ：
    case 0xff1d: // ＝
    case 0x662f: // 是
    case 0x4e3a: // 为
    case 0x69: // i, of "is"
    case 0x61: // a, of "are"
    case 0x74: // t, of "to", after a verb of change
      return true;
    default:
      return false;
  }
}

/** The separator that begins at `at`, or undefined. Looks at a bounded neighbourhood only. */
export function separatorAt(text: string, at: number): Separator | undefined {
  switch (text.charCodeAt(at)) {
    case 0x3a:
      return colonAt(text, at);
    case 0x3d:
      return equalsAt(text, at);
    case 0xff1a:
      return { kind: 'colon', start: at, end: at + 1 };
    case 0xff1d:
      return { kind: 'equals', start: at, end: at + 1 };
    case 0x662f:
    case 0x4e3a:
      return { kind: 'han-copula', start: at, end: at + 1 };
    case 0x69:
      return wordAt(text, at, 'is');
    case 0x61:
      return wordAt(text, at, 'are');
    case 0x74:
      return CHANGE.test(text.slice(Math.max(0, at - 9), at)) ? wordAt(text, at, 'to') : undefined;
    default:
      return undefined;
  }
}

const CHANGE = /\b(?:changed|set|updated|renamed|moved) $/i;

function wordAt(text: string, at: number, word: string): Separator | undefined {
  const end = at + word.length;
  if (!text.startsWith(word, at) || !isBlank(text.charCodeAt(at - 1))) return undefined;
  return isBlank(text.charCodeAt(end)) ? { kind: 'copula', start: at, end } : undefined;
}

/** No separator: `10:30`, `https://`, `a::b`, `C:\`, `a ? b :c`, `"…":` of nothing. */
function colonAt(text: string, at: number): Separator | undefined {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at + 1);
  if (after === 0x3d) return { kind: 'equals', start: at, end: at + 2 };
  if (before === 0x3a || after === 0x3a || after === 0x5c) return undefined;
  if (after === 0x2f && text.charCodeAt(at + 2) === 0x2f) return undefined;
  if (isDigit(before) && isDigit(after)) return undefined;
  return Number.isNaN(after) ? undefined : { kind: 'colon', start: at, end: at + 1 };
}

const OPERATORS = new Set('=!<>+-*/%&|^~?:'.split('').map((operator) => operator.charCodeAt(0)));

/** No separator: `==`, `=>`, `!=`, `<=`, `+=` and the like. */
function equalsAt(text: string, at: number): Separator | undefined {
  const after = text.charCodeAt(at + 1);
  if (after === 0x3d || after === 0x3e || OPERATORS.has(text.charCodeAt(at - 1))) return undefined;
  return Number.isNaN(after) ? undefined : { kind: 'equals', start: at, end: at + 1 };
}

/** Whether a key and a separator follow `at` within a few words, as in `, age: 42` or `, age=42`. */
export function keyFollows(text: string, at: number): boolean {
  const end = Math.min(text.length, at + 40);
  let words = 0;
  for (let here = at; here < end; here += 1) {
    const unit = text.charCodeAt(here);
    if (unit === 0x3a || unit === 0x3d || unit === 0xff1a || unit === 0xff1d) {
      return words > 0 && separatorAt(text, here) !== undefined;
    }
    if (isBlank(unit)) continue;
    if (classAt(text, here) === WORD && classAt(text, here - 1) !== WORD && ++words > 4) return false;
    if (isClauseEnd(unit)) return false;
    if (unit > 0x2e80) words = Math.max(words, 1);
  }
  return false;
}

const CLAUSE_ENDS = new Set(',;.!?\n\r|，。；！？、'.split('').map((mark) => mark.charCodeAt(0)));
const isClauseEnd = (unit: number): boolean => CLAUSE_ENDS.has(unit);
