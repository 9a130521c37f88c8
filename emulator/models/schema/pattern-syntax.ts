import { type CharacterSet, classSet, complement, only } from './character-set.ts';

/** A regular expression of JSON Schema, as far as it is understood. */
export type Pattern =
  | { kind: 'set'; set: CharacterSet }
  | { kind: 'all'; parts: readonly Pattern[] }
  | { kind: 'any'; choices: readonly Pattern[] }
  | { kind: 'repeat'; part: Pattern; min: number; max: number }
  | { kind: 'start' }
  | { kind: 'end' };

const CONTROLS: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

class Unsupported extends Error {}

/** Parses a pattern; undefined where it uses what has no place here (look-around, back references, `\p`) or is no pattern. */
export function parsePattern(source: string): Pattern | undefined {
  try {
    return new Parser(source).parse();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Parser {
  #at = 0;
  #depth = 0;
  readonly #characters: readonly string[];

  constructor(source: string) {
    this.#characters = [...source];
  }

  parse(): Pattern {
    const parsed = this.#alternatives();
    if (this.#at < this.#characters.length) throw new Unsupported();
    return parsed;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw new Unsupported();
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #alternatives(): Pattern {
    this.#depth += 1;
    if (this.#depth > 50) throw new Unsupported();
    const choices = [this.#sequence()];
    while (this.#take('|')) choices.push(this.#sequence());
    this.#depth -= 1;
    const [only] = choices;
    return choices.length === 1 && only !== undefined ? only : { kind: 'any', choices };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: 'all', parts };
  }

  #atom(): Pattern {
    const character = this.#next();
    switch (character) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return {
          kind: 'set',
          set: {
            ranges: [
              [0x0a, 0x0a],
              [0x0d, 0x0d],
            ],
            negated: true,
          },
        };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', set: this.#brackets() };
      case '\\':
        return { kind: 'set', set: this.#escape(false) };
      case '*':
      case '+':
      case '?':
        throw new Unsupported();
      default:
        return { kind: 'set', set: only(character) };
    }
  }

  #group(): Pattern {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if (this.#peek() === '=' || this.#peek() === '!') throw new Unsupported();
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw new Unsupported();
    }
    const inner = this.#alternatives();
    if (!this.#take(')')) throw new Unsupported();
    return inner;
  }

  #quantified(part: Pattern): Pattern {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    this.#take('?');
    if (this.#bounds() !== undefined) throw new Unsupported();
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Infinity };
    if (this.#take('+')) return { min: 1, max: Infinity };
    if (this.#take('?')) return { min: 0, max: 1 };
    const braces = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#characters.slice(this.#at, this.#at + 16).join(''));
    if (braces === null) return undefined;
    this.#at += braces[0].length;
    const min = Number(braces[1]);
    if (braces[2] === undefined) return { min, max: min };
    return { min, max: braces[3] === '' ? Infinity : Number(braces[3]) };
  }

  #brackets(): CharacterSet {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1];
      if (single && this.#peek() === '-' && this.#characters[this.#at + 1] !== ']') {
        this.#at += 1;
        const to = this.#member();
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0]);
      } else ranges.push(...from);
    }
    return { ranges, negated };
  }

  #member(): CharacterSet['ranges'] {
    const character = this.#next();
    if (character !== '\\') return only(character).ranges;
    const set = this.#escape(true);
    return set.negated ? complement(set.ranges) : set.ranges;
  }

  #escape(inBrackets: boolean): CharacterSet {
    const character = this.#next();
    const known = classSet(character);
    if (known !== undefined) return known;
    const control = CONTROLS[character];
    if (control !== undefined) return { ranges: [[control, control]], negated: false };
    if (character === 'x' || character === 'u') return this.#code(character === 'x' ? 2 : 4);
    if (/[a-z1-9]/i.test(character) && !(inBrackets && character === 'b')) throw new Unsupported();
    return only(character);
  }

  #code(digits: number): CharacterSet {
    const hex = this.#characters.slice(this.#at, this.#at + digits).join('');
    if (!/^[\da-f]+$/i.test(hex)) throw new Unsupported();
    this.#at += digits;
    const code = Number.parseInt(hex, 16);
    return { ranges: [[code, code]], negated: false };
  }
}
