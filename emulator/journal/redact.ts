import { lazy } from '../lazy.ts';
import type { ReadText } from './exchange.ts';

const HIDDEN = '[redacted]';
/** Anyone who knows a share id can read the share. */
const SHARE_ID = /shr_(?!\[)[\w-]+/g;
const ESCAPE = /%[0-7][\da-f]/i;
const ESCAPES = /%[0-7][\da-f]/gi;
/** Keys of any service. */
const SECRET = /\b(?:sk|ak)-[\w-]{6,}/g;
/** The possible start of either, at the end of a text that is cut. */
const PARTIAL_SECRET = /(?:shr_?|sh|[sa]k?-?)[\w-]*$|Bearer *\S*$/;
/** A shorter key is a word such as `test`, and not a secret. */
const MIN_KEY_LENGTH = 8;
/** Every secret key has at least so many characters: `sk-x`. */
const KEY_START = 4;
const HASHES = 0x1_0000;
const HASH_MASK = 0xffff;

/** Replaces API keys and share ids in what is shown. */
export class Redactor {
  readonly #keys: KeySet;

  /** @param keys that requests were sent with */
  constructor(keys: Iterable<string>) {
    const secret = [...new Set(keys)].filter((key) => key.length >= MIN_KEY_LENGTH || /^sk-./.test(key));
    this.#keys = new KeySet(secret.flatMap((key) => [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]));
  }

  text(text: string): string {
    const plain = this.#keys.replaceAll(text, HIDDEN).replaceAll(SECRET, HIDDEN).replaceAll(SHARE_ID, `shr_${HIDDEN}`);
    return ESCAPE.test(plain) ? this.#escaped(plain) : plain;
  }

  /** The same for secrets of which any characters are percent-encoded, as each client does it another way. */
  #escaped(text: string): string {
    const escapes: number[] = [];
    const read = text.replaceAll(ESCAPES, (coded, at: number) => {
      escapes.push(at - 2 * escapes.length);
      return String.fromCharCode(Number.parseInt(coded.slice(1), 16));
    });
    const placeOf = (at: number): number => at + 2 * placeIn(escapes, at);
    const found = [SECRET, SHARE_ID].flatMap((pattern) =>
      [...read.matchAll(pattern)].map((match): [number, number] => [match.index, match.index + match[0].length]),
    );
    let result = '';
    let from = 0;
    for (const [start, end] of [...this.#keys.spans(read), ...found].sort(([a], [b]) => a - b)) {
      const place = placeOf(start);
      if (place >= from) result += text.slice(from, place) + HIDDEN;
      from = Math.max(from, placeOf(end));
    }
    return result + text.slice(from);
  }

  /** A stored text as it is shown. A secret that the cut went through is left out with the rest. */
  stored({ head, tail, leftOut, unit }: ReadText): string {
    if (leftOut === 0) return this.text(head);
    const first = this.text(head);
    const last = this.text(tail);
    const begun = Math.max(this.#keys.begunAtEnd(first), PARTIAL_SECRET.exec(first)?.[0].length ?? 0);
    const ended = Math.max(this.#keys.endedAtStart(last), /^[\w-]*/.exec(last)?.[0].length ?? 0);
    return `${first.slice(0, first.length - begun)} [${leftOut} ${unit} left out] ${last.slice(ended)}`;
  }

  /** A JSON value with all its strings redacted. */
  value<Value>(value: Value): Value {
    return this.#visit(value) as Value;
  }

  #visit(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#visit(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#visit(member)]));
  }
}

/** A key is recognised by so many units at its start: text that begins so is hidden as far as it is the key's. */
const PREFIX_UNITS = 64;

/**
 * Finds any of many texts in one pass: a journal of 1,000 requests may have 1,000 keys. Each search is one by halves, because
 * whoever sends requests also chooses keys, such as a thousand that start alike and differ in length.
 */
class KeySet {
  readonly #keys: readonly string[];
  /** Their prefixes, sorted, and for each the place of the longest other that it starts with. */
  readonly #prefixes: readonly string[];
  readonly #within: readonly number[];
  /** Marks the hashes of their first characters. */
  readonly #starts = new Uint8Array(HASHES);
  /** Needed where a text was cut only. */
  readonly #reversed = lazy(() => this.#keys.map(reversed).sort());
  readonly #longest: number;

  /** @param keys of at least `KEY_START` characters */
  constructor(keys: readonly string[]) {
    this.#keys = [...new Set(keys)].sort();
    this.#prefixes = [...new Set(this.#keys.map((key) => key.slice(0, PREFIX_UNITS)))];
    const within: number[] = [];
    for (const [place, prefix] of this.#prefixes.entries()) {
      let outer = place - 1;
      while (outer >= 0 && !prefix.startsWith(this.#prefixes[outer] ?? '')) outer = within[outer] ?? -1;
      within.push(outer);
      let hash = 0;
      for (let unit = 0; unit < KEY_START; unit += 1) hash = nextHash(hash, prefix.charCodeAt(unit));
      this.#starts[hash & HASH_MASK] = 1;
    }
    this.#within = within;
    this.#longest = this.#keys.reduce((most, { length }) => Math.max(most, length), 0);
  }

  replaceAll(text: string, replacement: string): string {
    let result = '';
    let from = 0;
    for (const [start, end] of this.spans(text)) {
      result += text.slice(from, start) + replacement;
      from = end;
    }
    return result + text.slice(from);
  }

  /** Where keys stand, in order, none within another. */
  spans(text: string): [start: number, end: number][] {
    const found: [number, number][] = [];
    if (this.#longest === 0) return found;
    let from = 0;
    let hash = 0;
    for (let place = 0; place < text.length; place += 1) {
      hash = nextHash(hash, text.charCodeAt(place));
      const start = place + 1 - KEY_START;
      if (this.#starts[hash & HASH_MASK] === 0 || start < from) continue;
      const length = this.#lengthAt(text, start);
      if (length === 0) continue;
      from = start + length;
      found.push([start, from]);
      place = from - 1;
    }
    return found;
  }

  /** Length of the longest start of a key that the text ends with: shorter than a prefix, as whole ones are hidden before. */
  begunAtEnd(text: string): number {
    for (let length = Math.min(text.length, this.#longest, PREFIX_UNITS); length > 0; length -= 1) {
      if (someStartsWith(this.#prefixes, text.slice(-length))) return length;
    }
    return 0;
  }

  /** Length of the longest end of a key that the text starts with. */
  endedAtStart(text: string): number {
    const start = reversed(text.slice(0, this.#longest));
    for (let length = start.length; length > 0; length -= 1) {
      if (someStartsWith(this.#reversed(), start.slice(-length))) return length;
    }
    return 0;
  }

  /** Units of the longest key at a place; of one that begins there as another does, those that they share. */
  #lengthAt(text: string, start: number): number {
    const here = text.slice(start, start + PREFIX_UNITS);
    let place = placeIn(this.#prefixes, here);
    if (this.#prefixes[place] !== here) place -= 1;
    while (place >= 0 && !here.startsWith(this.#prefixes[place] ?? '')) place = this.#within[place] ?? -1;
    const length = this.#prefixes[place]?.length ?? 0;
    if (length < PREFIX_UNITS) return length;
    const all = text.slice(start, start + this.#longest);
    const next = placeIn(this.#keys, all);
    return Math.max(shared(all, this.#keys[next - 1] ?? ''), shared(all, this.#keys[next] ?? ''));
  }
}

/** Place of the first of sorted items that does not come before this one. */
function placeIn<Item extends string | number>(sorted: readonly Item[], item: Item): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? item) < item) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Units that both start with. */
function shared(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}

/** A rolling hash: of 16 bits moved by 4, only the last four units are left. */
function nextHash(hash: number, unit: number): number {
  return ((hash << 4) ^ (unit & 0xff)) & HASH_MASK;
}

function reversed(text: string): string {
  return text.split('').reverse().join('');
}

function someStartsWith(sorted: readonly string[], text: string): boolean {
  return sorted[placeIn(sorted, text)]?.startsWith(text) ?? false;
}
