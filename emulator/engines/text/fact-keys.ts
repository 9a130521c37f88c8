import { classAt, endsSentence, isBlank, isLowSurrogate, RUN_ON, WORD } from './sentences.ts';

/** What may stand between a key and its value: decides how the key is read. */
export type SeparatorKind = 'colon' | 'equals' | 'copula' | 'han-copula';

/** A key as it stands in the text, trimmed of words that only lead up to it. */
export interface Key {
  text: string;
  start: number;
  /** In quotes, or of a subscript: surely a name, not prose. */
  quoted: boolean;
}

/** Units searched before a separator. */
const MAX_KEY = 64;
const MAX_WORDS = 8;
const MAX_HAN_COPULA_KEY = 20;

const PAIRS: Record<string, string> = {
  '"': '"',
  "'": "'",
  '`': '`',
  '”': '“',
  '’': '‘',
  '」': '「',
  '』': '『',
  '》': '《',
};

/** The key that ends right before `separator` (an offset), or undefined where no key can be seen. */
export function keyBefore(text: string, separator: number, kind: SeparatorKind): Key | undefined {
  let end = separator;
  while (end > 0 && separator - end < 4 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  const closing = text[end - 1] ?? '';
  if (closing === ']') return quotedKey(text, end - 1, text[end - 2] ?? '');
  if (PAIRS[closing] !== undefined) {
    const quoted = quotedKey(text, end, closing);
    if (quoted || closing !== '’') return quoted;
  }
  while (text[end - 1] === '*') end -= 1;
  if (text[end - 1] === ')' || text[end - 1] === '）') end = beforeParenthesis(text, end);
  while (text[end - 1] === '*') end -= 1;
  return plainKey(text, end, kind);
}

function quotedKey(text: string, end: number, closing: string): Key | undefined {
  const opening = PAIRS[closing];
  if (opening === undefined) return undefined;
  const escaped = text[end - 2] === '\\';
  const contentEnd = end - (escaped ? 2 : 1);
  const least = Math.max(0, contentEnd - MAX_KEY);
  let at = contentEnd - 1;
  while (at >= least && text[at] !== opening && text[at] !== '\n') at -= 1;
  if (at < least || text[at] !== opening) return undefined;
  const key = text.slice(at + 1, contentEnd).trim();
  return /[\p{L}\p{N}]/u.test(key) ? { text: key, start: escaped ? at - 1 : at, quoted: true } : undefined;
}

function beforeParenthesis(text: string, end: number): number {
  for (let at = end - 2; at > 0 && end - at < 40; at -= 1) {
    const unit = text[at];
    if (unit === '(' || unit === '（') {
      while (isBlank(text.charCodeAt(at - 1))) at -= 1;
      return at;
    }
    if (unit === '\n') break;
  }
  return end;
}

function plainKey(text: string, end: number, kind: SeparatorKind): Key | undefined {
  const limit = kind === 'han-copula' ? MAX_HAN_COPULA_KEY : MAX_KEY;
  const least = Math.max(0, end - limit);
  // In `level=info code=5` and `?a=1&b=2` a key is one word.
  const tight = kind === 'equals' && !isBlank(text.charCodeAt(end));
  let start = end;
  let words = 1;
  while (start > least && isKeyUnit(text, start - 1)) {
    if (isBlank(text.charCodeAt(start - 1)) && (tight || ++words > MAX_WORDS)) break;
    if (tight && text[start - 1] === '&') break;
    start -= 1;
  }
  if (start === least && start > 0) start = wholeWord(text, start, end);
  const key = trimKey(text.slice(start, end), kind);
  return key === undefined ? undefined : { text: key.text, start: start + key.offset, quoted: false };
}

/** Skips the rest of a word whose beginning lies beyond the limit. */
function wholeWord(text: string, from: number, end: number): number {
  let start = from;
  if (isLowSurrogate(text.charCodeAt(start))) start += 1;
  if (classAt(text, start - 1) !== WORD) return start;
  while (start < end && classAt(text, start) === WORD) start += 1;
  return start;
}

const INNER = new Set("_-./'’#&+@$%~".split(''));

function isKeyUnit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (isBlank(unit)) return !endsSentence(text, at - 1);
  if (INNER.has(text[at] ?? '')) return true;
  const kind = classAt(text, isLowSurrogate(unit) ? at - 1 : at);
  return kind === WORD || kind === RUN_ON;
}

const words = (list: string): Set<string> => new Set(list.split(' '));
/** The key begins after the last of these. */
const LEADS = words(
  'and or is are that think thinks know believe said say says because if when while since but so then note remember confirm means where though although whether please',
);
const DETERMINERS = words(
  'the a an my our your his her their its this these those and or also now fyi ps const let var export',
);
/** Before a determiner they tell that the name has begun already: `the code of the vault`. */
const PREPOSITIONS = words('of for in on at to from with by about under over into');
const TRAILS = words(
  'is are was were has have had been be being now currently only just always still changed set updated renamed moved',
);
/** A clause with one of these before its verb asks, or speaks of nothing that has a name. */
const NO_KEYS = words(
  'what which who whom whose when where why how there here it he she they we you i this that these those one everything anything nothing something all',
);

interface Trimmed {
  text: string;
  offset: number;
}

function trimKey(raw: string, kind: SeparatorKind): Trimmed | undefined {
  if (kind === 'han-copula') return trimHanKey(raw);
  const found = [...raw.matchAll(/[^\s]+/g)].filter(([word]) => /[\p{L}\p{N}]/u.test(word));
  let first = 0;
  let last = found.length;
  const lower = found.map(([word]) => word.toLowerCase());
  while (last > 1 && TRAILS.has(lower[last - 1] ?? '')) last -= 1;
  if (kind === 'copula') {
    for (let at = 0; at < last; at += 1) {
      if (LEADS.has(lower[at] ?? '')) first = at + 1;
      else if (DETERMINERS.has(lower[at] ?? '') && !PREPOSITIONS.has(lower[at - 1] ?? '')) first = at;
    }
  }
  if (first === 0 && last > 1 && /^\d{1,3}\.$/.test(lower[0] ?? '')) first = 1;
  while (first < last && (DETERMINERS.has(lower[first] ?? '') || LEADS.has(lower[first] ?? ''))) first += 1;
  const start = found[first];
  const end = found[last - 1];
  if (start === undefined || end === undefined || last <= first) return undefined;
  if (kind === 'copula' && lower.slice(0, last).some((word) => ASKING.has(word))) return undefined;
  if (kind === 'copula' && NO_KEYS.has(lower[last - 1] ?? '')) return undefined;
  const offset = start.index + (start[0].length - trimStart(start[0]).length);
  const text = raw.slice(offset, end.index + end[0].length).replace(/[-./#&+@~'’]+$/, '');
  return /\p{L}/u.test(text) ? { text, offset } : undefined;
}

const ASKING = words('what which who whom whose why how');
const trimStart = (word: string): string => word.replace(/^[-./&+~'’]+/, '');

const HAN_LEADS =
  /^.*?(?:请?记住|记得|请?注意|告诉你|备注|另外|其中|目前|现在|我们的|我们|我的|你的|您的|他的|她的|它的|该|这个|那个|此)(?=..)/u;
const HAN_TRAILS =
  /(?:现在|目前|如今|已经|已|应该|应当|应|就|则|将|被|改|设|定|设置|设定|更新|变更|修改|调整|更改|确定|命名)+$/u;
/** Characters that make another word with the 是 or 为 after them: 不是, 还是, 但是, 因为, 认为, 成为 … */
const HAN_BOUND =
  /[不还也但可要若只总便于凡都或算像这那他她它我你谁正乃自即皆必真又竟原更最因以认成作行无称何莫方倒越颇极甚尤较稍难并且先既亦俱所才多本同是为]$/u;

function trimHanKey(raw: string): Trimmed | undefined {
  const tail = raw.trimEnd().replace(HAN_TRAILS, '');
  const lead = HAN_LEADS.exec(tail)?.[0].length ?? 0;
  const text = tail.slice(lead).trimStart();
  if (text.length < 2 || HAN_BOUND.test(text) || /什么|多少|哪|谁|怎|如何/u.test(text)) return undefined;
  return /\p{L}/u.test(text) ? { text, offset: tail.length - text.length } : undefined;
}
