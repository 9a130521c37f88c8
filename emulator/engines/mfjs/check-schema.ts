import { FAULT_TEXTS, formatValue, type SchemaRule } from './faults.ts';
import {
  checkDefinitionNames,
  checkKeywordUse,
  checkRanges,
  checkUnsupportedKeywords,
  type Details,
  exceedsBytes,
  faultAt,
  findAllInTree,
  findEndlessReference,
  findInTree,
  isSchema,
  join,
  References,
  type Schema,
  type SchemaFault,
  typesOf,
  type Visit,
} from './schema-tree.ts';

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

interface Walk extends Required<SchemaCheckOptions> {
  root: Schema;
  references: References;
  propertyKeys: number;
}

function walkThrough(root: Schema, level: SchemaLevel, typeBesideAnyOf: boolean): Walk {
  return { root, level, typeBesideAnyOf, references: new References(root), propertyKeys: 0 };
}

/**
 * Checks a JSON schema of a tool or an answer against Moonshot's flavour of JSON Schema. Takes time in proportion to its size,
 * at most to `SCHEMA_LIMITS.bytes`, and recurses nowhere.
 * @returns undefined where the schema is accepted
 * @example
 * checkSchema({ type: 'object', properties: { a: { enum: [1] } } }, { level: 'strict' });
 * // { path: 'properties.a', rule: 'enum_without_type', text: 'type is not defined' }
 */
export function checkSchema(
  schema: unknown,
  { level, typeBesideAnyOf = false }: SchemaCheckOptions,
): SchemaFault | undefined {
  if (!isSchema(schema)) return faultAt('root', 'schema_not_object');
  if (exceedsBytes(schema, SCHEMA_LIMITS.bytes)) {
    return faultAt('root', 'too_large');
  }
  const walk = walkThrough(schema, level, typeBesideAnyOf);
  return (
    // In the whole tree, before anything else is looked at.
    (level === 'ultra' ? findInTree(schema, checkUnsupportedKeywords) : undefined) ??
    checkDefinitionNames(schema) ??
    findInTree(schema, checkIn(walk)) ??
    checkPropertyCount(walk) ??
    findEndlessReference(schema, walk.references)
  );
}

/**
 * All that is wrong with a schema, for whoever mends it: the first fault of each schema in its tree. The first of the list is what
 * `checkSchema` says.
 */
export function checkWholeSchema(
  schema: unknown,
  { level, typeBesideAnyOf = false }: SchemaCheckOptions,
): SchemaFault[] {
  const first = checkSchema(schema, { level, typeBesideAnyOf });
  if (!first || !isSchema(schema) || first.rule === 'too_large') return first ? [first] : [];
  const walk = walkThrough(schema, level, typeBesideAnyOf);
  const found = [
    first,
    ...(level === 'ultra' ? findAllInTree(schema, checkUnsupportedKeywords) : []),
    ...findAllInTree(schema, checkIn(walk)),
  ];
  // Whatever stands below what is too deep is too deep as well.
  const keyOf = ({ path, rule, text }: SchemaFault) => (rule === 'too_deep' ? rule : `${path} ${text}`);
  return [...new Map(found.toReversed().map((fault) => [keyOf(fault), fault])).values()].toReversed();
}

function checkIn(walk: Walk): (visit: Visit) => SchemaFault | undefined {
  return (visit) => {
    if (visit.depth > SCHEMA_LIMITS.depth) {
      return at(visit, 'too_deep', SCHEMA_LIMITS.depth);
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
  };
}

/** A fault of the schema itself. */
function at<Rule extends SchemaRule>(
  { path }: Pick<Visit, 'path'>,
  rule: Rule,
  ...details: Details<Rule>
): SchemaFault {
  return faultAt(path === '' ? 'root' : path, rule, ...details);
}

/** A fault of one of its keywords. */
function atKeyword<Rule extends SchemaRule>(
  { path }: Pick<Visit, 'path'>,
  keyword: string,
  rule: Rule,
  ...details: Details<Rule>
): SchemaFault {
  return faultAt(join(path, keyword), rule, ...details);
}

function checkReference(visit: Visit, { root, references }: Walk): SchemaFault | undefined {
  if (!Object.hasOwn(visit.schema, '$ref')) return undefined;
  const { $ref, type } = visit.schema;
  if (typeof $ref !== 'string') return atKeyword(visit, '$ref', 'ref_not_string');
  if (type !== undefined) {
    return at(visit, 'type_beside_ref');
  }
  if ($ref === '#') return undefined;
  if (!$ref.startsWith('#/$defs/')) return atKeyword(visit, '$ref', 'ref_elsewhere');
  if ($ref === '#/$defs/') return atKeyword(visit, '$ref', 'ref_name_empty');
  if (!isSchema(root.$defs)) return atKeyword(visit, '$ref', 'ref_without_definitions', $ref);
  if (!references.resolve($ref)) return faultAt('root', 'ref_unresolved', $ref);
  return undefined;
}

function checkType(visit: Visit): SchemaFault | undefined {
  if (!Object.hasOwn(visit.schema, 'type')) return undefined;
  const { type } = visit.schema;
  if (typeof type === 'string') return TYPES.has(type) ? undefined : at(visit, 'type_unknown');
  if (!Array.isArray(type)) return at(visit, 'type_malformed');
  if (type.length === 0) return at(visit, 'type_list_empty');
  return type.every((item) => TYPES.has(item)) ? undefined : at(visit, 'type_unknown_in_list');
}

function checkTypePlace(visit: Visit, { typeBesideAnyOf }: Walk): SchemaFault | undefined {
  const { type, anyOf } = visit.schema;
  if (type === undefined || !Array.isArray(anyOf) || anyOf.length === 0 || typeBesideAnyOf) return undefined;
  return at(visit, 'type_beside_any_of');
}

/** Only annotations may stand beside several types, but for two types with an enum, which the enum's own rules judge. */
function checkManyTypes(visit: Visit, { level }: Walk): SchemaFault | undefined {
  const { schema, path, keywords } = visit;
  const types = typesOf(schema);
  if (types.length < 2 || (types.length === 2 && schema.enum !== undefined)) return undefined;
  const others = keywords.filter((keyword) => {
    if (keyword === 'type' || keyword === 'description' || keyword === 'title') return false;
    if (keyword === 'enum') return false;
    return !(path === '' && (keyword === '$defs' || keyword === '$id'));
  });
  // The official library looks at required first at this level, and otherwise takes the keywords as they are written.
  const first = level === 'ultra' && others.includes('required') ? 'required' : others[0];
  return first === undefined ? undefined : at(visit, 'keyword_beside_types', first);
}

function checkTexts(visit: Visit): SchemaFault | undefined {
  for (const keyword of ['description', '$id', 'pattern']) {
    const value = visit.schema[keyword];
    if (value !== undefined && typeof value !== 'string') return atKeyword(visit, keyword, 'text_malformed', keyword);
  }
  return undefined;
}

function checkAnyOf(visit: Visit): SchemaFault | undefined {
  const { schema, keywords } = visit;
  if (!Object.hasOwn(schema, 'anyOf')) return undefined;
  const { anyOf } = schema;
  if (!Array.isArray(anyOf)) return atKeyword(visit, 'anyOf', 'any_of_not_array');
  if (anyOf.length < 1 || anyOf.length > SCHEMA_LIMITS.anyOfBranches) {
    return atKeyword(visit, 'anyOf', 'any_of_length', SCHEMA_LIMITS.anyOfBranches);
  }
  if (!anyOf.every(isSchema)) return atKeyword(visit, 'anyOf', 'any_of_not_objects');
  const parent = keywords.filter((keyword) => keyword !== 'anyOf' && keyword !== 'type' && !ANNOTATIONS.has(keyword));
  for (const branch of parent.length === 0 ? [] : anyOf) {
    const both = parent.filter((keyword) => Object.hasOwn(branch, keyword));
    if (both.length > 0) {
      return at(visit, 'any_of_conflict', both.sort());
    }
  }
  return undefined;
}

function checkProperties(visit: Visit, walk: Walk): SchemaFault | undefined {
  const { schema, path } = visit;
  if (!Object.hasOwn(schema, 'properties')) return undefined;
  const { properties } = schema;
  if (!isSchema(properties)) return atKeyword(visit, 'properties', 'properties_not_object');
  const names = Object.keys(properties);
  walk.propertyKeys += names.length;
  for (const name of names) {
    if (walk.level === 'ultra' && name === '') return atKeyword(visit, 'properties', 'property_name_empty');
    if (walk.level !== 'lite' && RESERVED_NAMES.has(name)) {
      return atKeyword(visit, 'properties', 'property_name_reserved', name);
    }
    if (!isSchema(properties[name])) return atKeyword(visit, 'properties', 'property_not_object', name);
  }
  // At the lowest level the official library takes a property of this name for a reference.
  if (Object.hasOwn(properties, '$ref')) return atKeyword({ path: join(path, 'properties') }, '$ref', 'ref_not_string');
  return undefined;
}

function checkRequired(visit: Visit, { level }: Walk): SchemaFault | undefined {
  const { schema } = visit;
  if (!Object.hasOwn(schema, 'required')) return undefined;
  const { required, properties } = schema;
  if (!Array.isArray(required)) return atKeyword(visit, 'required', 'required_not_array');
  if (!required.every((name) => typeof name === 'string')) {
    return atKeyword(visit, 'required', 'required_not_strings');
  }
  if (level === 'ultra') {
    if (properties === undefined && required.length > 0) {
      return atKeyword(visit, 'required', 'required_without_properties');
    }
    if (required.includes('')) return atKeyword(visit, 'required', 'required_empty_name');
    const twice = required.find((name, place) => required.indexOf(name) !== place);
    if (twice !== undefined && required.length <= SCHEMA_LIMITS.propertyKeys) {
      return atKeyword(visit, 'required', 'required_doubled', twice);
    }
  }
  const missing = required.find((name) => !isSchema(properties) || !Object.hasOwn(properties, name));
  if (missing === undefined) return undefined;
  return atKeyword(visit, 'required', 'required_unknown', missing);
}

function checkContainers(visit: Visit): SchemaFault | undefined {
  const { schema } = visit;
  if (Object.hasOwn(schema, 'items') && !isSchema(schema.items)) return atKeyword(visit, 'items', 'items_not_object');
  const { additionalProperties: rest, $defs } = schema;
  if (Object.hasOwn(schema, 'additionalProperties') && typeof rest !== 'boolean' && !isSchema(rest)) {
    return atKeyword(visit, 'additionalProperties', 'rest_malformed');
  }
  if (!Object.hasOwn(schema, '$defs')) return undefined;
  if (!isSchema($defs)) return atKeyword(visit, '$defs', 'definitions_not_object');
  return Object.values($defs).every(isSchema) ? undefined : atKeyword(visit, '$defs', 'definition_not_object');
}

function checkEnum(visit: Visit): SchemaFault | undefined {
  const { schema, path } = visit;
  if (!Object.hasOwn(schema, 'enum')) return undefined;
  const { enum: values } = schema;
  if (!Array.isArray(values)) return atKeyword(visit, 'enum', 'enum_not_array');
  if (values.length === 0) return atKeyword(visit, 'enum', 'enum_empty');
  if (values.length > SCHEMA_LIMITS.enumValues) {
    return atKeyword(visit, 'enum', 'enum_too_long', SCHEMA_LIMITS.enumValues);
  }
  if (schema.type === undefined) return isExpanded(schema) ? undefined : at(visit, 'enum_without_type');
  if (/[{}]/.test(path)) return at(visit, 'enum_path_with_braces', path);
  const types = typesOf(schema);
  if (types.length > 1) {
    const container = types.find((type) => type === 'array' || type === 'object');
    if (container !== undefined) return at(visit, 'enum_of_container', container);
    if (types.length !== 2 || !types.includes('null')) return at(visit, 'enum_of_types');
    if (types.every((type) => type === 'null')) return at(visit, 'enum_of_nulls');
  }
  for (const value of values) {
    const rule = checkEnumValue(value, types);
    if (rule === 'enum_value') return atKeyword(visit, 'enum', rule, formatValue(value), types);
    if (rule !== undefined) return atKeyword(visit, 'enum', rule);
  }
  return undefined;
}

/** Whether the type of a schema comes from what it refers to. */
function isExpanded({ $ref }: Schema): boolean {
  return $ref !== undefined;
}

/**
 * Types are tried in their order, and a number ends the trial: `["integer","null"]` refuses the null that
 * `["null","integer"]` takes.
 */
function checkEnumValue(
  value: unknown,
  types: readonly string[],
): 'enum_integer' | 'enum_number' | 'enum_value' | undefined {
  for (const type of types) {
    if (type === 'integer') return Number.isInteger(value) ? undefined : 'enum_integer';
    if (type === 'number') return typeof value === 'number' ? undefined : 'enum_number';
    if (matches(value, type)) return undefined;
  }
  return 'enum_value';
}

function matches(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isSchema(value);
  return typeof value === type;
}

/** What a reference stands for, with the keywords beside it, is a schema again. */
function checkExpansion(visit: Visit, { references, level, typeBesideAnyOf }: Walk): SchemaFault | undefined {
  const { schema, keywords } = visit;
  if (typeof schema.$ref !== 'string') return undefined;
  const target = references.resolve(schema.$ref);
  if (!target) return undefined;
  const both = keywords.filter((keyword) => {
    const counts = level === 'ultra' || !ANNOTATIONS.has(keyword);
    return counts && keyword !== '$ref' && Object.hasOwn(target, keyword);
  });
  if (both.length > 0) {
    return at(visit, 'ref_conflict', both.sort());
  }
  const type = schema.type ?? target.type;
  const anyOf = schema.anyOf ?? target.anyOf;
  if (type !== undefined && anyOf !== undefined && !typeBesideAnyOf) {
    return at(visit, 'ref_expansion', FAULT_TEXTS.type_beside_any_of());
  }
  return undefined;
}

function checkPropertyCount({ propertyKeys }: Walk): SchemaFault | undefined {
  if (propertyKeys <= SCHEMA_LIMITS.propertyKeys) return undefined;
  return faultAt('root', 'too_many_properties', propertyKeys, SCHEMA_LIMITS.propertyKeys);
}

/** Why the live API refuses a tool's parameters: their root is not an object's, or a schema in them is not of the flavour. */
type ParametersFault = { root: true } | SchemaFault;

/**
 * Checks what a tool declares about its parameters. Without any they may be anything. Departure: a schema that is not enforced
 * (`strict: false`) is not checked beyond its root; what the live server does is not known.
 */
export function checkParameters(
  { parameters, strict }: DeclaredParameters,
  level: SchemaLevel,
): ParametersFault | undefined {
  if (parameters === undefined) return undefined;
  if (!isObjectSchema(parameters)) return { root: true };
  return strict === false ? undefined : checkSchema(parameters, { level, typeBesideAnyOf: true });
}

/** The same with all that is wrong with them, the first of it as the live API tells it. */
export function checkWholeParameters(
  { parameters, strict }: DeclaredParameters,
  level: SchemaLevel,
): ParametersFault[] {
  if (parameters === undefined) return [];
  const root = isObjectSchema(parameters) ? [] : [{ root: true as const }];
  return [...root, ...(strict === false ? [] : checkWholeSchema(parameters, { level, typeBesideAnyOf: true }))];
}

interface DeclaredParameters {
  parameters?: unknown;
  strict?: unknown;
}

function isObjectSchema(value: unknown): boolean {
  return isSchema(value) && value.type === 'object';
}
