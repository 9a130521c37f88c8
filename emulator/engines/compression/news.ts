import { type Fact as FoundFact, facts } from '../text/facts.ts';
import type { Fact } from './unit.ts';

/** What a sentence tells beyond its words. */
export interface News {
  readonly told: Fact[];
  /** 0 … 1, see `Draft.news`. */
  readonly news: number;
  /** It gives a value for a name, surely enough to stand among the facts. */
  readonly isFact: boolean;
}

/** A value that can be told apart from every other: digits, capitals, an address, a name. */
const SPECIFIC = /\d|[A-Z]{2}|\w@\w|:\/\/|^[A-Z][a-z]+(?: [A-Z][a-z]+)*$|[一二三四五六七八九十百千万两]{2}/;
/** Facts of one sentence that are looked at. */
const MAX_FACTS = 12;
const SHORT_VALUE = 48;
const LONG_VALUE = 144;
/** Before a colon: introduces what somebody said, not a value. */
const SPEAKS = /(?:[道说說曰问問答叫骂叹嚷喊]|\b(?:said|says|asked|asks|replied|answered|added|wrote|cried))$/i;
/** A fact of half its sentence is the sentence's point. */
const WHOLE_OF = 2;
/** Between a name and its value: a form rather than a sentence. */
const LABELS = /[:=：＝]/;
const QUOTES = new Set('"\'`');

/** In a sentence without a fact that can be read as one. */
const NUMBERS = /\d|[一二三四五六七八九十百千万两]{2}/;
const NUMBER_NEWS = 0.7;
const NAME_NEWS = 0.4;
const NAMES = /\S\s+["“‘(]?[A-Z][\w-]*[a-z0-9]|[A-Z]{3}|《/;

/** Reads what a sentence tells. */
export function readNews(text: string): News {
  const found = facts(text)
    .filter((fact) => !SPEAKS.test(fact.key))
    .slice(0, MAX_FACTS);
  const strength = Math.max(0, ...found.map((fact) => strengthOf(fact, text)));
  const detail = NUMBERS.test(text) ? NUMBER_NEWS : NAMES.test(text) ? NAME_NEWS : 0;
  return { told: found.map(toFact), news: Math.max(strength, detail), isFact: strength >= 0.5 };
}

/** How surely a fact says something particular, 0 … 1; less where it is a small part of what its sentence says. */
function strengthOf(fact: FoundFact, text: string): number {
  return particularity(fact, text) * Math.min(1, (WHOLE_OF * (fact.end - fact.start)) / text.length);
}

function particularity({ key, value, start, end }: FoundFact, text: string): number {
  if (value.length > LONG_VALUE) return 0;
  if (SPECIFIC.test(value) || QUOTES.has(text.charAt(start))) return 1;
  if (value.length > SHORT_VALUE) return 0.2;
  return LABELS.test(text.slice(start + key.length, end - value.length)) ? 0.8 : 0.5;
}

function toFact({ key, value }: FoundFact): Fact {
  const plain = factKey(key);
  return { key: plain, plain, value };
}

const DETERMINER = /^(?:the|a|an|my|our|your|his|her|their|its)\s+|^(?:我们的|我的|你的|您的)/;

/** Keys that differ in case, article, markup or the like speak of the same thing. */
export function factKey(key: string): string {
  return key
    .toLowerCase()
    .replace(/[*_`"'\s-]+/g, ' ')
    .trim()
    .replace(DETERMINER, '');
}
