import type { Pattern } from '../patterns/pattern.ts';

/** A JSON Schema, as a client wrote it: nothing about it is certain. */
export type Schema = Record<string, unknown>;

type Compile = (source: string) => Pattern;

/**
 * Steps of some 50 ns that reading, filling and checking one schema may cost together: it comes from a client, and must not hold
 * the server for long. Counted, not timed, so that answers are the same everywhere.
 */
const STEPS = 300_000;
const MAX_DEPTH = 24;
/** What reading one schema costs, besides its members. */
const READ = 20;
/** What compiling one instruction of a pattern costs; and where it has classes of Unicode, which are long lists of ranges. */
const COMPILE = 30;
const COMPILE_UNICODE = 300;
/** Longest pattern that is run. */
const MAX_PATTERN = 2_000;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list of subschemas, or an empty one. */
export const schemasIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The names in a list that may hold anything, objects that cannot be made text included. */
export const namesIn = (value: unknown): readonly string[] =>
  schemasIn(value).filter((name) => typeof name === 'string');

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function keyOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${keyOf(member)}`);
  return `{${members.sort().join()}}`;
}

/** Reads a schema. What runs patterns is loaded only for a schema with patterns. */
export async function openSchema(schema: unknown): Promise<SchemaDocument> {
  if (!JSON.stringify(schema)?.includes('"pattern')) return new SchemaDocument(schema);
  const { compilePattern } = await import('../patterns/pattern.ts');
  return new SchemaDocument(schema, (source) => compilePattern(source));
}

/** A schema with its definitions, and the budget that all work with it is paid from. */
export class SchemaDocument {
  readonly root: unknown;
  readonly #compile: Compile | undefined;
  readonly #patterns = new Map<string, Pattern | undefined>();
  readonly #flattened = new Map<object, Schema | undefined>();
  readonly #members = new Map<object, EnumMembers>();
  #anchors: Map<unknown, unknown> | undefined;
  #left = STEPS;

  constructor(root: unknown, compile?: Compile) {
    this.root = root;
    this.#compile = compile;
  }

  /** Pays for some steps; false once the budget is used up. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  /** A JSON value as text, the same for equal values. */
  key(value: unknown): string {
    const key = keyOf(value);
    this.spend(key.length >> 2);
    return key;
  }

  /** A pattern, compiled once; undefined where RE2 cannot run it: such a pattern asks for nothing. */
  pattern(source: string): Pattern | undefined {
    if (this.#patterns.has(source)) return this.#patterns.get(source);
    const cost =
      (source.length > MAX_PATTERN ? 0 : instructionsOf(source)) * (source.includes('\\p') ? COMPILE_UNICODE : COMPILE);
    let compiled: Pattern | undefined;
    if (this.spend(cost) && source.length <= MAX_PATTERN) {
      try {
        compiled = this.#compile?.(source);
      } catch {
        // Such a pattern asks for nothing: docs/departures.md.
      }
    }
    this.#patterns.set(source, compiled);
    return compiled;
  }

  /** Whether a pattern matches somewhere; undefined where it cannot be run. False where that would cost too much. */
  matches(source: string, text: string): boolean | undefined {
    const pattern = this.pattern(source);
    if (pattern === undefined) return undefined;
    return this.spend(2 * pattern.size * (text.length + 1)) && pattern.test(text);
  }

  /** Resolves `#`, `#/$defs/x`, `#anchor`: pointers into the same document; undefined for anything else. */
  resolve(reference: unknown): unknown {
    if (typeof reference !== 'string' || !reference.startsWith('#') || !this.spend(READ + reference.length))
      return undefined;
    if (reference === '#') return this.root;
    if (!reference.startsWith('#/')) {
      this.#anchors ??= anchorsIn(this.root);
      return this.#anchors.get(reference.slice(1));
    }
    let found: unknown = this.root;
    for (const part of reference.slice(2).split('/')) {
      const name = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(found)) found = found[Number(name)];
      else if (isObject(found) && Object.hasOwn(found, name)) found = found[name];
      else return undefined;
    }
    return found;
  }

  /**
   * A schema with its `$ref` followed and its `allOf` merged in: one object with plain keywords. `false` becomes `undefined`
   * (nothing is valid), `true` and what cannot be resolved become `{}`.
   */
  flatten(schema: unknown): Schema | undefined {
    if (schema === false) return undefined;
    if (!isObject(schema)) return {};
    if (this.#flattened.has(schema)) return this.#flattened.get(schema);
    const parts: Schema[] = [];
    const flat = this.#collect(schema, 0, parts) ? mergeAll(parts) : undefined;
    this.#flattened.set(schema, flat);
    return flat;
  }

  /** The parts that a schema is put together from, its own keywords first; false where one of them is `false`. */
  #collect(schema: unknown, depth: number, parts: Schema[]): boolean {
    if (schema === false) return false;
    if (!isObject(schema) || depth > MAX_DEPTH || !this.spend(READ + sizeOf(schema))) return true;
    const { $ref, allOf, ...own } = schema;
    parts.push(own);
    if ($ref !== undefined && !this.#collect(this.resolve($ref), depth + 1, parts)) return false;
    return schemasIn(allOf).every((other) => this.#collect(other, depth + 1, parts));
  }

  /** One schema that says what two say, as far as plain keywords can; only what the first says where the budget is used up. */
  merge(a: Schema, b: Schema): Schema {
    return this.spend(sizeOf(a) + sizeOf(b)) ? mergeAll([a, b]) : a;
  }

  /** The members of an `enum`, read once. Undefined where there are none, or too many to read. */
  members(list: unknown): EnumMembers | undefined {
    if (!Array.isArray(list)) return undefined;
    const known = this.#members.get(list);
    if (known !== undefined) return known;
    if (!this.spend(4 * list.length)) return undefined;
    const members = new EnumMembers(list);
    this.#members.set(list, members);
    return members;
  }
}

/** The members of an `enum`, looked up without a walk through all of them. */
class EnumMembers {
  readonly all: readonly unknown[];
  readonly types: readonly string[];
  readonly #keys: ReadonlySet<string>;
  #byText: Map<string, unknown[]> | undefined;

  constructor(all: readonly unknown[]) {
    this.all = all;
    this.types = [...new Set(all.map(typeOf))];
    this.#keys = new Set(all.map(keyOf));
  }

  has(value: unknown, key = keyOf(value)): boolean {
    return this.#keys.has(key);
  }

  /** Those that a text names, whatever its case. */
  named(text: string): readonly unknown[] {
    if (this.#byText === undefined) {
      this.#byText = new Map();
      for (const member of this.all) {
        if (typeof member === 'object' && member !== null) continue;
        const name = textOf(member);
        const namesakes = this.#byText.get(name);
        if (namesakes === undefined) this.#byText.set(name, [member]);
        else namesakes.push(member);
      }
    }
    return this.#byText.get(textOf(text)) ?? [];
  }
}

/** Instructions that a pattern compiles to, roughly: a repeated part counts as often as it is repeated. */
function instructionsOf(source: string): number {
  const outer: number[] = [];
  let sum = 0;
  let last = 0;
  for (const [part, , most] of source.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+),?(\d*)\}|[()]|[\s\S]/gu)) {
    if (part === '(') {
      outer.push(sum);
      sum = 0;
    } else if (part === ')') {
      last = sum;
      sum += outer.pop() ?? 0;
    } else if (most !== undefined) {
      sum += last * Math.min(Number(most || part.slice(1, -1).split(',')[0]), 1_000);
    } else {
      last = 1;
      sum += last;
    }
  }
  return outer.reduce((all, size) => all + size, sum);
}

const textOf = (member: unknown): string => String(member).trim().toLowerCase();

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The named schemas of a document: those among the definitions, and the definitions in them. */
function anchorsIn(root: unknown): Map<unknown, unknown> {
  const found = new Map<unknown, unknown>();
  const visit = (schema: unknown, depth: number): void => {
    if (!isObject(schema) || depth > MAX_DEPTH) return;
    const id = typeof schema.$id === 'string' && schema.$id.startsWith('#') ? schema.$id.slice(1) : undefined;
    for (const name of [schema.$anchor, id]) if (name !== undefined && !found.has(name)) found.set(name, schema);
    for (const group of [schema.$defs, schema.definitions].filter(isObject))
      for (const definition of Object.values(group)) visit(definition, depth + 1);
  };
  visit(root, 0);
  return found;
}

/** What copying a schema costs: the lists in it are copied too. */
function sizeOf(schema: Schema): number {
  const { properties, required, enum: members } = schema;
  const names = isObject(properties) ? Object.keys(properties).length : 0;
  return Object.keys(schema).length + 4 * names + 12 * schemasIn(required).length + 4 * schemasIn(members).length;
}

const LARGEST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains'];
const SMALLEST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains'];

/** One schema that says what all parts say, as far as plain keywords can. */
function mergeAll(parts: readonly Schema[]): Schema {
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  const merged: Schema = { ...first };
  for (const part of others) {
    for (const [keyword, value] of Object.entries(part)) {
      if (UNITED.includes(keyword)) continue;
      const known = merged[keyword];
      merged[keyword] = known === undefined ? value : both(keyword, known, value);
    }
  }
  const required = new Set<unknown>();
  for (const part of parts) for (const name of schemasIn(part.required)) required.add(name);
  if (required.size > 0) merged.required = [...required];
  for (const keyword of ['properties', 'patternProperties']) {
    const lists = parts.map((part) => part[keyword]).filter(isObject);
    if (lists.length > 1) merged[keyword] = united(lists);
    else if (lists.length === 1) merged[keyword] = lists[0];
  }
  return merged;
}

const UNITED = ['required', 'properties', 'patternProperties'];

/** The properties of all lists; one of several has to be valid under each of its schemas. */
function united(lists: readonly Schema[]): Schema {
  const found = new Map<string, unknown>();
  for (const list of lists) {
    for (const [name, schema] of Object.entries(list))
      found.set(name, found.has(name) ? { allOf: [found.get(name), schema] } : schema);
  }
  return Object.fromEntries(found);
}

function both(keyword: string, a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    if (LARGEST.includes(keyword)) return Math.max(a, b);
    if (SMALLEST.includes(keyword)) return Math.min(a, b);
  }
  switch (keyword) {
    case 'type':
      return commonTypes([a].flat(), [b].flat());
    case 'enum': {
      const others = new EnumMembers(schemasIn(b));
      return schemasIn(a).filter((value) => others.has(value));
    }
    case 'items':
    case 'additionalProperties':
    case 'propertyNames':
    case 'contains':
      return a === false || b === false ? false : { allOf: [a, b] };
    default:
      return a;
  }
}

function commonTypes(a: readonly unknown[], b: readonly unknown[]): unknown {
  const common = a.flatMap((type) => {
    if (b.includes(type)) return [type];
    if (type === 'number' && b.includes('integer')) return ['integer'];
    return type === 'integer' && b.includes('number') ? ['integer'] : [];
  });
  return common.length === 1 ? common[0] : common;
}
