import type { Role } from '../../contract/messages.ts';
import { facts } from '../text/facts.ts';
import { sentences } from '../text/sentences.ts';
import { isDeclaration, setsConstant } from './code-lines.ts';
import { hasErrorLevel, sectionOf } from './cues.ts';
import { chop, oneLine, quote } from './quote.ts';
import { textBlocks } from './text-blocks.ts';
import type { Draft, Fact } from './unit.ts';

const LIST_MARK = /^(?:[-*+•>]|#{1,6})\s+/;
/** A value that can be told apart from every other: digits, capitals, an address, something in code quotes. */
const SPECIFIC = /\d|[A-Z]{2}|\w@\w|:\/\/|^[A-Z][a-z]+(?: [A-Z][a-z]+)*$|[一二三四五六七八九十百千万两]{2}/;
const SHORT_VALUE = 48;
const NAMES_OR_NUMBERS = /\d|\S\s+["“‘(]?[A-Z][\w-]*[a-z0-9]|[A-Z]{3}|[“《「]/;

/** The pieces of a text that may be kept: sentences, lines of code, lines of logs. */
export function* textDrafts(text: string, role: Role): Generator<Draft> {
  for (const block of textBlocks(text)) {
    if (block.kind === 'code') yield* codeDrafts(block.text);
    else if (block.kind === 'log') yield* logDrafts(block.text);
    else yield* proseDrafts(block.text, role);
  }
}

function* proseDrafts(paragraph: string, role: Role): Generator<Draft> {
  for (const { start, end } of sentences(paragraph)) {
    const text = quote(paragraph.slice(start, end).replace(LIST_MARK, ''));
    if (text !== '') yield proseDraft(text, role);
  }
}

/** One sentence, already quoted, judged by its words. */
export function proseDraft(text: string, role: Role): Draft {
  const told = facts(text);
  const strength = Math.max(0, ...told.map((fact) => strengthOf(fact.value)));
  const section = sectionOf(text, role, strength >= 0.5);
  const detail = NAMES_OR_NUMBERS.test(text) ? 0.25 : 0;
  return {
    section,
    text,
    weight: 1 + Math.max(strength * 0.5, detail),
    facts: told.map(toFact),
    joint: ' ',
    log: false,
  };
}

function strengthOf(value: string): number {
  if (value.length > SHORT_VALUE * 3) return 0;
  if (SPECIFIC.test(value)) return 1;
  return value.length <= SHORT_VALUE ? 0.5 : 0.2;
}

function toFact(fact: { key: string; value: string }): Fact {
  const plain = factKey(fact.key);
  return { key: plain, plain, value: fact.value };
}

const DETERMINER = /^(?:the|a|an|my|our|your|his|her|their|its|我的|我们的|你的|您的)\s*/;

/** Keys that differ in case, article, markup or the like speak of the same thing. */
export function factKey(key: string): string {
  return key
    .toLowerCase()
    .replace(/[*_`"'\s-]+/g, ' ')
    .trim()
    .replace(DETERMINER, '');
}

function* codeDrafts(line: string): Generator<Draft> {
  const declares = isDeclaration(line);
  const weight = (declares ? 1.3 : 0.7) * (setsConstant(line) ? 1.6 : 1);
  for (const piece of chop(oneLine(line))) {
    const section = declares || weight > 1 ? 'files' : 'notes';
    yield { section, text: quote(piece), weight, facts: [], joint: ' ', log: false };
  }
}

function* logDrafts(line: string): Generator<Draft> {
  const section = hasErrorLevel(line) ? 'errors' : 'logs';
  for (const piece of chop(oneLine(line))) {
    yield { section, text: quote(piece), weight: 1, facts: [], joint: ' ', log: true };
  }
}
