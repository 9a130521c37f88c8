import { FAULT_TEXTS, type SchemaRule } from './faults.ts';

/** A fault of a schema. */
export interface SchemaFault {
  /** Where it is, such as `properties.a.items`; `root` for the schema itself. */
  path: string;
  rule: SchemaRule;
  /** In the official validator's words. */
  text: string;
}

export type Details<Rule extends SchemaRule> = Parameters<(typeof FAULT_TEXTS)[Rule]>;

export function faultAt<Rule extends SchemaRule>(path: string, rule: Rule, ...details: Details<Rule>): SchemaFault {
  const write = FAULT_TEXTS[rule] as (...details: Details<Rule>) => string;
  return { path, rule, text: write(...details) };
}

export type Schema = Record<string, unknown>;

/** One schema on the way through the tree. */
export interface Visit {
  schema: Schema;
  /** Empty at the root. */
  path: string;
  /** How many `properties` stand above it. */
  depth: number;
  /** Its keywords, as they are written. */
  keywords: readonly string[];
}

function visit(schema: Schema, path: string, depth: number): Visit {
  return { schema, path, depth, keywords: Object.keys(schema) };
}

/** The path of a member, written as the official validator does. */
export function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NO_TYPES: readonly string[] = [];

/** Types that a schema names, where they are well formed. */
export function typesOf({ type }: Schema): readonly string[] {
  if (type === undefined) return NO_TYPES;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((item) => typeof item === 'string') : [];
}

/** Adds the schemas that stand directly in another, in the order in which they are checked. */
function addChildren({ schema, path, depth }: Visit, found: Visit[]): void {
  const { properties, items, additionalProperties, anyOf, $defs } = schema;
  if (isSchema(properties)) addMembers(properties, join(path, 'properties'), depth + 1, found);
  if (isSchema(items)) found.push(visit(items, join(path, 'items'), depth));
  if (isSchema(additionalProperties)) {
    found.push(visit(additionalProperties, join(path, 'additionalProperties'), depth));
  }
  if (Array.isArray(anyOf)) {
    const branch = join(path, 'anyOf');
    for (const item of anyOf) if (isSchema(item)) found.push(visit(item, branch, depth));
  }
  if (isSchema($defs)) addMembers($defs, join(path, '$defs'), depth, found);
}

function addMembers(members: Schema, above: string, depth: number, found: Visit[]): void {
  for (const name of Object.keys(members)) {
    const schema = members[name];
    if (isSchema(schema)) found.push(visit(schema, join(above, name), depth));
  }
}

type Check = (visit: Visit) => SchemaFault | undefined;

/** The first fault of every schema of a tree. */
export function findAllInTree(root: Schema, check: Check): SchemaFault[] {
  const faults: SchemaFault[] = [];
  findInTree(root, (visit) => {
    const fault = check(visit);
    if (fault) faults.push(fault);
    return undefined;
  });
  return faults;
}

/** Visits every schema of a tree, parents first, and stops at the first fault. */
export function findInTree(root: Schema, check: Check): SchemaFault | undefined {
  const waiting: Visit[] = [visit(root, '', 0)];
  const children: Visit[] = [];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const fault = check(next);
    if (fault) return fault;
    addChildren(next, children);
    for (let child = children.pop(); child; child = children.pop()) waiting.push(child);
  }
  return undefined;
}

/** What the references of a schema lead to; each is followed once. */
export class References {
  readonly #root: Schema;
  readonly #found = new Map<string, Schema | undefined>();

  constructor(root: Schema) {
    this.#root = root;
  }

  /** What a reference such as `#/$defs/A/properties/b` leads to; undefined where that is not a schema. */
  resolve(reference: string): Schema | undefined {
    if (!this.#found.has(reference)) this.#found.set(reference, this.#follow(reference));
    return this.#found.get(reference);
  }

  #follow(reference: string): Schema | undefined {
    let found: unknown = this.#root;
    for (const name of reference.split('/').slice(1)) {
      if (!isSchema(found) || !Object.hasOwn(found, name)) return undefined;
      found = found[name];
    }
    return isSchema(found) ? found : undefined;
  }
}

interface Step {
  schema: Schema;
  path: string;
}

/**
 * A schema that only ever leads back into itself has no finite value. It is looked for from the root only, and an object counts
 * as finite where any of its required properties is, as the official library has it.
 */
export function findEndlessReference(root: Schema, references: References): SchemaFault | undefined {
  const seen = new Set<Schema>();
  const waiting: Schema[] = [root];
  for (let schema = waiting.pop(); schema; schema = waiting.pop()) {
    if (seen.has(schema)) continue;
    seen.add(schema);
    const needed = neededBy({ schema, path: '' }, references);
    if (needed.length === 0) return undefined;
    for (const step of needed) waiting.push(step.schema);
  }
  let step: Step = { schema: root, path: '' };
  while (step.schema.$ref === undefined) step = neededBy(step, references)[0] as Step;
  return faultAt(step.path === '' ? 'root' : step.path, 'ref_endless');
}

/** Of which schemas one must have a finite value for this one to have it; none where it has by itself. */
function neededBy({ schema, path }: Step, references: References): Step[] {
  const { $ref, anyOf, required, properties, items } = schema;
  if (typeof $ref === 'string') {
    const target = references.resolve($ref);
    return target ? [{ schema: target, path }] : [];
  }
  if (Array.isArray(anyOf)) {
    return anyOf.filter(isSchema).map((branch) => ({ schema: branch, path: join(path, 'anyOf') }));
  }
  if (typesOf(schema).length > 1) return [];
  if (Array.isArray(required) && isSchema(properties)) {
    const above = join(path, 'properties');
    return required.flatMap((name: string) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return isSchema(property) ? [{ schema: property, path: join(above, name) }] : [];
    });
  }
  return isSchema(items) ? [{ schema: items, path: join(path, 'items') }] : [];
}

/** Keywords of the flavour that any schema may have. */
const COMMON = ['type', 'description', 'title', 'default', 'enum', 'anyOf', '$ref', '$id', '$defs'] as const;
/** Those that belong to a type. */
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
};
const SUPPORTED: ReadonlySet<string> = new Set([...COMMON, ...Object.values(OF_TYPE).flat()]);
/** What may stand beside a reference or branches. */
const BESIDE: ReadonlySet<string> = new Set(['description', 'title', 'default', '$id', '$defs']);
const ONLY_AT_ROOT = ['$id', '$defs'] as const;

interface Range {
  least: string;
  most: string;
  /** A length; otherwise a number. */
  counts: boolean;
}

const RANGES: readonly Range[] = [
  { least: 'minLength', most: 'maxLength', counts: true },
  { least: 'minItems', most: 'maxItems', counts: true },
  { least: 'minimum', most: 'maximum', counts: false },
];

const RANGE_KEYWORDS: ReadonlySet<string> = new Set(RANGES.flatMap(({ least, most }) => [least, most]));

/** Keywords outside the flavour. */
export function checkUnsupportedKeywords({ path, keywords }: Visit): SchemaFault | undefined {
  const unknown = keywords.filter((keyword) => !SUPPORTED.has(keyword));
  if (unknown.length === 0) return undefined;
  return faultAt(path === '' ? 'root' : path, 'keyword_unsupported', unknown.sort());
}

/** Keywords that are in the flavour, and out of place. */
export function checkKeywordUse({ schema, path, keywords }: Visit): SchemaFault | undefined {
  const place = path === '' ? 'root' : path;
  for (const joint of ['$ref', 'anyOf']) {
    if (!Object.hasOwn(schema, joint)) continue;
    const beside = keywords.find((keyword) => keyword !== joint && !BESIDE.has(keyword));
    if (beside !== undefined) {
      return faultAt(place, 'keyword_beside', beside, joint);
    }
  }
  const types = typesOf(schema);
  const doubled = types.find((type, index) => types.indexOf(type) !== index);
  if (doubled !== undefined) return faultAt(place, 'type_doubled', doubled);
  // Several types have a rule of their own, but beside an enum.
  const foreign = types.length > 1 && schema.enum === undefined ? [] : foreignTo(types, keywords);
  if (foreign.length > 0) return faultAt(place, 'keyword_foreign', foreign);
  const rooted = path === '' || types.length > 1 ? undefined : ONLY_AT_ROOT.find((name) => keywords.includes(name));
  return rooted && faultAt(place, 'keyword_off_root', rooted);
}

function foreignTo(types: readonly string[], keywords: readonly string[]): string[] {
  if (types.length === 0) return [];
  const own = new Set<string>([...COMMON, ...types.flatMap((type) => OF_TYPE[type] ?? [])]);
  return keywords.filter((keyword) => !own.has(keyword)).sort();
}

/** Lengths and bounds that are of the wrong kind, negative, or exclude each other. */
export function checkRanges({ schema, path, keywords }: Visit): SchemaFault | undefined {
  if (!keywords.some((keyword) => RANGE_KEYWORDS.has(keyword))) return undefined;
  const place = path === '' ? 'root' : path;
  const whole = typesOf(schema).includes('integer');
  for (const { least, most, counts } of RANGES) {
    for (const keyword of [least, most]) {
      if (!Object.hasOwn(schema, keyword)) continue;
      const rule = counts ? lengthFault(schema[keyword]) : boundFault(schema[keyword], whole);
      if (rule === 'bound_not_whole') return faultAt(place, rule);
      if (rule !== undefined) return faultAt(place, rule, keyword);
    }
    const [low, high] = [schema[least], schema[most]];
    if (typeof low === 'number' && typeof high === 'number' && low > high) {
      // The official library names the keyword of a length, and the schema of a bound.
      return faultAt(counts ? join(path, least) : place, 'range_empty', least, low, most, high);
    }
  }
  return undefined;
}

function lengthFault(value: unknown): 'bound_not_integer' | 'bound_negative' | undefined {
  if (!Number.isInteger(value)) return 'bound_not_integer';
  return Number(value) < 0 ? 'bound_negative' : undefined;
}

function boundFault(
  value: unknown,
  whole: boolean,
): 'bound_not_integer' | 'bound_not_number' | 'bound_not_whole' | undefined {
  if (typeof value !== 'number') return whole ? 'bound_not_integer' : 'bound_not_number';
  return whole && !Number.isInteger(value) ? 'bound_not_whole' : undefined;
}

/** Names of definitions, and of properties within them, stand in references; so they hold no slash. */
export function checkDefinitionNames(root: Schema): SchemaFault | undefined {
  const { $defs } = root;
  if (!isSchema($defs)) return undefined;
  const waiting: { schema: Schema; path: string }[] = [];
  const slash = (names: readonly string[], path: string): SchemaFault | undefined => {
    const name = names.find((name) => name.includes('/'));
    return name === undefined ? undefined : faultAt(path, 'definition_name_slash', name);
  };
  const names = Object.keys($defs);
  if (names.includes('')) return faultAt('$defs', 'definition_name_empty');
  const fault = slash(names, '$defs');
  if (fault) return fault;
  for (const name of names.reverse()) {
    const schema = $defs[name];
    if (isSchema(schema)) waiting.push({ schema, path: `$defs.${name}` });
  }
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { properties, items, anyOf, additionalProperties } = next.schema;
    const { path } = next;
    const inner: { schema: unknown; path: string }[] = [];
    if (isSchema(properties)) {
      const fault = slash(Object.keys(properties), path);
      if (fault) return fault;
      for (const [name, schema] of Object.entries(properties))
        inner.push({ schema, path: `${path}.properties.${name}` });
    }
    inner.push({ schema: items, path: `${path}.items` });
    inner.push({ schema: additionalProperties, path: `${path}.additionalProperties` });
    if (Array.isArray(anyOf)) {
      for (const [place, schema] of anyOf.entries()) inner.push({ schema, path: `${path}.anyOf[${place}]` });
    }
    for (const { schema, path } of inner.reverse()) if (isSchema(schema)) waiting.push({ schema, path });
  }
  return undefined;
}

/** Whether a value takes more bytes than that as compact JSON in UTF-8. Looks at no more of it than it must. */
export function exceedsBytes(value: unknown, limit: number): boolean {
  let left = limit;
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && left >= 0) {
    const next = waiting.pop();
    if (typeof next === 'string') left -= textBytes(next, left);
    else if (typeof next !== 'object' || next === null) left -= JSON.stringify(next ?? null).length;
    else if (Array.isArray(next)) {
      left -= 2 + Math.max(0, next.length - 1);
      for (let place = 0; place < next.length && place <= left; place += 1) waiting.push(next[place]);
    } else {
      const names = Object.keys(next);
      left -= 2 + Math.max(0, 2 * names.length - 1);
      for (const name of names) {
        left -= textBytes(name, left);
        if (left < 0) break;
        waiting.push((next as Schema)[name]);
      }
    }
  }
  return left < 0;
}

/** ASCII that stands in JSON as it is. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function textBytes(text: string, atMost: number): number {
  if (text.length <= atMost && PLAIN_TEXT.test(text)) return text.length + 2;
  return text.length > atMost ? text.length : Buffer.byteLength(JSON.stringify(text));
}
