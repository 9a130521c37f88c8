import { checkSchema, type SchemaCheckOptions } from './check-schema.ts';

/**
 * Checks the text of a schema file. Texts of the result are the official validator's, which is written in Go: those about
 * JSON are Go's own.
 * @returns undefined where the schema is accepted
 * @example
 * checkSchemaText('{"type":"objet"}', { level: 'strict' }); // At path 'root': invalid type
 */
export function checkSchemaText(text: string, options: SchemaCheckOptions): string | undefined {
  const fault = parseFault(text);
  if (fault !== undefined) return `JSON schema parsing error: ${fault}`;
  const found = checkSchema(JSON.parse(text), options);
  return found && `At path '${found.path}': ${found.text}`;
}

function parseFault(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Scanner(text).syntaxFault();
  }
  const kind = kindOf(value);
  if (kind !== undefined) {
    const place = kind === 'array' ? text.search(/\S/) + 1 : text.trimEnd().length;
    return `JSON type error at offset ${place}: expected map[string]interface {} but got ${kind}`;
  }
  return new Scanner(text).numberFault();
}

/** What is not an object, and not null, which the check itself refuses. */
function kindOf(value: unknown): 'array' | 'string' | 'number' | 'bool' | undefined {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'string' || typeof value === 'number') return typeof value as 'string' | 'number';
  return typeof value === 'boolean' ? 'bool' : undefined;
}

type Frame = 'object' | 'array';

/** Reads JSON as Go's encoding/json does, as far as the texts of its errors go. Offsets count bytes of UTF-8, from 1. */
class Scanner {
  readonly #text: string;
  #place = 0;

  constructor(text: string) {
    this.#text = text;
  }

  syntaxFault(): string {
    const fault = this.#scan();
    if (fault === undefined) return 'JSON syntax error';
    const [what, place] = fault;
    const offset = Buffer.byteLength(this.#text.slice(0, place));
    return `JSON syntax error at offset ${offset}: ${what}`;
  }

  /** A number that Go's float64 does not hold. */
  numberFault(): string | undefined {
    const strings = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;
    for (const { 0: literal, index } of this.#text.matchAll(strings)) {
      if (literal.startsWith('"') || Number.isFinite(Number(literal))) continue;
      // Go has read the sign behind the number by then, and counts it.
      const offset = Buffer.byteLength(this.#text.slice(0, index + literal.length)) + 1;
      return `JSON type error at offset ${offset}: expected float64 but got number ${literal}`;
    }
    return undefined;
  }

  /** @returns what is wrong and behind which unit, or undefined */
  #scan(): [string, number] | undefined {
    const frames: Frame[] = [];
    let context = 'looking for beginning of value';
    for (;;) {
      const fault = this.#value(context, frames);
      if (fault) return fault;
      // Behind a value: on to the next one, closing whatever ends here.
      for (;;) {
        const frame = frames.at(-1);
        const sign = this.#next();
        if (frame === undefined) return sign === undefined ? undefined : this.#invalid('after top-level value');
        if (sign === undefined) return this.#ended();
        if (sign === (frame === 'object' ? '}' : ']')) {
          frames.pop();
          continue;
        }
        if (sign !== ',') {
          return this.#invalid(frame === 'object' ? 'after object key:value pair' : 'after array element');
        }
        if (frame === 'object') {
          const fault = this.#key('looking for beginning of object key string');
          if (fault) return fault;
        }
        context = 'looking for beginning of value';
        break;
      }
    }
  }

  /** One value, or the beginning of a container and its first key. */
  #value(context: string, frames: Frame[]): [string, number] | undefined {
    for (;;) {
      const sign = this.#next();
      if (sign === undefined) return this.#ended();
      if (sign === '{') {
        if (this.#peek() === '}') {
          this.#next();
          return undefined;
        }
        frames.push('object');
        const fault = this.#key('looking for beginning of object key string');
        if (fault) return fault;
        continue;
      }
      if (sign === '[') {
        if (this.#peek() === ']') {
          this.#next();
          return undefined;
        }
        frames.push('array');
        continue;
      }
      if (sign === '"') return this.#string();
      const word = ['true', 'false', 'null'].find((word) => word[0] === sign);
      if (word !== undefined) return this.#word(word);
      if (sign === '-' || isDigit(sign)) return this.#number(sign);
      return this.#invalid(context);
    }
  }

  #key(context: string): [string, number] | undefined {
    const sign = this.#next();
    if (sign === undefined) return this.#ended();
    if (sign !== '"') return this.#invalid(context);
    const fault = this.#string();
    if (fault) return fault;
    const colon = this.#next();
    if (colon === undefined) return this.#ended();
    return colon === ':' ? undefined : this.#invalid('after object key');
  }

  #string(): [string, number] | undefined {
    for (;;) {
      const sign = this.#text[this.#place];
      if (sign === undefined) return this.#ended();
      this.#place += 1;
      if (sign === '"') return undefined;
      if (sign < ' ') return this.#invalid('in string literal');
      if (sign !== '\\') continue;
      const escaped = this.#text[this.#place];
      if (escaped === undefined) return this.#ended();
      this.#place += 1;
      if (escaped === 'u') {
        for (let digit = 0; digit < 4; digit += 1) {
          const hex = this.#text[this.#place];
          if (hex === undefined) return this.#ended();
          this.#place += 1;
          if (!/[0-9a-fA-F]/.test(hex)) return this.#invalid('in \\u hexadecimal character escape');
        }
      } else if (!'bfnrt\\/"'.includes(escaped)) return this.#invalid('in string escape code');
    }
  }

  #word(word: string): [string, number] | undefined {
    for (const expected of word.slice(1)) {
      const sign = this.#text[this.#place];
      if (sign === undefined) return this.#ended();
      this.#place += 1;
      if (sign !== expected) return this.#invalid(`in literal ${word} (expecting '${expected}')`);
    }
    return undefined;
  }

  #number(first: string): [string, number] | undefined {
    let sign: string | undefined = first;
    if (sign === '-') {
      sign = this.#text[this.#place];
      if (sign === undefined) return this.#ended();
      this.#place += 1;
      if (!isDigit(sign)) return this.#invalid('in numeric literal');
    }
    if (sign !== '0') this.#digits();
    if (this.#text[this.#place] === '.') {
      this.#place += 1;
      const fault = this.#digit('after decimal point in numeric literal');
      if (fault) return fault;
    }
    if (/[eE]/.test(this.#text[this.#place] ?? '')) {
      this.#place += 1;
      if (/[+-]/.test(this.#text[this.#place] ?? '')) this.#place += 1;
      return this.#digit('in exponent of numeric literal');
    }
    return undefined;
  }

  #digit(context: string): [string, number] | undefined {
    const sign = this.#text[this.#place];
    if (sign === undefined) return this.#ended();
    this.#place += 1;
    if (!isDigit(sign)) return this.#invalid(context);
    this.#digits();
    return undefined;
  }

  #digits(): void {
    while (isDigit(this.#text[this.#place] ?? '')) this.#place += 1;
  }

  #peek(): string | undefined {
    while (/[ \t\r\n]/.test(this.#text[this.#place] ?? '')) this.#place += 1;
    return this.#text[this.#place];
  }

  #next(): string | undefined {
    const sign = this.#peek();
    if (sign !== undefined) this.#place += 1;
    return sign;
  }

  /** About the unit just read. */
  #invalid(context: string): [string, number] {
    const sign = String.fromCodePoint(this.#text.codePointAt(this.#place - 1) ?? 0);
    const quoted = sign === "'" ? "'\\''" : sign === '"' ? `'"'` : `'${sign}'`;
    return [`invalid character ${quoted} ${context}`, this.#place];
  }

  #ended(): [string, number] {
    return ['unexpected end of JSON input', this.#text.length];
  }
}

function isDigit(sign: string): boolean {
  return sign >= '0' && sign <= '9';
}
