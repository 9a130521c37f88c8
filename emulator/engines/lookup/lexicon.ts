import { classOfUnit, OTHER, RUN_ON } from '../text/words.ts';

/** Not a word of the lexicon. */
export const UNKNOWN = -1;

/** Code of what separates words. */
export const APART = 1;
/** Code of a letter of a script without spaces. */
export const RUNNING = 2;

/** The code of each unit; 0 where it has not been met yet. */
const codes = new Uint16Array(0x1_0000);

/** {@link APART}, {@link RUNNING}, or, for letters and digits of words, the unit in lowercase: all that a scan asks of a unit. */
export function codeOf(unit: number): number {
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
export const mix = (hash: number, unit: number): number => (Math.imul(hash, 31) + unit) | 0;

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
