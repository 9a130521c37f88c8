import { classOfUnit, isBlank, OTHER, RUN_ON } from '../text/sentences.ts';

/** Not a word of the lexicon. */
const UNKNOWN = -1;

/** Code of what separates words. */
const APART = 1;
/** Code of a letter of a script without spaces. */
const RUNNING = 2;

/** The code of each unit; 0 where it has not been met yet. */
const codes = new Uint16Array(0x1_0000);

/** {@link APART}, {@link RUNNING}, or, for letters and digits of words, the unit in lowercase: all that a scan asks of a unit. */
function codeOf(unit: number): number {
  const known = codes[unit];
  if (known) return known;
  const kind = classOfUnit(unit);
  const code = kind === OTHER ? APART : kind === RUN_ON ? RUNNING : lowercase(unit);
  codes[unit] = code;
  return code;
}

function lowercase(unit: number): number {
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

/** A unit as it counts in a hash: letters and digits in lowercase, others as they are. */
function fold(unit: number): number {
  const code = codeOf(unit);
  return code > RUNNING ? code : unit;
}

/** The running hash of a word's units: `mix(mix(0, a), b)`. */
const mix = (hash: number, unit: number): number => (Math.imul(hash, 31) + unit) | 0;

/**
 * Words to look for, each with a number, found by the hash that a scan computes as it goes: no string is made for
 * the words of a text that nobody asked about.
 */
export class Lexicon {
  #hashes = new Int32Array(64);
  #slots: ({ word: string; id: number } | undefined)[] = new Array(64);
  #size = 0;

  /** Adds a lowercase word; the first number given to a word stays. */
  add(word: string, id: number): void {
    if (word === '') return;
    if (this.#size * 4 >= this.#slots.length) this.#grow();
    let hash = 0;
    for (let at = 0; at < word.length; at += 1) hash = mix(hash, fold(word.charCodeAt(at)));
    this.#insert(hash, word, id);
  }

  /** The number of the word at `start … end` of a text, whose hash is known, or {@link UNKNOWN}. */
  find(hash: number, text: string, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot];
      if (entry === undefined) return UNKNOWN;
      if (this.#hashes[slot] === hash && sameWord(entry.word, text, start, end)) return entry.id;
    }
  }

  #insert(hash: number, word: string, id: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let entry = this.#slots[slot]; entry !== undefined; entry = this.#slots[slot]) {
      if (entry.word === word) return;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = { word, id };
    this.#hashes[slot] = hash;
    this.#size += 1;
  }

  #grow(): void {
    const { hashes, slots } = { hashes: this.#hashes, slots: this.#slots };
    this.#hashes = new Int32Array(slots.length * 2);
    this.#slots = new Array(slots.length * 2);
    this.#size = 0;
    slots.forEach((entry, slot) => {
      if (entry !== undefined) this.#insert(hashes[slot] ?? 0, entry.word, entry.id);
    });
  }
}

function sameWord(word: string, text: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let at = 0; at < word.length; at += 1) {
    if (fold(text.charCodeAt(start + at)) !== word.charCodeAt(at)) return false;
  }
  return true;
}

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

/** Ids from here on name words of keys only: they are not terms of a sentence. */
export const KEY_ONLY = 31;

/** Units of the longest way from a word that was asked about to the separator of the fact that it names. */
const KEY_REACH = 48;
/** Between a word and `:` there may be quotes, spaces and marks of emphasis … */
const NEAR = 8;
/** … and before `is` some words: `the code has now been set to`. */
const WORDS_BETWEEN = 3;
/** A stretch without an end counts as a sentence of this many units. */
const LONGEST = 500;

const hashOf = (word: string): number => [...word].reduce((hash, letter) => mix(hash, letter.charCodeAt(0)), 0);
const IS = hashOf('is');
const ARE = hashOf('are');
const TO = hashOf('to');

/**
 * One pass over `from … to` of a text for the lexicon's words, the separators behind them and the sentences around them.
 * Sentences are told roughly here, since most are never looked at again. Questions are passed over.
 *
 * One long function on purpose: every character of the window comes through this loop, and locals that a helper's closure
 * captures would cost twice the time.
 */
export function scan(text: string, from: number, to: number, lexicon: Lexicon): Findings {
  const found: Findings = { separators: [], hits: [], lengths: [], masks: [], sentences: 0 };
  let previous = 0;
  let lastHit = -KEY_REACH - 1;
  let wordsSince = WORDS_BETWEEN + 1;
  let sentenceStart = from;
  let firstHit = -1;
  let mask = 0;

  // Words right before the block may be part of a key whose separator is in it.
  for (let at = Math.max(0, from - KEY_REACH); at <= to; at += 1) {
    let unit = at < to ? text.charCodeAt(at) : 0x0a;
    let code = codeOf(unit);
    if (code > RUNNING) {
      const wordStart = at;
      let hash = 0;
      do {
        hash = mix(hash, code);
        at += 1;
        unit = at < to ? text.charCodeAt(at) : 0x0a;
        code = codeOf(unit);
      } while (code > RUNNING);
      const spoken = hash === IS || hash === ARE || hash === TO;
      if (spoken && wordStart >= from && wordsSince <= WORDS_BETWEEN && wordStart - lastHit <= KEY_REACH) {
        found.separators.push(wordStart);
      }
      const id = lexicon.find(hash, text, wordStart, at);
      // "The code is: 7" — the word between does not count.
      if (id === UNKNOWN) wordsSince += spoken ? 0 : 1;
      else {
        wordsSince = 0;
        lastHit = at;
        if (wordStart >= from && id < KEY_ONLY) {
          if (mask === 0) firstHit = wordStart;
          mask |= 1 << id;
        }
      }
      previous = 0;
    }
    if (code === RUNNING) {
      if ((unit === 0x662f || unit === 0x4e3a) && at >= from && at - lastHit <= NEAR) found.separators.push(at);
      if (previous !== 0) {
        const id = lexicon.find(mix(mix(0, previous), unit), text, at - 1, at + 1);
        if (id !== UNKNOWN) {
          wordsSince = 0;
          lastHit = at + 1;
          if (at > from && id < KEY_ONLY) {
            if (mask === 0) firstHit = at - 1;
            mask |= 1 << id;
          }
        }
      }
      previous = unit;
      continue;
    }
    previous = 0;
    if (at < from) continue;
    if (unit === 0x3a || unit === 0x3d || unit === 0xff1a || unit === 0xff1d) {
      const near = wordsSince === 0 && at - lastHit <= NEAR;
      if (near || (at - lastHit <= KEY_REACH && closesParenthesis(text, at))) found.separators.push(at);
    }
    if (at === to || endsRoughly(text, at, unit) || at - sentenceStart >= LONGEST) {
      if (mask !== 0 || at - sentenceStart > 1) found.sentences += 1;
      if (mask !== 0 && unit !== 0x3f && unit !== 0xff1f) {
        found.hits.push(firstHit);
        found.lengths.push(at + 1 - sentenceStart);
        found.masks.push(mask);
      }
      sentenceStart = at + 1;
      mask = 0;
    }
  }
  return found;
}

function endsRoughly(text: string, at: number, unit: number): boolean {
  if (unit === 0x0a || unit === 0x3002 || unit === 0xff01 || unit === 0xff1f || unit === 0xff1b) return true;
  if (unit !== 0x2e && unit !== 0x21 && unit !== 0x3f) return false;
  const next = text.charCodeAt(at + 1);
  return isBlank(next) || next === 0x0a || Number.isNaN(next);
}

/** `Price (USD):` */
function closesParenthesis(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  return before === 0x29 || before === 0xff09;
}
