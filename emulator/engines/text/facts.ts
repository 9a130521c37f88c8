import { type Key, keyBefore, type SeparatorKind } from './fact-keys.ts';
import { classAt, endsSentence, isBlank, isDigit, isHighSurrogate, isLineBreak, WORD } from './sentences.ts';

interface Separator {
  kind: SeparatorKind;
  start: number;
  /** Exclusive. */
  end: number;
}

/** Units with which a separator can begin: a filter to apply before {@link separatorAt}. */
function maySeparate(unit: number): boolean {
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
function keyFollows(text: string, at: number): boolean {
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

/** A value as it stands in the text. */
interface Value {
  /** Without quotes, escapes undone. */
  text: string;
  start: number;
  /** Exclusive, closing quote included. */
  end: number;
  /** In quotes: surely text, even where it looks like a number. */
  quoted: boolean;
}

/** Units of the longest value; longer ones are cut. */
const MAX_VALUE = 300;
/** Units of the longest list or object that is taken as a value. */
const MAX_CONTAINER = 500;

const PAIRS: Record<string, string> = { '"': '"', "'": "'", '`': '`', '“': '”', '‘': '’', '「': '」', '『': '』' };

/** The value that follows a separator, or undefined if there is none, or a question in its place. */
function valueAfter(text: string, separator: Separator, keyIsQuoted: boolean): Value | undefined {
  const start = skipSpace(text, separator.end, keyIsQuoted);
  const first = text[start] ?? '';
  if (first === '' || isLineBreak(first.charCodeAt(0))) return undefined;
  if (first === '\\' && text[start + 1] === '"') return quotedValue(text, start + 2, start, '\\"');
  const closing = PAIRS[first];
  if (closing !== undefined) {
    const quoted = quotedValue(text, start + 1, start, closing);
    if (quoted !== undefined || keyIsQuoted) return quoted;
  }
  if ((first === '{' || first === '[') && separator.kind !== 'copula') return container(text, start);
  if (keyIsQuoted && separator.kind === 'colon') return scalar(text, start, JSON_END);
  if (separator.kind === 'equals' && start === separator.end) return scalar(text, start, TOKEN_END);
  return clause(text, start, separator);
}

function skipSpace(text: string, from: number, overLines: boolean): number {
  let at = from;
  while (text[at] === '*') at += 1;
  while (at - from < 100) {
    const unit = text.charCodeAt(at);
    if (!isBlank(unit) && !(overLines && isLineBreak(unit))) break;
    at += 1;
  }
  while (text.startsWith('**', at)) at += 2;
  return at;
}

function quotedValue(text: string, from: number, start: number, closing: string): Value | undefined {
  const most = Math.min(text.length, from + MAX_VALUE);
  const escapes = closing === '"';
  for (let at = from; at < most; at += 1) {
    if (escapes && text[at] === '\\') at += 1;
    else if (text.startsWith(closing, at) && !(closing === "'" && /\w/.test(text[at + 1] ?? ''))) {
      return present(unescaped(text.slice(from, at), escapes), start, at + closing.length);
    } else if (!escapes && isLineBreak(text.charCodeAt(at))) return undefined;
  }
  if (!escapes || most - from < MAX_VALUE) return undefined;
  const end = isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most;
  return present(unescaped(text.slice(from, end).replace(/\\(?:u[\da-f]{0,3})?$/i, ''), true), start, end);
}

const present = (text: string, start: number, end: number): Value | undefined =>
  text.trim() === '' ? undefined : { text, start, end, quoted: true };

function unescaped(raw: string, escapes: boolean): string {
  if (!escapes || !raw.includes('\\')) return raw;
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}

function container(text: string, start: number): Value | undefined {
  const most = Math.min(text.length, start + MAX_CONTAINER);
  let depth = 0;
  let inText = false;
  for (let at = start; at < most; at += 1) {
    const unit = text[at];
    if (unit === '\\') at += 1;
    else if (unit === '"') inText = !inText;
    else if (inText) continue;
    else if (unit === '{' || unit === '[') depth += 1;
    else if ((unit === '}' || unit === ']') && --depth === 0) {
      return { text: text.slice(start, at + 1), start, end: at + 1, quoted: false };
    }
  }
  return undefined;
}

const JSON_END = /[\s,}\]]/;
const TOKEN_END = /[\s,;&)\]}>"|，。；]/;

function scalar(text: string, start: number, endMark: RegExp): Value | undefined {
  const most = Math.min(text.length, start + MAX_VALUE);
  let end = start;
  while (end < most && !endMark.test(text[end] ?? '')) end += 1;
  return cleaned(text, start, end);
}

const COMMA_CONNECTIVE =
  /^[,，]\s*(?:so|and|but|or|which|because|please|not|while|though|although|if|as|then|don't|do|keep|remember|since|where|who|for|until|unless|而|但|请|不|所以|因为|并|且|如果)(?![A-Za-z])/i;
const AND_CLAUSE = /^ and (?:[\w'-]+ ){1,5}(?:is|are|was|were|has|should|will|must|can) /i;
/** `The name is Jason, the age is 25`: another key behind the comma. */
const COMMA_CLAUSE = /^, (?:and )?(?:[\w'-]+ ){1,4}(?:is|are|was|were) /i;
const ASKS =
  /^(?:what|who|which|where|when|why|how)\b|^(?:什么|多少|谁|哪|否|怎|几(?=[个号点月天])|何|不是|吗|了什么|啥)/iu;

/** Prose: to the end of the clause that holds the value. */
function clause(text: string, start: number, separator: Separator): Value | undefined {
  const most = Math.min(text.length, start + MAX_VALUE);
  const spoken = separator.kind === 'copula' || separator.kind === 'han-copula';
  let end = start;
  for (; end < most; end += 1) {
    const mark = text[end] ?? '';
    if (
      isLineBreak(mark.charCodeAt(0)) ||
      (mark === '|' && endsCell(text, end)) ||
      mark === ';' ||
      mark === '；' ||
      isGap(text, end)
    )
      break;
    if (endsSentence(text, end)) {
      if (/[.。!！?？”"’)）」]/.test(mark) === false) end += 1;
      break;
    }
    if (mark === ',' || mark === '，' || mark === '、') {
      if (keyFollows(text, end + 1) || (separator.kind === 'han-copula' && mark === '，')) break;
      if (spoken && COMMA_CONNECTIVE.test(text.slice(end, end + 20))) break;
      if (spoken && COMMA_CLAUSE.test(text.slice(end, end + 64))) break;
    }
    if (spoken && mark === ' ' && AND_CLAUSE.test(text.slice(end, end + 64))) break;
  }
  if (asks(text, start, end, spoken)) return undefined;
  return cleaned(text, start, end);
}

/** Whether a bar ends a cell of a table, or stands before another key; in `a|b` and `cat x | sort` it belongs to the value. */
function endsCell(text: string, at: number): boolean {
  if (keyFollows(text, at + 1)) return true;
  const least = Math.max(0, at - MAX_VALUE);
  let start = at;
  while (start > least && !isLineBreak(text.charCodeAt(start - 1))) start -= 1;
  return /^\s*\|/.test(text.slice(start, at));
}

/** ` … ` between quotations. */
const isGap = (text: string, at: number): boolean => text[at] === '…' && text[at - 1] === ' ' && text[at + 1] === ' ';

function asks(text: string, start: number, end: number, spoken: boolean): boolean {
  const opens = ASKS.test(text.slice(start, start + 10));
  const closes = /[?？]/.test(text.slice(end, end + 2)) || /[吗呢]$/.test(text.slice(start, end));
  return spoken ? opens || closes : opens && closes;
}

const UNPAIRED: Record<string, string> = {
  ')': '(',
  ']': '[',
  '}': '{',
  '）': '（',
  '”': '“',
  '"': '"',
  '`': '`',
  '’': '‘',
};

function cleaned(text: string, start: number, to: number): Value | undefined {
  let end = to;
  for (;;) {
    const last = text[end - 1] ?? '';
    const opening = UNPAIRED[last];
    const loose = opening !== undefined && !text.slice(start, end - 1).includes(opening);
    if (end <= start || !(/[\s*,，;；。]/.test(last) || loose || (last === '.' && text[end - 2] !== '.'))) break;
    end -= 1;
  }
  if (end > start && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
  const value = text.slice(start, end);
  return end > start && !BLANK_TO_FILL.test(value) ? { text: value, start, end, quoted: false } : undefined;
}

const BLANK_TO_FILL = /^[?？.…_\-\s]+$/;

/** A value under a name. Offsets are UTF-16, from the key's beginning to the value's end (exclusive), quotes included. */
export interface Fact {
  key: string;
  value: string;
  start: number;
  end: number;
}

/** A fact with what its surroundings tell about it. */
export interface FactInPlace extends Fact {
  /** The key stands in quotes or in a subscript, as in JSON: a name, not prose. */
  keyQuoted: boolean;
  /** The value stands in quotes: text, even where it looks like a number. */
  valueQuoted: boolean;
}

/** Facts in facts: `a: b: c: d …` would otherwise cost its length for each of its parts. */
const MAX_NESTING = 8;

/**
 * Every `key: value`, `key = value`, JSON `"key": value` (nested, compact, pretty or escaped inside a string), `key is value`,
 * `key：value`, `key是value`, `key为value` of a text, in order. Values of more than 300 units are cut; questions give none.
 * Takes time linear in the text.
 */
export function facts(text: string): Fact[] {
  const found: Fact[] = [];
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (!maySeparate(text.charCodeAt(at))) continue;
    const separator = separatorAt(text, at);
    if (separator === undefined) continue;
    while ((open.at(-1) ?? at + 1) <= at) open.pop();
    if (open.length >= MAX_NESTING) continue;
    const fact = factAt(text, separator);
    if (fact === undefined) continue;
    found.push({ key: fact.key, value: fact.value, start: fact.start, end: fact.end });
    open.push(fact.end);
  }
  return found;
}

/**
 * The fact around one separator, if there is one. Looks at a bounded neighbourhood only. Where `wanted` refuses the key,
 * the value is not even read.
 */
export function factAt(text: string, separator: Separator, wanted?: (key: Key) => boolean): FactInPlace | undefined {
  const key = keyBefore(text, separator.start, separator.kind);
  if (key === undefined || wanted?.(key) === false) return undefined;
  const value = valueAfter(text, separator, key.quoted);
  if (value === undefined) return undefined;
  const span = { start: key.start, end: value.end };
  return { key: key.text, value: value.text, ...span, keyQuoted: key.quoted, valueQuoted: value.quoted };
}
