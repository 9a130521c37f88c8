import { isDeepStrictEqual } from 'node:util';
import type { Effort } from './effort.ts';

/** A JSON Schema, as a client wrote it: nothing about it is certain. */
export type Schema = Record<string, unknown>;

const MAX_DEPTH = 24;
/** What reading one schema costs. */
const FLATTEN = 20;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list of subschemas, or an empty one. */
export const schemasIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The names in a list that may hold anything, objects that cannot be made text included. */
export const namesIn = (value: unknown): readonly string[] =>
  schemasIn(value).filter((name) => typeof name === 'string');

/** Looks up `#`, `#/$defs/x` and other pointers into the same document; undefined for anything else. */
export function lookUp(root: unknown, reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return findAnchor(root, reference.slice(1), 0);
  let found: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = found[Number(name)];
    else if (isObject(found) && Object.hasOwn(found, name)) found = found[name];
    else return undefined;
  }
  return found;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function findAnchor(schema: unknown, anchor: string, depth: number): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return undefined;
  if (schema.$anchor === anchor || schema.$id === `#${anchor}`) return schema;
  const definitions = [schema.$defs, schema.definitions].filter(isObject).flatMap((group) => Object.values(group));
  for (const definition of definitions) {
    const found = findAnchor(definition, anchor, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * A schema with its `$ref` followed and its `allOf` merged in: one object with plain keywords. `false` becomes `undefined`
 * (nothing is valid), `true` and what cannot be resolved become `{}`.
 */
export function flatten(schema: unknown, root: unknown, effort: Effort, depth = 0): Schema | undefined {
  if (schema === false) return undefined;
  if (!isObject(schema) || depth > MAX_DEPTH || !effort.spend(FLATTEN)) return {};
  const { $ref, allOf, ...own } = schema;
  let merged: Schema = own;
  const others = [...($ref === undefined ? [] : [lookUp(root, $ref)]), ...schemasIn(allOf)];
  for (const other of others) {
    const flat = flatten(other, root, effort, depth + 1);
    if (flat === undefined) return undefined;
    if (!effort.spend(sizeOf(merged))) break;
    merged = merge(merged, flat);
  }
  return merged;
}

/** What copying a schema costs: the lists in it are copied too. */
function sizeOf({ properties, required }: Schema): number {
  const members = schemasIn(required).length + (isObject(properties) ? Object.keys(properties).length : 0);
  return FLATTEN + 4 * members;
}

const LARGEST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains'];
const SMALLEST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains'];

/** One schema that says what two say, as far as plain keywords can. */
export function merge(a: Schema, b: Schema): Schema {
  const merged: Schema = { ...b, ...a };
  for (const keyword of Object.keys(a)) {
    if (b[keyword] !== undefined) merged[keyword] = both(keyword, a[keyword], b[keyword]);
  }
  return merged;
}

function both(keyword: string, a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    if (LARGEST.includes(keyword)) return Math.max(a, b);
    if (SMALLEST.includes(keyword)) return Math.min(a, b);
  }
  switch (keyword) {
    case 'type':
      return commonTypes([a].flat(), [b].flat());
    case 'enum':
      return schemasIn(a).filter((value) => schemasIn(b).some((other) => isDeepStrictEqual(value, other)));
    case 'required':
      return [...new Set([...schemasIn(a), ...schemasIn(b)])];
    case 'properties':
    case 'patternProperties':
      return isObject(a) && isObject(b) ? bothProperties(a, b) : a;
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

function bothProperties(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...a };
  for (const [name, schema] of Object.entries(b))
    merged[name] = Object.hasOwn(a, name) ? { allOf: [a[name], schema] } : schema;
  return merged;
}
