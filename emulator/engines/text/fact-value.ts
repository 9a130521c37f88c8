import { isBlank, isHighSurrogate, isLineBreak } from './characters.ts';
import { keyFollows, type Separator } from './fact-separators.ts';
import { endsSentence } from './sentences.ts';

/** A value as it stands in the text. */
export interface Value {
  /** Without quotes, escapes undone. */
  text: string;
  start: number;
  /** Exclusive, closing quote included. */
  end: number;
  /** In quotes: surely text, even where it looks like a number. */
  quoted: boolean;
}

/** Units of the longest value; longer ones are cut. */
export const MAX_VALUE = 300;
/** Units of the longest list or object that is taken as a value. */
const MAX_CONTAINER = 500;

const PAIRS: Record<string, string> = { '"': '"', "'": "'", '`': '`', '“': '”', '‘': '’', '「': '」', '『': '』' };

/** The value that follows a separator, or undefined where there is none, or a question stands in its place. */
export function valueAfter(text: string, separator: Separator, keyIsQuoted: boolean): Value | undefined {
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
const ASKS =
  /^(?:what|who|which|where|when|why|how)\b|^(?:什么|多少|谁|哪|否|怎|几(?=[个号点月天])|何|不是|吗|了什么|啥)/iu;

/** Prose: to the end of the clause that holds the value. */
function clause(text: string, start: number, separator: Separator): Value | undefined {
  const most = Math.min(text.length, start + MAX_VALUE);
  const spoken = separator.kind === 'copula' || separator.kind === 'han-copula';
  let end = start;
  for (; end < most; end += 1) {
    const mark = text[end] ?? '';
    if (isLineBreak(mark.charCodeAt(0)) || mark === '|' || mark === ';' || mark === '；' || isGap(text, end)) break;
    if (endsSentence(text, end)) {
      if (/[.。!！?？”"’)）」]/.test(mark) === false) end += 1;
      break;
    }
    if (mark === ',' || mark === '，' || mark === '、') {
      if (keyFollows(text, end + 1) || (separator.kind === 'han-copula' && mark === '，')) break;
      if (spoken && COMMA_CONNECTIVE.test(text.slice(end, end + 20))) break;
    }
    if (spoken && mark === ' ' && AND_CLAUSE.test(text.slice(end, end + 64))) break;
  }
  if (asks(text, start, end, spoken)) return undefined;
  return cleaned(text, start, end);
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
