import { type Key, keyBefore } from './fact-key.ts';
import { maySeparate, type Separator, separatorAt } from './fact-separators.ts';
import { valueAfter } from './fact-value.ts';

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
