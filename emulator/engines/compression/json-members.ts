import { QUOTE_CHARS } from './quote.ts';

/** A scalar of a JSON text under its key, or a string long enough to be a text of its own, or what follows the JSON. */
export interface JsonMember {
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
  /** An array: its scalars so far, told as one member. */
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
