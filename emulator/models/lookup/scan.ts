import { classOfUnit, isBlank, RUN_ON, WORD } from '../../text/characters.ts';
import { fold, type Lexicon, mix, UNKNOWN } from './lexicon.ts';

/** Units between the end of a word that was asked about and the separator of a fact that it may name. */
const KEY_REACH = 48;
/** A stretch without an end counts as a sentence of this many units. */
const LONGEST = 500;

/** What one block of text holds. The lists of sentences run in parallel; only sentences with a hit are listed. */
export interface Findings {
  /** Where a separator may stand behind a word that was asked about. */
  separators: number[];
  /** A place inside the sentence: its first hit. */
  hits: number[];
  /** Units. */
  lengths: number[];
  /** Bit `id` for each term found. */
  masks: number[];
  /** Sentences of the block, with and without hits. */
  sentences: number;
}

const hashOf = (word: string): number => [...word].reduce((hash, letter) => mix(hash, letter.charCodeAt(0)), 0);
const IS = hashOf('is');
const ARE = hashOf('are');
const TO = hashOf('to');

/** Ids from here on name words of keys only: they are no terms of a sentence. */
export const KEY_ONLY = 31;

/**
 * One pass over `from … to` of a text for the lexicon's words, the separators behind them and the sentences around them.
 * Sentences are told roughly here, since most are never looked at again. Questions are passed over.
 */
export function scan(text: string, from: number, to: number, lexicon: Lexicon): Findings {
  const found: Findings = { separators: [], hits: [], lengths: [], masks: [], sentences: 0 };
  let hash = 0;
  let wordStart = -1;
  let previous = 0;
  let lastHit = -KEY_REACH - 1;
  let sentenceStart = from;
  let firstHit = -1;
  let mask = 0;

  const hit = (id: number, start: number, end: number): void => {
    lastHit = end;
    if (start < from || id >= KEY_ONLY) return;
    if (mask === 0) firstHit = start;
    mask |= 1 << id;
  };
  const separator = (at: number): void => {
    if (at >= from && at - lastHit <= KEY_REACH) found.separators.push(at);
  };
  const endSentence = (at: number, asked: boolean): void => {
    if (at - sentenceStart < 2 && mask === 0) {
      sentenceStart = at;
      return;
    }
    found.sentences += 1;
    if (mask !== 0 && !asked) {
      found.hits.push(firstHit);
      found.lengths.push(at - sentenceStart);
      found.masks.push(mask);
    }
    sentenceStart = at;
    mask = 0;
  };
  const endWord = (at: number): void => {
    if (hash === IS || hash === ARE || hash === TO) separator(wordStart);
    const id = lexicon.find(hash, text, wordStart, at);
    if (id !== UNKNOWN) hit(id, wordStart, at);
    wordStart = -1;
  };

  // Words right before the block may be part of a key whose separator is in it.
  for (let at = Math.max(0, from - KEY_REACH); at < to; at += 1) {
    const unit = text.charCodeAt(at);
    const kind = classOfUnit(unit);
    if (kind === WORD) {
      if (wordStart < 0) {
        wordStart = at;
        hash = 0;
      }
      hash = mix(hash, fold(unit));
      previous = 0;
      continue;
    }
    if (wordStart >= 0) endWord(at);
    if (kind === RUN_ON) {
      if (unit === 0x662f || unit === 0x4e3a) separator(at);
      if (previous !== 0) {
        const id = lexicon.find(mix(mix(0, previous), unit), text, at - 1, at + 1);
        if (id !== UNKNOWN) hit(id, at - 1, at + 1);
      }
      previous = unit;
      continue;
    }
    previous = 0;
    if (unit === 0x3a || unit === 0x3d || unit === 0xff1a || unit === 0xff1d) separator(at);
    else if (at >= from && endsRoughly(text, at, unit)) endSentence(at + 1, unit === 0x3f || unit === 0xff1f);
    if (at - sentenceStart >= LONGEST) endSentence(at, false);
  }
  if (wordStart >= 0) endWord(to);
  endSentence(to, false);
  return found;
}

function endsRoughly(text: string, at: number, unit: number): boolean {
  if (unit === 0x0a || unit === 0x3002 || unit === 0xff01 || unit === 0xff1f || unit === 0xff1b) return true;
  if (unit !== 0x2e && unit !== 0x21 && unit !== 0x3f) return false;
  const next = text.charCodeAt(at + 1);
  return isBlank(next) || next === 0x0a || Number.isNaN(next);
}
