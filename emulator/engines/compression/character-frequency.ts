/**
 * How often characters of scripts without spaces are met, to tell words from chance: most pairs of common characters
 * that stand side by side once are no words, and their being rare says nothing.
 */
export class CharacterFrequency {
  readonly #units = new Uint32Array(0x1_0000);
  readonly #lastUnit = new Int32Array(0x1_0000).fill(-1);

  /** Notes a term of a unit; units come one after the other. */
  note(term: string, unit: number): void {
    if (!isPair(term)) return;
    this.#noteCharacter(term.charCodeAt(0), unit);
    this.#noteCharacter(term.charCodeAt(1), unit);
  }

  /**
   * In how many of `units` the two characters of a pair would meet if they were strewn at random; 0 for other terms.
   */
  byChance(term: string, units: number): number {
    if (!isPair(term)) return 0;
    const first = this.#units[term.charCodeAt(0)] ?? 0;
    const second = this.#units[term.charCodeAt(1)] ?? 0;
    return (first * second) / units;
  }

  #noteCharacter(character: number, unit: number): void {
    if (this.#lastUnit[character] === unit) return;
    this.#lastUnit[character] = unit;
    this.#units[character] = (this.#units[character] ?? 0) + 1;
  }
}

/** Terms of scripts without spaces are pairs of characters. */
export function isPair(term: string): boolean {
  return term.length === 2 && term.charCodeAt(0) >= 0x2e80 && term.charCodeAt(0) < 0xd800;
}
