import type { ContextValue } from '../json-schema/context.ts';
import { isObject } from '../json-schema/schema.ts';
import { endsSentence } from '../text/sentences.ts';
import { wordsOfName } from './keys.ts';

/** A stretch of the order that has been read. */
interface Span {
  start: number;
  end: number;
}

interface SpokenValue extends Span {
  value: ContextValue;
}

interface NamedValue extends SpokenValue {
  /** It follows its name as a value does. One that may be any word of prose counts less than what the context says. */
  sure: boolean;
}

/** The part of a message that orders one call: from its sentence's beginning to where another call is ordered. */
export interface OrderText {
  text: string;
  /** Where the tool's name begins, and where it ends. */
  nameStart: number;
  from: number;
}

/**
 * The values that an order gives for a call: those under a name (`path "b.txt"`, `path: b.txt`, `"b.txt" as the path`,
 * `{"path":"b.txt"}`), and those without one. What stands in quotes names nothing, and no value is given twice.
 */
export class Order {
  readonly #text: string;
  readonly #from: number;
  readonly #names: readonly string[];
  readonly #quotations: readonly SpokenValue[];
  readonly #objects: readonly (Span & { value: Record<string, unknown> })[];
  readonly #taken: Span[] = [];
  readonly #named = new Map<string, NamedValue>();
  readonly #unnamed: readonly (SpokenValue & { sure: boolean })[];

  constructor({ text, nameStart, from }: OrderText, names: readonly string[]) {
    this.#text = text;
    this.#from = from;
    this.#names = names;
    this.#quotations = quotationsIn(text, new Set(names.map(squeezed)));
    this.#objects = objectsIn(text, from, this.#quotations);
    // `file name` before `name`: what is part of a longer name names nothing by itself.
    for (const name of [...names].sort((a, b) => b.length - a.length)) this.#readNamed(name);
    this.#unnamed = [...this.#readUnnamed(), ...this.#readBefore(nameStart)];
  }

  /** What the order gives for the property at a path. `sure: false`: a word that may mean something else. */
  named(path: readonly string[], sure: boolean): ContextValue[] {
    const inObjects = sure ? this.#objects.flatMap(({ value }) => memberAt(value, path)) : [];
    const name = path.at(-1);
    if (name === undefined) return inObjects;
    const spoken = [path.slice(-2).join(' '), name].flatMap((key) => this.#named.get(key) ?? []);
    return [...inObjects, ...spoken.filter((found) => found.sure === sure).map(({ value }) => value)];
  }

  /** Whether the order gives a part of what the property at a path holds. */
  namesPartOf(path: readonly string[]): boolean {
    const owner = `${path.at(-1)} `;
    return this.#names.some((name) => {
      if (!name.startsWith(owner)) return false;
      return [name, name.slice(owner.length)].some((key) => this.#named.get(key)?.sure === true);
    });
  }

  /** Whether the order speaks of a member of an enumeration, outside the values of other properties. */
  mentions(member: string): boolean {
    if (member === '' || member.length > 100) return false;
    const lower = this.#text.toLowerCase();
    return [member.toLowerCase(), member.toLowerCase().replaceAll('_', ' ')].some((form) => {
      const at = lower.indexOf(form);
      if (at < 0 || this.#isTaken({ start: at, end: at + form.length })) return false;
      const around = `${lower[at - 1] ?? ' '}${lower[at + form.length] ?? ' '}`;
      return !/\w/.test(around) || HAN_LETTER.test(member);
    });
  }

  /** Gives the first value without a name that fits, once. `sure`: only what is a value by its form, such as a quotation. */
  useUnnamed(sure: boolean, fits: (value: ContextValue) => boolean): ContextValue | undefined {
    const found = this.#unnamed.find(
      (candidate) => (candidate.sure || !sure) && !this.#isTaken(candidate) && fits(candidate.value),
    );
    if (found !== undefined) this.#taken.push(found);
    return found?.value;
  }

  #isTaken({ start, end }: Span): boolean {
    return this.#taken.some((other) => other.start < end && start < other.end);
  }

  #isQuoted(at: number): boolean {
    return [...this.#quotations, ...this.#objects].some(({ start, end }) => start < at && at < end);
  }

  #readNamed(name: string): void {
    const parts = wordsOfName(name).map((word) => word.spelling.replace(/[^\p{L}\p{N}]/gu, ''));
    // Most names are nowhere in the text, and to look for their first word is cheap.
    const spelled = parts.join('[-_. ]?');
    if (spelled === '' || spelled.length > 200 || !this.#text.toLowerCase().includes(parts[0] ?? '')) return;
    for (const match of this.#text.matchAll(new RegExp(`${NOT_IN_WORD}${spelled}${NOT_BEFORE_WORD}`, 'giu'))) {
      const place = { start: match.index, end: match.index + match[0].length };
      if (this.#isQuoted(place.start) || this.#isTaken(place)) continue;
      const found = this.#valueBehind(place.end) ?? this.#valueBefore(place.start);
      if (found === undefined) continue;
      const known = this.#named.get(name);
      if (known === undefined || (found.sure && !known.sure)) this.#named.set(name, found);
      if (!found.sure) continue;
      this.#taken.push({ start: Math.min(place.start, found.start), end: Math.max(place.end, found.end) });
      return;
    }
  }

  #valueBehind(nameEnd: number): NamedValue | undefined {
    const connective = CONNECTIVE.exec(this.#text.slice(nameEnd, nameEnd + 80));
    if (connective === null) return undefined;
    const start = nameEnd + connective[0].length;
    const value = this.#wholeValueAt(start);
    if (value !== undefined) return { ...value, sure: true };
    return connective[0] === '' ? undefined : bareValue(this.#text, start, connective[1] !== undefined);
  }

  /** `"b.txt" as the path` */
  #valueBefore(nameStart: number): NamedValue | undefined {
    const lead = AS_NAME.exec(this.#text.slice(Math.max(0, nameStart - 20), nameStart));
    if (lead === null) return undefined;
    const end = nameStart - lead[0].length;
    const quotation = this.#quotations.find((other) => other.end === end);
    return quotation && { ...quotation, sure: true };
  }

  /** A quotation, a list or an object. */
  #wholeValueAt(start: number): SpokenValue | undefined {
    const quotation = this.#quotations.find((other) => other.start === start);
    if (quotation !== undefined) return quotation;
    if (!'[{'.includes(this.#text[start] ?? ' ')) return undefined;
    const end = endOfJson(this.#text, start);
    return end === undefined ? undefined : { start, end, value: { text: this.#text.slice(start, end), quoted: false } };
  }

  /** `Read "b.txt" with read_file.` */
  #readBefore(nameStart: number): (SpokenValue & { sure: boolean })[] {
    const before = this.#text.slice(0, nameStart);
    const identifiers = [IDENTIFIER, PROPER].flatMap((pattern) =>
      [...before.matchAll(pattern)].map(({ index, 0: text, 1: raw = text }) => {
        const start = index + text.indexOf(raw);
        return { start, end: start + raw.length, value: { text: raw, quoted: false } };
      }),
    );
    const quotations = this.#quotations.filter(({ end }) => end <= nameStart);
    return [...quotations, ...identifiers]
      .filter(({ value }) => value.quoted || !PURE_NUMBER.test(value.text))
      .map((value) => ({ ...value, sure: true }));
  }

  #readUnnamed(): (SpokenValue & { sure: boolean })[] {
    const sentenceEnd = endOfSentence(this.#text, this.#from);
    const inOrder = ({ start, end }: Span): boolean => start >= this.#from && end <= sentenceEnd;
    const found = this.#quotations
      .filter(({ start }) => start >= this.#from)
      .map((quotation) => ({ ...quotation, sure: inOrder(quotation) }));
    for (const { pattern, byForm } of UNNAMED) {
      for (const match of this.#text.slice(this.#from).matchAll(pattern)) {
        const raw = match[1] ?? '';
        const start = this.#from + match.index + match[0].indexOf(raw);
        const text = raw.trim();
        const span = { start, end: start + raw.length };
        if (text === '' || (pattern === IDENTIFIER && PURE_NUMBER.test(text))) continue;
        found.push({ ...span, value: { text, quoted: false }, sure: byForm && inOrder(span) });
      }
    }
    return found;
  }
}

const HAN_LETTER = /\p{Script=Han}/u;
/** Han letters stand before and after a name without a space. */
const NOT_IN_WORD = '(?<!(?!\\p{Script=Han})[\\p{L}\\p{N}_])';
const NOT_BEFORE_WORD = '(?!(?!\\p{Script=Han})[\\p{L}\\p{N}_])';

/** What stands between a name and its value; in group 1 what surely announces one. */
const CONNECTIVE =
  /^["'`”’」』)*]{0,3}(?:\s+(?:parameter|argument|param|arg|field|option|参数))?(?:\s*\([^()\n]{1,40}\))?(?:\s*(:=|[:=：＝]|->|=>|(?:设置|设定|设|改|定)?为|等于|是)\s*|\s+(set to|equal to|equals|(?:should|must|shall|to) be|being|is|are|ist|sei|lautet)\s+|\s+(?:of|to|as|auf)\s+|\s*)/iu;
const AS_NAME = /\s*(?:\bas\s+(?:the\s+|its\s+|a\s+)?|(?:作为|当作|做)\s*)$/i;

const BARE = /^[^\s,，;；。、！？"“”「」『』`]{1,200}/u;
/** A name of several words: `New York`, `Rio de Janeiro`. */
const PROPER_NAME = /^\p{Lu}[\p{L}\p{N}_'’-]*(?:\s+(?:de|la|of|da|do|\p{Lu}[\p{L}\p{N}_'’-]*))*/u;
/** In Chinese, what begins another clause without a space. */
const HAN_END = /的|然后|并且|并|再|和|以及|来/;
const NO_VALUE =
  /^(?:und|oder|mit|für|aus|zu|bitte|der|die|das|and|or|with|for|in|of|to|the|a|an|is|are|as|from|by|on|at|please|that|this|which|it|i|we|you|my|your|our|above|below|here|there|mentioned|given|again|if|so|then)$/i;
/** A value by its form, not a word of prose: `b.txt`, `src/a`, `snake_case`, `2024`, `Paris`, `true`. */
const VALUE_FORM =
  /^[$€£¥]?[-+]?\d|[\w\p{L}][._/@:\\-][\w\p{L}]|^\p{Lu}|^[./~]|^(?:true|false|null|yes|no|on|off)$|\p{Script=Han}/u;
/** Where a word ends what it belongs to, no longer phrase begins with it. */
const CLOSED = /^\s*(?:[,，.;；。!！?？)]|$|\n|(?:and|with|then|or)\b)/i;

/** A value without quotes. `announced`: behind a mark or a verb that nothing but a value follows. */
function bareValue(text: string, start: number, announced: boolean): NamedValue | undefined {
  const rest = text.slice(start, start + 300);
  const word = BARE.exec(rest)?.[0] ?? '';
  const phrase = PROPER_NAME.exec(rest)?.[0] ?? '';
  const whole = HAN_LETTER.test(word) ? word.slice(0, HAN_END.exec(word.slice(1))?.index ?? word.length) || word : word;
  const longer = phrase.length > whole.length ? phrase : whole;
  const bare = longer.replace(/[.!?:]+$/, '').replace(/[)\]}>'’*]+$/, (end) => (/[([{<]/.test(longer) ? end : ''));
  if (bare === '' || NO_VALUE.test(bare) || (announced && isTypeName(text.slice(start, start + 40)))) return undefined;
  const end = start + bare.length;
  return {
    start,
    end,
    value: { text: bare, quoted: false },
    sure: announced || VALUE_FORM.test(bare) || CLOSED.test(text.slice(end, end + 8)),
  };
}

/** Each kind of quotation marks; a backslash keeps the mark behind it from ending the quotation. */
const QUOTATION =
  /"((?:[^"\\\n]|\\.){1,4000})"|„([^“”\n]{1,4000})[“”]|“([^”\n]{1,4000})”|‘([^’\n]{1,4000})’|`([^`\n]{1,4000})`|「([^」\n]{1,4000})」|『([^』\n]{1,4000})』|«([^»\n]{1,4000})»|(?<!\w)'((?:[^'\\\n]|\\.|(?<=\w)'(?=\w)){1,4000})'(?!\w)/g;

/** Whether what is in quotes goes on before and behind a place. */
export function isQuoted(text: string, start: number, end: number): boolean {
  return [...text.matchAll(QUOTATION)].some((match) => {
    const stop = match.index + match[0].length;
    return match.index < start && end < stop && !(match.index === start - 1 && stop === end + 1);
  });
}

/** The quotations that are values; others are the names of parameters: `path` "b.txt", "path": "b.txt". */
function quotationsIn(text: string, names: ReadonlySet<string>): SpokenValue[] {
  const found: SpokenValue[] = [];
  for (const match of text.matchAll(QUOTATION)) {
    const start = match.index;
    const end = start + match[0].length;
    const content = match.slice(1).find((group) => group !== undefined) ?? '';
    const following = text.slice(end, end + 24);
    if (/^\s*[:=：＝]/.test(following) || (names.has(squeezed(content)) && BEFORE_VALUE.test(following))) continue;
    found.push({ start, end, value: { text: withoutEscapes(content), quoted: true } });
  }
  return found;
}

/** A name without what its spellings differ in. */
const squeezed = (name: string): string => name.replace(/[-_. ]/g, '').toLowerCase();
const BEFORE_VALUE = /^\s*(?:is|to|as|of|set to|->|=>|为|是|设为)?\s*["'`“‘「『\d]/i;

function withoutEscapes(content: string): string {
  if (!content.includes('\\')) return content;
  try {
    return String(JSON.parse(`"${content.replaceAll("\\'", "'")}"`));
  } catch {
    return content;
  }
}

/** The JSON objects behind the tool's name, whose members name values. */
function objectsIn(text: string, from: number, quotations: readonly Span[]) {
  const found: (Span & { value: Record<string, unknown> })[] = [];
  for (let at = text.indexOf('{', from); at >= 0 && found.length < MAX_OBJECTS; ) {
    const end = quotations.some(({ start, end }) => start < at && at < end) ? undefined : endOfJson(text, at);
    const value = end === undefined ? undefined : parseJson(text.slice(at, end));
    if (isObject(value)) found.push({ start: at, end: end ?? at, value });
    at = text.indexOf('{', end ?? at + 1);
  }
  return found;
}

const MAX_OBJECTS = 8;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where the brackets that open at `start` are closed again. */
export function endOfJson(text: string, start: number): number | undefined {
  let depth = 0;
  let inText = false;
  for (let at = start; at < text.length; at += 1) {
    const unit = text[at];
    if (unit === '\\') at += 1;
    else if (unit === '"') inText = !inText;
    else if (inText) continue;
    else if (unit === '{' || unit === '[') depth += 1;
    else if ((unit === '}' || unit === ']') && --depth === 0) return at + 1;
  }
  return undefined;
}

function memberAt(root: unknown, path: readonly string[]): ContextValue[] {
  let found = root;
  for (const name of path) {
    if (!isObject(found) || !Object.hasOwn(found, name)) return [];
    found = found[name];
  }
  return typeof found === 'string' ? [{ text: found, quoted: true }] : [{ text: JSON.stringify(found), quoted: false }];
}

function endOfSentence(text: string, from: number): number {
  let at = from;
  while (at < text.length && !endsSentence(text, at)) at += 1;
  return Math.min(text.length, at + 1);
}

/** `for Paris`, `to New York`, `in Rio de Janeiro` */
const PROPER =
  /\b(?:for|in|of|to|from|about|with|on|at|named|called|near|by)\s+(\p{Lu}[\p{L}\p{N}_'’-]*(?:\s+(?:de|la|of|da|do|\p{Lu}[\p{L}\p{N}_'’-]*))*)/gu;
const HAN =
  /(?:查询|查一下|查找|查|搜索|获取|关于|在|到|去|给|为|城市)\s*([\p{Script=Han}A-Za-z0-9]{1,20}?)(?=的|今天|明天|天气|[，。,.？?！!\s]|$)/gu;
/** An address, a URL, a path or the name of a file, or a word with a digit in it. */
const IDENTIFIER =
  /(?<![\w.@/-])([\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{0,64}\w|https?:\/\/[^\s"'<>]+|[\w./-]{0,80}\d[\w./-]{0,80}\w|[\w.~-]{0,40}\/[\w./-]{0,80}\w|[\w-]{1,80}\.[A-Za-z]\w{0,9})(?!\w)/g;
const PURE_NUMBER = /^[\d.-]+$/;
const NUMBER = /(?<![\w.-])(-?\d+(?:\.\d+)?)(?![\w-])/g;
/** `for best pizza recipes`: to the end of the sentence. */
const REST = /\b(?:for|about|with|to|on|of|in|that says|saying)\s+([^\n.!?;]{1,300})/g;
/** Right behind the tool's name, and all that its sentence says: `search for dogs.` */
const ALONE =
  /^\s*(?:for|on|about)\s+(?!(?:the|an?|my|our|your|his|her|its|their|this|that|these|those|it|them|me|us|you|all|both|each|every|again|now|once)\b)([\p{L}\p{N}_'’-]+(?: [\p{L}\p{N}_'’-]+){0,2})(?=\s*(?:[.!?](?:\s|$)|$))/gu;
const UNNAMED = [
  { pattern: PROPER, byForm: true },
  { pattern: HAN, byForm: true },
  { pattern: IDENTIFIER, byForm: true },
  { pattern: NUMBER, byForm: true },
  { pattern: ALONE, byForm: true },
  { pattern: REST, byForm: false },
];

/** Names that schemas, signatures and documentation give to types; those that are also everyday words are left out. */
const TYPE =
  '(?:str(?:ing)?|num(?:ber)?|int(?:eger)?(?:32|64)?|long|float(?:32|64)?|double|bool(?:ean)?|obj(?:ect)?|dict|array|字符串|整数|数字|布尔值?|对象|数组)';
const GENERIC = '(?:array|list|set|map|record|dict|optional|union|promise|literal)\\s*[<[]';

/** `string`, `"string"`, `string | null`, `string (required)`, `string, the path to read`, `string[]`, `list[str]`, `<string>` */
const TYPE_NAME = new RegExp(
  `^["'\`<{\\s]*(?:(?:an?|optional|required|nullable)\\s+)?(?:${GENERIC}|${TYPE}(?:$|["'\`>}\\s]*$|\\s*[?|<[({,;:=)/&，；。.–—]|\\s+-\\s|\\s+(?:required|optional|or|of|with|that|which|containing)\\b))`,
  'i',
);
/** `{"type": "string", …}` */
const SCHEMA = /^\{\s*"(?:type|\$ref|anyOf|enum)"\s*:/;

/** Whether a text that stands where a value may stand says of which type the value is. */
export const isTypeName = (text: string): boolean => TYPE_NAME.test(text.slice(0, 80)) || SCHEMA.test(text);

/** Whether a name is followed by its type, as in `path (string)`: what comes then describes it. */
export const declaresType = (name: string): boolean => isTypeName(/[(（]\s*(.*)$/s.exec(name)?.[1] ?? '');
