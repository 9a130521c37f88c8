import { classOfUnit, WORD } from '../../text/characters.ts';

/** Not a word of the lexicon. */
export const UNKNOWN = -1;

const lowercase = new Uint16Array(0x1_0000);

/** The unit in lowercase, for the letters whose lowercase is one unit. */
export function fold(unit: number): number {
  if (unit < 0x80) return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
  const known = lowercase[unit];
  if (known) return known;
  const lower = String.fromCharCode(unit).toLowerCase();
  const folded = lower.length === 1 ? lower.charCodeAt(0) : unit;
  lowercase[unit] = folded;
  return folded;
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

/** Whether a unit belongs to a word with spaces around it. */
export const isWordUnit = (unit: number): boolean => classOfUnit(unit) === WORD;
