import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

const load = createRequire(import.meta.url);

/** Loaded with the first pattern: it takes longer than all else of a start. */
function re2(): typeof RE2JS {
  return (load('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}

/** A pattern that cannot be run; the message names the pattern and says why. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const UNSUPPORTED: readonly [RegExp, string][] = [
  [/\(\?<?[=!]/, 'lookaheads, and groups in lookbehinds, are not supported'],
  [/\\[1-9k]/, 'back-references are not supported'],
];
const WHY = 'patterns run on RE2, which cannot hang';

/** RE2 names a script, or a category, by its value alone. */
const PROPERTY = /\\([pP])\{(?:Script|sc|Script_Extensions|scx|General_Category|gc)=(\w+)\}/g;

/** `\\k`, which the translation would read as a letter. */
const NAMED_REFERENCE = /(?<!\\)(?:\\\\)*\\k</;

/**
 * Compiles a regular expression of JavaScript.
 * @param flags those of a `RegExp`; `d`, `g` and `u` change nothing about whether a text matches
 * @throws PatternError for what is not a pattern, and for what RE2 does not have
 */
export function compilePattern(source: string, flags = ''): Pattern {
  const written = `/${source}/${flags}`;
  if (flags.includes('v')) throw new PatternError(`${written}: the flag v is not supported: ${WHY}`);
  try {
    if (NAMED_REFERENCE.test(source)) throw new SyntaxError('invalid escape sequence: `\\k`');
    const engine = re2();
    const translated = engine.translateRegExp(source.replace(PROPERTY, '\\$1{$2}'));
    const whole = flags.includes('y') ? `\\A(?:${translated})` : translated;
    let modes = engine.LOOKBEHINDS;
    if (flags.includes('i')) modes |= engine.CASE_INSENSITIVE;
    if (flags.includes('m')) modes |= engine.MULTILINE;
    if (flags.includes('s')) modes |= engine.DOTALL;
    return new Pattern(engine.compile(whole, modes));
  } catch (error) {
    const reason = UNSUPPORTED.find(([syntax]) => syntax.test(source))?.[1];
    if (reason !== undefined) throw new PatternError(`${written}: ${reason}: ${WHY}`);
    const message = error instanceof Error ? error.message : String(error);
    throw new PatternError(`${written}: ${message.replace('error parsing regexp: ', '')}`);
  }
}

export interface Match {
  /** The whole match, and then each group; undefined where the match has none of it. */
  groups: readonly (string | undefined)[];
  names: Readonly<Record<string, number>>;
}

export class Pattern {
  readonly #compiled: RE2JS;
  #examples: Examples | undefined;

  constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Instructions of the compiled program. A test takes time in proportion to these times the length of the text. */
  get size(): number {
    return this.#compiled.programSize();
  }

  /** How many groups it has. */
  get groupCount(): number {
    return this.#compiled.groupCount();
  }

  /** The number of each group that has a name. */
  get groupNames(): Readonly<Record<string, number>> {
    return this.#compiled.namedGroups();
  }

  /** What it finds first in the text, and in its groups; undefined where it matches nowhere. */
  match(text: string): Match | undefined {
    const matcher = this.#compiled.matcher(text);
    if (!matcher.find()) return undefined;
    const groups = Array.from({ length: this.groupCount + 1 }, (_, group) => matcher.group(group) ?? undefined);
    return { groups, names: this.groupNames };
  }

  /** Whether the pattern matches somewhere in the text. */
  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  /** The text with every match replaced. */
  replaceAll(text: string, replacement: string): string {
    return this.#compiled.matcher(text).replaceAll(() => replacement);
  }

  /**
   * A text that matches, another for each `variant` (0, 1, 2 …) as far as there are any. Undefined where none is found.
   * @param minLength in code points, as `maxLength`
   * @param spend pays for a number of steps; false ends the search
   */
  example(
    minLength: number,
    maxLength: number,
    variant: number,
    spend: (steps: number) => boolean = () => true,
  ): string | undefined {
    this.#examples ??= new Examples(this.#compiled.re2Input.prog);
    for (const text of this.#examples.texts(minLength, variant, spend)) {
      const length = [...text].length;
      if (!spend(2 * this.size * (length + 1))) return undefined;
      if (length >= minLength && length <= maxLength && this.test(text)) return text;
    }
    return undefined;
  }
}

/** What RE2JS compiles a pattern to: a graph of instructions, read from `start` to a `MATCH`. */
interface Program {
  inst: readonly Instruction[];
  start: number;
}

interface Instruction {
  op: number;
  /** The next instruction. */
  out: number;
  /** Of `ALT`, the other next instruction. */
  arg: number;
  /** Of `RUNE`, pairs of first and last code point; a single one alone. */
  runes: ArrayLike<number>;
}

const ALT = 1;
const ALT_MATCH = 2;
const FAIL = 5;
const MATCH = 6;
const RUNE = 8;
const RUNE_ANY_NOT_NEWLINE = 11;

const isFork = ({ op }: Instruction): boolean => op === ALT || op === ALT_MATCH;
const isRune = ({ op }: Instruction): boolean => op >= RUNE && op <= RUNE_ANY_NOT_NEWLINE;

const codesOf = (characters: string): number[] => [...characters].map((character) => character.codePointAt(0) ?? 0);
/** Characters to prefer, most harmless first. */
const PREFERRED = codesOf('aA0bB1cC2dD3eE4fF5xyzXYZ6789_-. ');
/** One of each of some scripts and kinds, for classes that hold none of the preferred. */
const FOREIGN = codesOf('金文あア한éÉßжЖαΩאب①€+!,"🙂');

/** Both ways of a fork have been taken. */
const NEITHER = -1;

/** Longest text that is made up, in code points. */
const MAX_LENGTH = 4_096;

/** Texts that lead through a program to its end. Where it asks for a border or an edge they may not match. */
export class Examples {
  readonly #program: Program;
  /** The fewest characters from each instruction to a match. */
  readonly #distances: readonly number[];
  readonly #options = new Map<number, readonly number[]>();

  constructor(program: Program) {
    this.#program = program;
    this.#distances = distancesOf(program);
  }

  /** Candidates for one variant, shortest first. */
  *texts(minLength: number, variant: number, spend: (steps: number) => boolean): Generator<string> {
    const least = this.#distances[this.#program.start] ?? Infinity;
    if (Math.max(least, minLength) > MAX_LENGTH) return;
    if (!spend(this.#program.inst.length)) return;
    let first: string | undefined;
    for (let extra = 0; extra <= variant + 2 && least + extra <= MAX_LENGTH; extra += 1) {
      const written = this.#write(Math.max(least, minLength) + extra, variant, spend);
      if (written === undefined) return;
      first ??= written.text;
      if (written.left === 0) yield* padded(written.text, minLength);
    }
    // A pattern that leaves the end of a text open has no further texts of its own.
    if (first !== undefined) yield* padded(`${first}${variant}`, minLength);
  }

  /** One walk to a match: towards `length` characters where the program forks, the choices left over made by `variant`. */
  #write(
    length: number,
    variant: number,
    spend: (steps: number) => boolean,
  ): { text: string; left: number } | undefined {
    let left = variant;
    const choose = (options: number): number => {
      const index = left % options;
      left = Math.floor(left / options);
      return index;
    };
    /** The way taken at each fork since the last character. */
    const taken = new Map<number, number>();
    const codes: number[] = [];
    let at = this.#program.start;
    while (spend(1)) {
      const instruction = this.#program.inst[at];
      if (instruction === undefined || instruction.op === FAIL) return undefined;
      if (instruction.op === MATCH) return { text: String.fromCodePoint(...codes), left };
      if (isRune(instruction)) {
        const options = this.#optionsAt(at, instruction);
        const code = options[choose(Math.max(1, options.length))];
        if (code === undefined || codes.length >= MAX_LENGTH) return undefined;
        codes.push(code);
        taken.clear();
      }
      if (!isFork(instruction)) {
        at = instruction.out;
        continue;
      }
      // A fork that is met again without a character between is a round that added nothing: the other way leads on.
      const before = taken.get(at);
      const way =
        before === undefined ? this.#branch(instruction, length - codes.length, choose) : otherOf(instruction, before);
      if (before === NEITHER) return undefined;
      taken.set(at, before === undefined ? way : NEITHER);
      at = way;
    }
    return undefined;
  }

  #branch({ out, arg }: Instruction, wanted: number, choose: (options: number) => number): number {
    const [here = Infinity, there = Infinity] = [this.#distances[out], this.#distances[arg]];
    if (here === Infinity) return arg;
    if (there === Infinity) return out;
    if (here === there) return choose(2) === 0 ? out : arg;
    const [near, far] = here < there ? [out, arg] : [arg, out];
    return wanted > Math.min(here, there) ? far : near;
  }

  #optionsAt(at: number, { runes }: Instruction): readonly number[] {
    const known = this.#options.get(at);
    if (known !== undefined) return known;
    const found = optionsOf(runes.length === 1 ? [runes[0] ?? 0, runes[0] ?? 0] : runes);
    this.#options.set(at, found);
    return found;
  }
}

const otherOf = ({ out, arg }: Instruction, way: number): number => (way === out ? arg : out);

function padded(text: string, minLength: number): string[] {
  const missing = minLength - [...text].length;
  return missing <= 0 ? [text] : ['a', ' '].map((character) => text + character.repeat(missing));
}

function optionsOf(pairs: ArrayLike<number>): readonly number[] {
  const holds = (code: number): boolean => {
    for (let at = 0; at < pairs.length; at += 2) {
      if (code >= (pairs[at] ?? 0) && code <= (pairs[at + 1] ?? 0)) return true;
    }
    return false;
  };
  const preferred = PREFERRED.filter(holds);
  if (preferred.length > 0) return preferred;
  const foreign = FOREIGN.filter(holds);
  return foreign.length > 0 ? foreign : Array.from({ length: Math.min(pairs.length, 16) }, (_, at) => pairs[at] ?? 0);
}

function distancesOf({ inst }: Program): number[] {
  const before: number[][] = inst.map(() => []);
  inst.forEach((instruction, at) => {
    if (instruction.op === FAIL || instruction.op === MATCH) return;
    before[instruction.out]?.push(at);
    if (isFork(instruction)) before[instruction.arg]?.push(at);
  });
  const found = inst.map(({ op }) => (op === MATCH ? 0 : Infinity));
  let level = [...inst.keys()].filter((at) => found[at] === 0);
  for (let distance = 0; level.length > 0; distance += 1) {
    const next: number[] = [];
    // The level grows while it is walked: what leads to it without a character belongs to it.
    for (const at of level) {
      for (const from of before[at] ?? []) {
        const instruction = inst[from];
        if (instruction === undefined || found[from] !== Infinity) continue;
        found[from] = isRune(instruction) ? distance + 1 : distance;
        (isRune(instruction) ? next : level).push(from);
      }
    }
    level = next;
  }
  return found;
}
