import { isDeepStrictEqual } from 'node:util';
import { Effort } from './effort.ts';
import { matchesPattern } from './pattern-match.ts';
import { isObject, lookUp, namesIn, type Schema, schemasIn } from './resolve.ts';
import { textFormat } from './text-formats.ts';

/** What a visit to a subschema costs. */
const VISIT = 10;
const MAX_DEPTH = 64;

/**
 * Whether a JSON value is valid under a schema (JSON Schema 2020-12 and what draft 7 wrote otherwise), `$ref` within `root` only.
 * Known formats count. False also where the schema is too large to check.
 */
export function isValid(value: unknown, schema: unknown, root: unknown, effort: Effort = new Effort()): boolean {
  return new Validation(root, effort).check(value, schema, 0);
}

type Check = (value: unknown, schema: unknown, depth: number) => boolean;

class Validation {
  readonly #root: unknown;
  readonly #effort: Effort;

  constructor(root: unknown, effort: Effort) {
    this.#root = root;
    this.#effort = effort;
  }

  check: Check = (value, schema, depth) => {
    if (schema === false || depth > MAX_DEPTH || !this.#effort.spend(VISIT)) return false;
    if (!isObject(schema)) return true;
    if (schema.$ref !== undefined && !this.check(value, lookUp(this.#root, schema.$ref), depth + 1)) return false;
    return (
      hasType(value, schema.type) &&
      (!Array.isArray(schema.enum) || schema.enum.some((member) => isDeepStrictEqual(member, value))) &&
      (!('const' in schema) || isDeepStrictEqual(schema.const, value)) &&
      (typeof value !== 'number' || isNumberValid(value, schema)) &&
      (typeof value !== 'string' || isTextValid(value, schema, this.#effort)) &&
      (!Array.isArray(value) || this.#isListValid(value, schema, depth)) &&
      (!isObject(value) || this.#isObjectValid(value, schema, depth)) &&
      this.#isCombinationValid(value, schema, depth)
    );
  };

  #isCombinationValid(value: unknown, schema: Schema, depth: number): boolean {
    const valid = (other: unknown): boolean => this.check(value, other, depth + 1);
    if (!schemasIn(schema.allOf).every(valid)) return false;
    if (Array.isArray(schema.anyOf) && !schema.anyOf.some(valid)) return false;
    if (Array.isArray(schema.oneOf) && schema.oneOf.filter(valid).length !== 1) return false;
    if (schema.not !== undefined && valid(schema.not)) return false;
    if (schema.if === undefined) return true;
    return valid((valid(schema.if) ? schema.then : schema.else) ?? true);
  }

  #isListValid(value: readonly unknown[], schema: Schema, depth: number): boolean {
    const { minItems, maxItems, minContains = 1, maxContains } = schema;
    const tuple = Array.isArray(schema.items) ? schema.items : schemasIn(schema.prefixItems);
    const rest = Array.isArray(schema.items) ? schema.additionalItems : schema.items;
    if (!within(value.length, minItems, maxItems)) return false;
    if (schema.uniqueItems === true && hasRepetition(value)) return false;
    if (
      !value.every((item, index) => this.check(item, (index < tuple.length ? tuple[index] : rest) ?? true, depth + 1))
    ) {
      return false;
    }
    if (schema.contains === undefined) return true;
    const contained = value.filter((item) => this.check(item, schema.contains, depth + 1)).length;
    return within(contained, minContains, maxContains);
  }

  #isObjectValid(value: Record<string, unknown>, schema: Schema, depth: number): boolean {
    const names = Object.keys(value);
    if (!within(names.length, schema.minProperties, schema.maxProperties)) return false;
    if (!namesIn(schema.required).every((name) => Object.hasOwn(value, name))) return false;
    const properties = isObject(schema.properties) ? schema.properties : {};
    const patterns = Object.entries(isObject(schema.patternProperties) ? schema.patternProperties : {});
    const dependents = Object.entries(isObject(schema.dependentRequired) ? schema.dependentRequired : {});
    const dependentSchemas = Object.entries(isObject(schema.dependentSchemas) ? schema.dependentSchemas : {});
    return (
      dependentSchemas.every(([name, other]) => !names.includes(name) || this.check(value, other, depth + 1)) &&
      dependents.every(
        ([name, others]) => !names.includes(name) || namesIn(others).every((other) => names.includes(other)),
      ) &&
      names.every((name) => {
        if (schema.propertyNames !== undefined && !this.check(name, schema.propertyNames, depth + 1)) return false;
        const own = Object.hasOwn(properties, name) ? [properties[name]] : [];
        const matching = patterns
          .filter(([pattern]) => matchesPattern(pattern, name, this.#effort))
          .map(([, other]) => other);
        const applying = [...own, ...matching];
        if (applying.length === 0) applying.push(schema.additionalProperties ?? true);
        return applying.every((other) => this.check(value[name], other, depth + 1));
      })
    );
  }
}

const within = (size: number, min: unknown, max: unknown): boolean =>
  !(typeof min === 'number' && size < min) && !(typeof max === 'number' && size > max);

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === undefined) return true;
  return [type].flat().some((name) => typeOf(value) === name || (name === 'integer' && Number.isInteger(value)));
}

function isNumberValid(value: number, schema: Schema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (!within(value, minimum, maximum)) return false;
  if (value === minimum && exclusiveMinimum === true) return false;
  if (value === maximum && exclusiveMaximum === true) return false;
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false;
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false;
  if (typeof multipleOf !== 'number' || multipleOf <= 0) return true;
  const ratio = value / multipleOf;
  return Math.abs(ratio - Math.round(ratio)) < 1e-9 * Math.max(1, Math.abs(ratio));
}

function isTextValid(value: string, schema: Schema, effort: Effort): boolean {
  const length = value.length > 100_000 ? value.length : [...value].length;
  if (!within(length, schema.minLength, schema.maxLength)) return false;
  if (typeof schema.pattern === 'string' && !matchesPattern(schema.pattern, value, effort)) return false;
  return textFormat(schema.format)?.test(value) ?? true;
}

/** Longer lists are compared by their JSON text: all pairs would take too long. */
function hasRepetition(value: readonly unknown[]): boolean {
  if (value.length > 100) return new Set(value.map((item) => JSON.stringify(item))).size < value.length;
  return value.some((item, index) => value.slice(0, index).some((other) => isDeepStrictEqual(item, other)));
}
