import { formatValue } from './go-format.ts';
import { findEndlessReference, resolveReference } from './references.ts';
import { checkKeywordUse, checkRanges, checkUnsupportedKeywords } from './ultra.ts';

/**
 * How much is refused: `lite` what cannot be read, `strict` what the live server refuses [docs and OpenAPI name it, captures
 * of 2026-07 to 2026-10 fit it], `ultra` also every keyword outside the flavour (the official library's default).
 */
export type SchemaLevel = 'lite' | 'strict' | 'ultra';

export interface SchemaCheckOptions {
  level: SchemaLevel;
  /** Lets `type` stand beside `anyOf`, as the live server does in tools [client author, 2026-09-21 and 2026-10-23]. */
  typeBesideAnyOf?: boolean;
}

/** The first fault of a schema, in the official validator's words. */
export interface SchemaFault {
  /** Where it is, such as `properties.a.items`; `root` for the schema itself. */
  path: string;
  text: string;
}

export type Schema = Record<string, unknown>;

/** Limits of the official validator, MoonshotAI/walle v0.1.12 and later [computed on v0.1.13, 2026-11-30]. */
export const SCHEMA_LIMITS = {
  /** Of compact JSON. */
  bytes: 120_000,
  enumValues: 1000,
  anyOfBranches: 500,
  /** Nested `properties`; arrays, anyOf and additionalProperties do not count. */
  depth: 30,
  /** Of `properties`, in all objects together. */
  propertyKeys: 3000,
} as const;

const TYPES: ReadonlySet<unknown> = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const RESERVED_NAMES: ReadonlySet<string> = new Set(['$defs', '$ref', 'anyOf', 'required', 'additionalProperties']);
/** Keywords that may stand in a schema and in what it refers to, or in its branches. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['description', 'title', '$id', '$defs']);

/** One schema on the way through the tree. */
export interface Visit {
  schema: Schema;
  /** Empty at the root. */
  path: string;
  /** How many `properties` stand above it. */
  depth: number;
}

interface Walk extends Required<SchemaCheckOptions> {
  root: Schema;
  propertyKeys: number;
}

/**
 * Checks a JSON schema of a tool or an answer against Moonshot's flavour of JSON Schema. Takes time in proportion to its size,
 * at most to `SCHEMA_LIMITS.bytes`, and recurses nowhere.
 * @returns undefined where the schema is accepted
 * @example
 * checkSchema({ type: 'object', properties: { a: { enum: [1] } } }, { level: 'strict' });
 * // { path: 'properties.a', text: 'type is not defined' }
 */
export function checkSchema(
  schema: unknown,
  { level, typeBesideAnyOf = false }: SchemaCheckOptions,
): SchemaFault | undefined {
  if (!isSchema(schema)) return { path: 'root', text: 'schema must be a dict' };
  if (exceedsBytes(schema, SCHEMA_LIMITS.bytes)) {
    return { path: 'root', text: 'schema exceeds maximum allowed size' };
  }
  const walk: Walk = { root: schema, level, typeBesideAnyOf, propertyKeys: 0 };
  return (
    (level === 'ultra' ? checkUnsupportedKeywords(schema) : undefined) ??
    checkDefinitionNames(schema) ??
    checkTree(walk) ??
    checkPropertyCount(walk) ??
    findEndlessReference(schema)
  );
}

/** The path of a member, written as the official validator does. */
export function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Types that a schema names, where they are well formed. */
export function typesOf({ type }: Schema): readonly string[] {
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((item) => typeof item === 'string') : [];
}

/** Adds the schemas that stand directly in another, in the order in which they are checked. */
function addChildren({ schema, path, depth }: Visit, found: Visit[]): void {
  const { properties, items, additionalProperties, anyOf, $defs } = schema;
  if (isSchema(properties)) addMembers(properties, join(path, 'properties'), depth + 1, found);
  if (isSchema(items)) found.push({ schema: items, path: join(path, 'items'), depth });
  if (isSchema(additionalProperties)) {
    found.push({ schema: additionalProperties, path: join(path, 'additionalProperties'), depth });
  }
  if (Array.isArray(anyOf)) {
    const branch = join(path, 'anyOf');
    for (const item of anyOf) if (isSchema(item)) found.push({ schema: item, path: branch, depth });
  }
  if (isSchema($defs)) addMembers($defs, join(path, '$defs'), depth, found);
}

function addMembers(members: Schema, above: string, depth: number, found: Visit[]): void {
  for (const name of Object.keys(members)) {
    const schema = members[name];
    if (isSchema(schema)) found.push({ schema, path: join(above, name), depth });
  }
}

/** Visits every schema of a tree, parents first, and stops at the first fault. */
export function findInTree(root: Schema, check: (visit: Visit) => SchemaFault | undefined): SchemaFault | undefined {
  const waiting: Visit[] = [{ schema: root, path: '', depth: 0 }];
  const children: Visit[] = [];
  for (let visit = waiting.pop(); visit; visit = waiting.pop()) {
    const fault = check(visit);
    if (fault) return fault;
    addChildren(visit, children);
    for (let child = children.pop(); child; child = children.pop()) waiting.push(child);
  }
  return undefined;
}

function checkTree(walk: Walk): SchemaFault | undefined {
  return findInTree(walk.root, (visit) => {
    if (visit.depth > SCHEMA_LIMITS.depth) {
      return at(visit, `schema depth exceeds maximum limit of ${SCHEMA_LIMITS.depth}`);
    }
    return (
      checkReference(visit, walk) ??
      checkType(visit) ??
      checkTypePlace(visit, walk) ??
      (walk.level === 'ultra' ? checkKeywordUse(visit) : undefined) ??
      (walk.level === 'lite' ? undefined : checkManyTypes(visit, walk)) ??
      checkTexts(visit) ??
      checkAnyOf(visit) ??
      checkProperties(visit, walk) ??
      checkRequired(visit, walk) ??
      checkContainers(visit) ??
      checkEnum(visit) ??
      (walk.level === 'ultra' ? checkRanges(visit) : undefined) ??
      checkExpansion(visit, walk)
    );
  });
}

/** A fault of the schema itself, or of one of its keywords. */
function at({ path }: Pick<Visit, 'path'>, text: string, keyword?: string): SchemaFault {
  const place = keyword === undefined ? path : join(path, keyword);
  return { path: place === '' ? 'root' : place, text };
}

function checkReference(visit: Visit, { root }: Walk): SchemaFault | undefined {
  if (!Object.hasOwn(visit.schema, '$ref')) return undefined;
  const { $ref, type } = visit.schema;
  if (typeof $ref !== 'string') return at(visit, '$ref must be a string', '$ref');
  if (type !== undefined) {
    return at(visit, 'when using $ref, type should be defined in the referenced schema instead of the parent schema');
  }
  if ($ref === '#') return undefined;
  if (!$ref.startsWith('#/$defs/')) return at(visit, 'references must start with #/$defs/', '$ref');
  if ($ref === '#/$defs/') return at(visit, 'definition name cannot be empty', '$ref');
  if (!isSchema(root.$defs)) return at(visit, `$defs not found for reference: ${$ref}`, '$ref');
  if (!resolveReference(root, $ref)) return { path: 'root', text: `invalid $ref path: ${$ref}` };
  return undefined;
}

function checkType(visit: Visit): SchemaFault | undefined {
  if (!Object.hasOwn(visit.schema, 'type')) return undefined;
  const { type } = visit.schema;
  if (typeof type === 'string') return TYPES.has(type) ? undefined : at(visit, 'invalid type');
  if (!Array.isArray(type)) return at(visit, 'type must be string or array of strings');
  if (type.length === 0) return at(visit, 'type array cannot be empty');
  return type.every((item) => TYPES.has(item)) ? undefined : at(visit, 'invalid type in type array');
}

const TYPE_BESIDE_ANY_OF = 'when using anyOf, type should be defined in anyOf items instead of the parent schema';

function checkTypePlace(visit: Visit, { typeBesideAnyOf }: Walk): SchemaFault | undefined {
  const { type, anyOf } = visit.schema;
  if (type === undefined || !Array.isArray(anyOf) || anyOf.length === 0 || typeBesideAnyOf) return undefined;
  return at(visit, TYPE_BESIDE_ANY_OF);
}

/** Only annotations may stand beside several types, but for two types with an enum, which the enum's own rules judge. */
function checkManyTypes(visit: Visit, { level }: Walk): SchemaFault | undefined {
  const { schema, path } = visit;
  const types = typesOf(schema);
  if (types.length < 2 || (types.length === 2 && schema.enum !== undefined)) return undefined;
  const others = Object.keys(schema).filter((keyword) => {
    if (keyword === 'type' || keyword === 'description' || keyword === 'title') return false;
    if (keyword === 'enum') return false;
    return !(path === '' && (keyword === '$defs' || keyword === '$id'));
  });
  // The official library looks at required first at this level, and otherwise takes the keywords as they are written.
  const first = level === 'ultra' && others.includes('required') ? 'required' : others[0];
  return first === undefined
    ? undefined
    : at(visit, `keyword ${first} is not allowed in combination with multiple types`);
}

function checkTexts(visit: Visit): SchemaFault | undefined {
  for (const keyword of ['description', '$id', 'pattern']) {
    const value = visit.schema[keyword];
    if (value !== undefined && typeof value !== 'string') return at(visit, `${keyword} must be a string`, keyword);
  }
  return undefined;
}

function checkAnyOf(visit: Visit): SchemaFault | undefined {
  const { schema } = visit;
  if (!Object.hasOwn(schema, 'anyOf')) return undefined;
  const { anyOf } = schema;
  if (!Array.isArray(anyOf)) return at(visit, 'anyOf must be an array', 'anyOf');
  if (anyOf.length < 1 || anyOf.length > SCHEMA_LIMITS.anyOfBranches) {
    return at(visit, `anyOf must have 1-${SCHEMA_LIMITS.anyOfBranches} items`, 'anyOf');
  }
  if (!anyOf.every(isSchema)) return at(visit, 'schema in anyOf must be an object', 'anyOf');
  const parent = Object.keys(schema).filter(
    (keyword) => keyword !== 'anyOf' && keyword !== 'type' && !ANNOTATIONS.has(keyword),
  );
  for (const branch of parent.length === 0 ? [] : anyOf) {
    const both = parent.filter((keyword) => Object.hasOwn(branch, keyword));
    if (both.length > 0) {
      return at(
        visit,
        `conflicting keywords found in anyOf with parent: keywords (${both.sort().join(', ')}) are defined on the parent schema and inside anyOf; remove them from the parent or from anyOf branches`,
      );
    }
  }
  return undefined;
}

function checkProperties(visit: Visit, walk: Walk): SchemaFault | undefined {
  const { schema, path } = visit;
  if (!Object.hasOwn(schema, 'properties')) return undefined;
  const { properties } = schema;
  if (!isSchema(properties)) return at(visit, 'properties must be an object', 'properties');
  const names = Object.keys(properties);
  walk.propertyKeys += names.length;
  for (const name of names) {
    if (walk.level === 'ultra' && name === '') return at(visit, 'property name cannot be empty', 'properties');
    if (walk.level !== 'lite' && RESERVED_NAMES.has(name)) {
      return at(visit, `property name '${name}' is reserved for JSON Schema keywords`, 'properties');
    }
    if (!isSchema(properties[name])) return at(visit, `property schema for '${name}' must be an object`, 'properties');
  }
  // At the lowest level the official library takes a property of this name for a reference.
  if (Object.hasOwn(properties, '$ref')) return at({ path: join(path, 'properties') }, '$ref must be a string', '$ref');
  return undefined;
}

function checkRequired(visit: Visit, { level }: Walk): SchemaFault | undefined {
  const { schema } = visit;
  if (!Object.hasOwn(schema, 'required')) return undefined;
  const { required, properties } = schema;
  if (!Array.isArray(required)) return at(visit, 'required must be an array', 'required');
  if (!required.every((name) => typeof name === 'string')) {
    return at(visit, 'items in required array must be strings', 'required');
  }
  if (level === 'ultra') {
    if (properties === undefined && required.length > 0) {
      return at(visit, "required specified but 'properties' keyword is missing", 'required');
    }
    if (required.includes('')) return at(visit, 'property names in required array cannot be empty', 'required');
    const twice = required.find((name, place) => required.indexOf(name) !== place);
    if (twice !== undefined && required.length <= SCHEMA_LIMITS.propertyKeys) {
      return at(visit, `duplicate property name '${twice}' in required array`, 'required');
    }
  }
  const missing = required.find((name) => !isSchema(properties) || !Object.hasOwn(properties, name));
  if (missing === undefined) return undefined;
  return at(visit, `required property '${missing}' is not defined in properties`, 'required');
}

function checkContainers(visit: Visit): SchemaFault | undefined {
  const { schema } = visit;
  if (Object.hasOwn(schema, 'items') && !isSchema(schema.items)) return at(visit, 'items must be an object', 'items');
  const { additionalProperties: rest, $defs } = schema;
  if (Object.hasOwn(schema, 'additionalProperties') && typeof rest !== 'boolean' && !isSchema(rest)) {
    return at(visit, 'additionalProperties must be a boolean or an object', 'additionalProperties');
  }
  if (!Object.hasOwn(schema, '$defs')) return undefined;
  if (!isSchema($defs)) return at(visit, '$defs must be an object', '$defs');
  return Object.values($defs).every(isSchema) ? undefined : at(visit, '$defs schema must be object', '$defs');
}

function checkEnum(visit: Visit): SchemaFault | undefined {
  const { schema, path } = visit;
  if (!Object.hasOwn(schema, 'enum')) return undefined;
  const { enum: values } = schema;
  if (!Array.isArray(values)) return at(visit, 'enum must be an array', 'enum');
  if (values.length === 0) return at(visit, 'enum array cannot be empty', 'enum');
  if (values.length > SCHEMA_LIMITS.enumValues) {
    return at(visit, `enum array cannot have more than ${SCHEMA_LIMITS.enumValues} items`, 'enum');
  }
  if (schema.type === undefined) return isExpanded(schema) ? undefined : at(visit, 'type is not defined');
  if (/[{}]/.test(path)) return at(visit, `invalid path: ${path}`);
  const types = typesOf(schema);
  const combination = types.length > 1 ? checkEnumTypes(types) : undefined;
  if (combination !== undefined) return at(visit, combination);
  for (const value of values) {
    const fault = checkEnumValue(value, types);
    if (fault !== undefined) return at(visit, fault, 'enum');
  }
  return undefined;
}

/** Whether the type of a schema comes from what it refers to. */
function isExpanded({ $ref }: Schema): boolean {
  return $ref !== undefined;
}

function checkEnumTypes(types: readonly string[]): string | undefined {
  const container = types.find((type) => type === 'array' || type === 'object');
  if (container !== undefined) return `type ${container} is not allowed in combination with enum`;
  const other = types.find((type) => type !== 'null');
  if (types.length !== 2 || !types.includes('null')) {
    return 'when type is array and enum is specified, currently only 2 types are supported, one must be null, and the other can be string/integer/number/boolean';
  }
  return other === undefined ? 'invalid type combination with enum: null + null' : undefined;
}

/** Types are tried in their order, and a number ends the trial: `["integer","null"]` refuses the null that `["null","integer"]` takes. */
function checkEnumValue(value: unknown, types: readonly string[]): string | undefined {
  for (const type of types) {
    if (type === 'integer') return Number.isInteger(value) ? undefined : 'not a valid integer';
    if (type === 'number') return typeof value === 'number' ? undefined : 'not a valid number';
    if (matches(value, type)) return undefined;
  }
  return `enum value (${formatValue(value)}) does not match any type in [${types.join(' ')}]`;
}

function matches(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isSchema(value);
  return typeof value === type;
}

/** What a reference stands for, with the keywords beside it, is a schema again. */
function checkExpansion(visit: Visit, { root, level, typeBesideAnyOf }: Walk): SchemaFault | undefined {
  const { schema } = visit;
  if (typeof schema.$ref !== 'string') return undefined;
  const target = resolveReference(root, schema.$ref);
  if (!target) return undefined;
  const both = Object.keys(schema).filter((keyword) => {
    const counts = level === 'ultra' || !ANNOTATIONS.has(keyword);
    return counts && keyword !== '$ref' && Object.hasOwn(target, keyword);
  });
  if (both.length > 0) {
    return at(
      visit,
      `conflicting keywords found after $ref expansion: keywords (${both.sort().join(', ')}) are defined both alongside "$ref" and in the referenced schema; remove the duplicates`,
    );
  }
  const type = schema.type ?? target.type;
  const anyOf = schema.anyOf ?? target.anyOf;
  if (type !== undefined && anyOf !== undefined && !typeBesideAnyOf) {
    return at(visit, `invalid schema after $ref expansion: (${TYPE_BESIDE_ANY_OF})`);
  }
  return undefined;
}

/** Names of definitions, and of properties within them, stand in references; so they hold no slash. */
function checkDefinitionNames(root: Schema): SchemaFault | undefined {
  const { $defs } = root;
  if (!isSchema($defs)) return undefined;
  const waiting: { schema: Schema; path: string }[] = [];
  const slash = (names: readonly string[], path: string): SchemaFault | undefined => {
    const name = names.find((name) => name.includes('/'));
    return name === undefined
      ? undefined
      : { path, text: `$defs property name '${name}' cannot contain '/' character` };
  };
  const names = Object.keys($defs);
  if (names.includes('')) return { path: '$defs', text: '$defs property name cannot be empty' };
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

function checkPropertyCount({ propertyKeys }: Walk): SchemaFault | undefined {
  if (propertyKeys <= SCHEMA_LIMITS.propertyKeys) return undefined;
  return {
    path: 'root',
    text: `total number of properties keys(${propertyKeys}) across all objects exceeds maximum limit of ${SCHEMA_LIMITS.propertyKeys}`,
  };
}

/** Whether a value takes more bytes than that as compact JSON in UTF-8. Looks at no more of it than it must. */
function exceedsBytes(value: unknown, limit: number): boolean {
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

function textBytes(text: string, atMost: number): number {
  return text.length > atMost ? text.length : Buffer.byteLength(JSON.stringify(text));
}
