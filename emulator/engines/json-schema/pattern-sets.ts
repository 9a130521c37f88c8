import { type CharacterSet, classSet, complement, only, propertySet } from './character-set.ts';

const CONTROLS: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

/** What a pattern holds that is not understood. */
export class Unsupported extends Error {}

/** Reads a pattern character by character, and the sets in it. */
export class SetReader {
  protected at = 0;
  protected readonly characters: readonly string[];

  constructor(source: string) {
    this.characters = [...source];
  }

  protected peek(): string | undefined {
    return this.characters[this.at];
  }

  protected next(): string {
    const character = this.characters[this.at];
    if (character === undefined) throw new Unsupported();
    this.at += 1;
    return character;
  }

  protected take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  protected brackets(): CharacterSet {
    const negated = this.take('^');
    const ranges: (readonly [number, number])[] = [];
    const properties: RegExp[] = [];
    while (!this.take(']')) {
      const property = this.property();
      if (property !== undefined) {
        properties.push(...(property.properties ?? []));
        continue;
      }
      const from = this.#member();
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1];
      if (single && this.peek() === '-' && this.characters[this.at + 1] !== ']') {
        this.at += 1;
        const to = this.#member();
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0]);
      } else ranges.push(...from);
    }
    return { ranges, properties, negated };
  }

  #member(): CharacterSet['ranges'] {
    const character = this.next();
    if (character !== '\\') return only(character).ranges;
    const set = this.escape(true);
    return set.negated ? complement(set.ranges) : set.ranges;
  }

  /** `\\p{…}` and `\\P{…}`. */
  protected property(): CharacterSet | undefined {
    const [, letter, name] =
      /^\\([pP])\{([\w=]{1,64})\}/.exec(this.characters.slice(this.at, this.at + 70).join('')) ?? [];
    if (name === undefined) return undefined;
    const set = propertySet(letter === 'P' ? 'P' : 'p', name);
    if (set !== undefined) this.at += name.length + 4;
    return set;
  }

  protected escape(inBrackets: boolean): CharacterSet {
    const character = this.next();
    const known = classSet(character);
    if (known !== undefined) return known;
    const control = CONTROLS[character];
    if (control !== undefined) return { ranges: [[control, control]], negated: false };
    if (character === 'x' || character === 'u') return this.#code(character === 'x' ? 2 : 4);
    if (/[a-z1-9]/i.test(character) && !(inBrackets && character === 'b')) throw new Unsupported();
    return only(character);
  }

  #code(digits: number): CharacterSet {
    const hex = this.characters.slice(this.at, this.at + digits).join('');
    if (!/^[\da-f]+$/i.test(hex)) throw new Unsupported();
    this.at += digits;
    const code = Number.parseInt(hex, 16);
    return { ranges: [[code, code]], negated: false };
  }
}
