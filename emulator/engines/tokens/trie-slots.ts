import { TRIE_BASE_SHIFT, TRIE_EMPTY, TRIE_ROOT } from './vocabulary.ts';

/** A node's children stand in one block: their places differ in the byte only. */
const BLOCK = 256;
/** Only so many of the newest blocks are searched for room; what is still free in older ones stays empty. */
const OPEN_BLOCKS = 16;
/** More than twice what the known vocabularies take. */
export const MAX_SLOTS = 2 ** 20;

/** The growing double array: which slots and bases are taken, and a ring of the free slots of the open blocks. */
export class TrieSlots {
  #words = new Int32Array(MAX_SLOTS);
  #baseTaken = new Uint8Array(MAX_SLOTS);
  #next = new Int32Array(MAX_SLOTS);
  #previous = new Int32Array(MAX_SLOTS);
  #head = -1;
  #size = 0;

  constructor() {
    this.#addBlock();
    this.#take(TRIE_ROOT, TRIE_EMPTY);
    // Nodes without children have base 0, which must therefore be nobody's.
    this.#baseTaken[0] = 1;
  }

  /** Gives `node` children with these labels and returns its base. */
  place(node: number, labels: readonly number[]): number {
    const base = this.#findBase(labels);
    this.#baseTaken[base] = 1;
    this.#words[node] = (base << TRIE_BASE_SHIFT) | ((this.#words[node] as number) & ((1 << TRIE_BASE_SHIFT) - 1));
    for (const label of labels) this.#take(base ^ label, label);
    return base;
  }

  finish(): Int32Array {
    return this.#words.slice(0, this.#size);
  }

  #findBase(labels: readonly number[]): number {
    const first = labels[0] as number;
    if (this.#head !== -1) {
      let slot = this.#head;
      do {
        const base = slot ^ first;
        if (this.#baseTaken[base] === 0 && labels.every((label) => this.#isFree(base ^ label))) return base;
        slot = this.#next[slot] as number;
      } while (slot !== this.#head);
    }
    const base = this.#size ^ first;
    this.#addBlock();
    return base;
  }

  #isFree(slot: number): boolean {
    return this.#words[slot] === TRIE_EMPTY && slot !== TRIE_ROOT;
  }

  #take(slot: number, label: number): void {
    this.#unlink(slot);
    this.#words[slot] = label;
  }

  #addBlock(): void {
    const closed = this.#size - OPEN_BLOCKS * BLOCK;
    if (closed >= 0) {
      for (let slot = closed; slot < closed + BLOCK; slot++) if (this.#next[slot] !== -1) this.#unlink(slot);
    }
    const from = this.#size;
    if (from === MAX_SLOTS) throw new RangeError('its tokens are too many or too long');
    this.#size += BLOCK;
    this.#words.fill(TRIE_EMPTY, from, this.#size);
    for (let slot = from; slot < this.#size; slot++) this.#link(slot);
  }

  #link(slot: number): void {
    if (this.#head === -1) {
      this.#head = this.#next[slot] = this.#previous[slot] = slot;
      return;
    }
    const last = this.#previous[this.#head] as number;
    this.#next[last] = this.#previous[this.#head] = slot;
    this.#previous[slot] = last;
    this.#next[slot] = this.#head;
  }

  #unlink(slot: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    this.#next[slot] = -1;
    if (next === slot) {
      this.#head = -1;
      return;
    }
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (this.#head === slot) this.#head = next;
  }
}
