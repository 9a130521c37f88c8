import { terms } from '../text/terms.ts';
import { CharacterFrequency } from './character-frequency.ts';
import type { Pacer } from './pacer.ts';
import { worthOf } from './term-worth.ts';
import type { Unit } from './unit.ts';

/** What the second, third, … telling of a term is worth beside the first. */
const DECAY = [1, 0.6, 0.4, 0.3];
const WORN = 0.1;
/** The terms of all units, how rare each is, and how often the units taken so far have told it. */
export class TermIndex {
  readonly #termsOf: readonly Int32Array[];
  readonly #worth: Float64Array;
  readonly #told: Uint8Array;

  private constructor(termsOf: Int32Array[], worth: Float64Array) {
    this.#termsOf = termsOf;
    this.#worth = worth;
    this.#told = new Uint8Array(worth.length);
  }

  static async build(units: readonly Unit[], pacer: Pacer): Promise<TermIndex> {
    const ids = new Map<string, number>();
    const frequency: number[] = [];
    const characters = new CharacterFrequency();
    const termsOf: Int32Array[] = [];
    for (const unit of units) {
      if (pacer.due()) await pacer.rest();
      const own = new Set<number>();
      for (const term of unit.weight > 0 ? terms(unit.text) : []) {
        let id = ids.get(term);
        if (id === undefined) {
          id = ids.size;
          ids.set(term, id);
          frequency.push(0);
        }
        if (own.has(id)) continue;
        own.add(id);
        frequency[id] = (frequency[id] ?? 0) + 1;
        characters.note(term, unit.order);
      }
      termsOf.push(Int32Array.from(own));
    }
    const worth = new Float64Array(frequency.length);
    for (const [term, id] of ids) {
      if (pacer.due()) await pacer.rest();
      worth[id] = worthOf(term, units.length, (frequency[id] ?? 0) + characters.byChance(term, units.length));
    }
    return new TermIndex(termsOf, worth);
  }

  /** Worth of what unit number `unit` would add to what has been told. */
  gain(unit: number): number {
    let sum = 0;
    for (const term of this.#termsOf[unit] ?? []) {
      sum += (this.#worth[term] ?? 0) * (DECAY[this.#told[term] ?? 0] ?? WORN);
    }
    return sum;
  }

  addTerms(unit: number, to: Set<number>): void {
    for (const term of this.#termsOf[unit] ?? []) to.add(term);
  }

  /** The share of the unit's worth that lies in `terms`. */
  overlap(unit: number, terms: ReadonlySet<number>): number {
    let all = 0;
    let common = 0;
    for (const term of this.#termsOf[unit] ?? []) {
      const worth = this.#worth[term] ?? 0;
      all += worth;
      if (terms.has(term)) common += worth;
    }
    return all === 0 ? 1 : common / all;
  }

  /** Notes that unit number `unit` is told. */
  tell(unit: number): void {
    for (const term of this.#termsOf[unit] ?? []) {
      const told = this.#told[term] ?? 0;
      if (told < DECAY.length) this.#told[term] = told + 1;
    }
  }
}
