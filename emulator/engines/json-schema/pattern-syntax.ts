import { type CharacterSet, only } from './character-set.ts';
import { SetReader, Unsupported } from './pattern-sets.ts';

/** A regular expression of JSON Schema, as far as it is understood. */
export type Pattern =
  | { kind: 'set'; set: CharacterSet }
  | { kind: 'all'; parts: readonly Pattern[] }
  | { kind: 'any'; choices: readonly Pattern[] }
  | { kind: 'repeat'; part: Pattern; min: number; max: number }
  | { kind: 'group'; part: Pattern; group: number }
  | { kind: 'back'; group: number }
  | { kind: 'ahead'; part: Pattern; wanted: boolean }
  | { kind: 'boundary'; wanted: boolean }
  | { kind: 'start' }
  | { kind: 'end' };

/** Parses a pattern; undefined where it looks behind, refers back by name, or is no pattern. */
export function parsePattern(source: string): Pattern | undefined {
  try {
    return new Parser(source).parse();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Parser extends SetReader {
  #depth = 0;
  #groups = 0;

  parse(): Pattern {
    const parsed = this.#alternatives();
    if (this.at < this.characters.length) throw new Unsupported();
    return parsed;
  }

  #alternatives(): Pattern {
    this.#depth += 1;
    if (this.#depth > 50) throw new Unsupported();
    const choices = [this.#sequence()];
    while (this.take('|')) choices.push(this.#sequence());
    this.#depth -= 1;
    const [only] = choices;
    return choices.length === 1 && only !== undefined ? only : { kind: 'any', choices };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    for (let next = this.peek(); next !== undefined && next !== '|' && next !== ')'; next = this.peek()) {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: 'all', parts };
  }

  #atom(): Pattern {
    const character = this.next();
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
        return { kind: 'set', set: this.brackets() };
      case '\\':
        return this.#escapedAtom();
      case '*':
      case '+':
      case '?':
        throw new Unsupported();
      default:
        return { kind: 'set', set: only(character) };
    }
  }

  #escapedAtom(): Pattern {
    this.at -= 1;
    const property = this.property();
    if (property !== undefined) return { kind: 'set', set: property };
    this.at += 1;
    const letter = this.peek() ?? '';
    if (letter !== 'b' && letter !== 'B' && !/^[1-9]$/.test(letter)) return { kind: 'set', set: this.escape(false) };
    this.at += 1;
    if (/\d/.test(letter)) return { kind: 'back', group: Number(letter) };
    return { kind: 'boundary', wanted: letter === 'b' };
  }

  #group(): Pattern {
    if (!this.take('?')) return this.#captured();
    if (this.take('<')) {
      if (this.peek() === '=' || this.peek() === '!') throw new Unsupported();
      while (this.next() !== '>');
      return this.#captured();
    }
    const sign = this.next();
    if (sign === ':') return this.#closed();
    if (sign !== '=' && sign !== '!') throw new Unsupported();
    return { kind: 'ahead', part: this.#closed(), wanted: sign === '=' };
  }

  #captured(): Pattern {
    this.#groups += 1;
    const group = this.#groups;
    return { kind: 'group', part: this.#closed(), group };
  }

  #closed(): Pattern {
    const inner = this.#alternatives();
    if (!this.take(')')) throw new Unsupported();
    return inner;
  }

  #quantified(part: Pattern): Pattern {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    this.take('?');
    if (this.#bounds() !== undefined) throw new Unsupported();
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Infinity };
    if (this.take('+')) return { min: 1, max: Infinity };
    if (this.take('?')) return { min: 0, max: 1 };
    const braces = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.characters.slice(this.at, this.at + 16).join(''));
    if (braces === null) return undefined;
    this.at += braces[0].length;
    const min = Number(braces[1]);
    if (braces[2] === undefined) return { min, max: min };
    return { min, max: braces[3] === '' ? Infinity : Number(braces[3]) };
  }
}
