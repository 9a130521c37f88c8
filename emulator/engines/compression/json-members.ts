import { type Passage, plainPassage } from './candidates.ts';
import { factKey } from './sentence-features.ts';
import { oneLine, QUOTE_CHARS, quote } from './summary-format.ts';

/** A scalar of a JSON text under its key, or a string long enough to be a text of its own, or what follows the JSON. */
interface JsonMember {
  readonly kind: 'member' | 'text' | 'rest';
  /** Objects that are items of an array, and the outermost one, are records of their own. */
  readonly record: number;
  /** The last two keys of its path within the record, joined by a dot. */
  readonly key: string;
  readonly value: string;
}

interface Frame {
  readonly array: boolean;
  readonly key: string;
  readonly record: number;
  /** An object: the key read last. */
  pending: string;
  /** An array: its scalars so far, given as one member. */
  items: string[];
  itemChars: number;
}

/** Deeper levels are read as if they were this deep: real texts are shallow, hostile ones are not. */
const MAX_DEPTH = 256;
/** Marks read between two pauses. */
const MARKS_A_PAUSE = 2_048;
const OPENS_JSON = /^\s*(?:\{\s*["}]|\[\s*[[{"\]])/;
const BARE = /[^\s,\]}[{":]+/y;
const MARK = /[{}[\]":,]|[^\s{}[\]":,]/g;

export const looksLikeJson = (text: string): boolean => OPENS_JSON.test(text.slice(0, 200));

/**
 * The members of a JSON text in order. Reads it from left to right without building it and without recursion, so that
 * a text of any size and depth, cut at its head or tail, gives what it still holds, a member at a time; undefined is
 * a pause.
 */
export function* jsonMembers(text: string): Generator<JsonMember | undefined> {
  const stack: Frame[] = [];
  let records = 0;
  let at = 0;
  let deeper = 0;
  for (let marks = 1; ; marks++) {
    if (marks % MARKS_A_PAUSE === 0) yield undefined;
    MARK.lastIndex = at;
    const found = MARK.exec(text);
    if (!found) break;
    const mark = found[0];
    at = found.index;
    const top = stack.at(-1);
    if ((mark === '{' || mark === '[') && stack.length === MAX_DEPTH) {
      deeper++;
      at++;
    } else if ((mark === '}' || mark === ']') && deeper > 0) {
      deeper--;
      at++;
    } else if (mark === '{' || mark === '[') {
      const isRecord = mark === '{' && (top === undefined || top.array);
      const key = top === undefined || isRecord ? '' : top.pending || top.key;
      if (isRecord) records++;
      stack.push({
        array: mark === '[',
        key,
        record: isRecord ? records : (top?.record ?? 0),
        pending: '',
        items: [],
        itemChars: 0,
      });
      at++;
    } else if (mark === '}' || mark === ']') {
      if (top) yield* flush(top);
      stack.pop();
      const outer = stack.at(-1);
      if (outer) outer.pending = '';
      at++;
    } else if (mark === ',' || mark === ':') {
      at++;
    } else {
      if (!top) {
        yield { kind: 'rest', record: 0, key: '', value: text.slice(at) };
        return;
      }
      const [literal, end] = mark === '"' ? readString(text, at) : readBare(text, at);
      at = end;
      yield* scalar(top, literal, mark === '"' && isKey(text, end));
    }
  }
  for (const frame of stack) yield* flush(frame);
}

function* scalar(top: Frame, literal: string, key: boolean): Generator<JsonMember> {
  if (!top.array) {
    if (key) top.pending = literal;
    else if (top.pending !== '') {
      yield member(top.record, top.key === '' ? top.pending : `${top.key}.${top.pending}`, literal);
      top.pending = '';
    }
    return;
  }
  if (literal.length > QUOTE_CHARS || literal.includes('\n')) {
    yield member(top.record, top.key, literal);
    return;
  }
  if (top.itemChars + literal.length > QUOTE_CHARS / 2) yield* flush(top);
  top.items.push(literal);
  top.itemChars += literal.length + 2;
}

function* flush(frame: Frame): Generator<JsonMember> {
  if (frame.items.length > 0) yield member(frame.record, frame.key, frame.items.join(', '));
  frame.items = [];
  frame.itemChars = 0;
}

function member(record: number, key: string, value: string): JsonMember {
  const isText = value.length > QUOTE_CHARS / 2 || value.includes('\n');
  return { kind: isText ? 'text' : 'member', record, key, value };
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' && at < end + 16) at++;
  return text[at] === ':';
}

function readString(text: string, start: number): [string, number] {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  if (end === -1) return [unescaped(text.slice(start + 1)), text.length];
  return [unescaped(text.slice(start + 1, end)), end + 1];
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first--;
  return (at - first) % 2 === 1;
}

function unescaped(body: string): string {
  if (!body.includes('\\')) return body;
  try {
    return String(JSON.parse(`"${body.replace(/[\n\r\t]/g, ' ')}"`));
  } catch {
    return body;
  }
}

function readBare(text: string, start: number): [string, number] {
  BARE.lastIndex = start;
  const literal = BARE.exec(text)?.[0] ?? text.charAt(start);
  return [literal, start + literal.length];
}

/** A member of a JSON text as a piece of its own, or a longer text that stands in it. */
type MemberPiece = Member | { readonly text: string };

interface Member {
  readonly passage: Passage;
  readonly record: number;
  /** Equal for members of the same thing; undefined where that cannot be known. */
  readonly scope: string | undefined;
  /** It says which thing its record describes. */
  readonly names: boolean;
}

const KEY_CHARS = 80;
/** Members that say which thing their record describes. */
const NAMES_RECORD = /(?:^|[._])(?:id|uuid|key|name|number|code|sku|path|file|url)$|[a-z]I[dD]$/;
/** One word of letters and digits: what later calls name things by. */
const IDENTIFIER = /^(?=.{3,64}$)(?=.*\d)(?=.*\p{L})(?!\d{4}-\d\d)[\p{L}\p{N}_./:-]+$/u;
const IDENTIFIER_WEIGHT = 1.3;
/** When a record was written, to the second. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:|^\d\d:\d\d:\d\d/;
const STAMP_WEIGHT = 0.4;
const EMPTY = new Set(['', 'null', 'undefined']);
/** A flag or a small number: says something only together with its name. */
const TRIVIAL = /^(?:true|false|yes|no|\d{1,2})$/i;

/**
 * The members of a JSON text, as `key: value`; undefined is a pause. `source` names where it came from (a call and its
 * arguments): where no member names its record, a later text of the same source speaks of the same things.
 */
export function* memberPieces(text: string, source: string): Generator<MemberPiece | undefined> {
  let record = -1;
  let scope: string | undefined;
  let named = false;
  for (const member of jsonMembers(text)) {
    if (member?.kind !== 'member') {
      yield member && { text: member.value };
      continue;
    }
    if (member.record !== record) {
      record = member.record;
      named = false;
      scope = source === '' ? (record <= 1 ? '' : undefined) : `${source} ${record}`;
    }
    const name = oneLine(member.key).slice(0, KEY_CHARS);
    const names: boolean = !named && NAMES_RECORD.test(name);
    if (names) scope = `${name}=${member.value}`;
    named ||= names;
    const passage = memberPassage(name, member.value, scope);
    if (passage.text !== '') yield { passage, record, scope, names };
  }
}

function memberPassage(name: string, value: string, scope: string | undefined): Passage {
  const plain = factKey(name);
  const fact = { key: scope === '' ? plain : `${scope}\n${plain}`, name: plain, value };
  return {
    ...plainPassage('facts', quote(name === '' ? value : `${name}: ${value}`)),
    weight: weightOf(value),
    facts: scope === undefined || name === '' ? [] : [fact],
    salience: salienceOf(value),
    joint: '; ',
  };
}

function weightOf(value: string): number {
  if (IDENTIFIER.test(value)) return IDENTIFIER_WEIGHT;
  return STAMP.test(value) ? STAMP_WEIGHT : 1;
}

function salienceOf(value: string): number {
  if (EMPTY.has(value)) return 0;
  return TRIVIAL.test(value) ? 0.6 : 1;
}
