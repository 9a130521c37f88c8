import type { Effort } from './effort.ts';
import type { Filled, Filler } from './fill.ts';
import { matchesPattern } from './pattern-match.ts';
import { textForPattern } from './pattern-text.ts';
import { flatten, isObject, namesIn, type Schema, schemasIn } from './resolve.ts';

/** Longest list that is made up. */
const MAX_ITEMS = 1_024;
/** Properties that are made up to reach `minProperties`. */
const MAX_PROPERTIES = 256;

/** A list of the least length, each item another where they must differ. */
export function fillList(filler: Filler, schema: Schema, path: readonly string[], variant: number): Filled | undefined {
  const tuple = Array.isArray(schema.items) ? schema.items : schemasIn(schema.prefixItems);
  const rest = (Array.isArray(schema.items) ? schema.additionalItems : schema.items) ?? true;
  const max = typeof schema.maxItems === 'number' ? schema.maxItems : MAX_ITEMS;
  const least = typeof schema.minItems === 'number' ? schema.minItems : 0;
  const containing =
    schema.contains === undefined ? 0 : typeof schema.minContains === 'number' ? schema.minContains : 1;
  // A further variant of a list is a longer one: an empty list has no other.
  const length = Math.min(Math.max(least, containing) + (least === 0 ? variant : 0), max, MAX_ITEMS);
  const items: unknown[] = [];
  const seen = new Set<string>();
  const { given } = filler;
  const marks = new Set(given.marks);
  let evidence = 0;
  for (let tried = 0; items.length < length && tried < length * 4 + 8; tried += 1) {
    const index = items.length;
    const own = index < tuple.length ? tuple[index] : rest;
    const contained = index < containing ? { allOf: [own, schema.contains] } : own;
    const differing = schema.uniqueItems === true ? tried + variant : variant;
    const fill = (mayRepeat: boolean): Filled | undefined => {
      filler.given = { marks, mayRepeat };
      const filled = filler.fill(contained, [...path, ITEM], differing, false);
      filler.given = given;
      return filled;
    };
    let item = fill(true);
    if (item !== undefined && item.evidence > 0 && isObject(item.value) && seen.has(JSON.stringify(item.value)))
      item = fill(false);
    if (item === undefined) return undefined;
    const text = JSON.stringify(item.value);
    if (schema.uniqueItems === true && seen.has(text)) continue;
    seen.add(text);
    for (const [name, value] of Object.entries(isObject(item.value) ? item.value : {}))
      marks.add(markOf([...path, ITEM, name], value));
    items.push(item.value);
    evidence += item.evidence;
  }
  return { value: items, evidence };
}

/** Values of the context that objects of a list hold. The next object takes others while there are any. */
export interface Given {
  marks: ReadonlySet<string>;
  /** Where there are no others it may take the same. */
  mayRepeat: boolean;
}

/** A value in its place. */
export const markOf = (path: readonly string[], value: unknown): string => JSON.stringify([path, value]);

/** Stands in a path for the place in a list: no property has this name. */
export const ITEM = '[]';

/** The required properties, those that the context gives, and as many more as `minProperties` wants. */
export function fillObject(
  filler: Filler,
  schema: Schema,
  path: readonly string[],
  variant: number,
  required: boolean,
): Filled | undefined {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const names = new Set(namesIn(schema.required));
  const filled = new Map<string, Filled>();
  const add = (name: string, seed: number): boolean => {
    const part = filler.fill(
      schemaOf(schema, properties, name, filler.effort),
      [...path, name],
      seed,
      required && names.has(name),
    );
    if (part === undefined) return false;
    filled.set(name, part);
    for (const other of dependents(schema, name)) if (!filled.has(other) && !add(other, seed)) return false;
    return true;
  };
  // In the order of declaration, so that what the request says without names goes to the first.
  const ordered = [...Object.keys(properties), ...[...names].filter((name) => !Object.hasOwn(properties, name))];
  for (const name of ordered) {
    if (filled.has(name)) continue;
    if (names.has(name)) {
      if (!add(name, variant)) return undefined;
      continue;
    }
    const flat = flatten(properties[name], filler.root, filler.effort);
    const known = flat && filler.fromContext(flat, [...path, name], false);
    const max = typeof schema.maxProperties === 'number' ? schema.maxProperties : Infinity;
    if (known !== undefined && filled.size < max - missing(names, filled)) {
      filled.set(name, known);
      for (const other of dependents(schema, name)) if (!filled.has(other)) add(other, variant);
    }
  }
  const least = typeof schema.minProperties === 'number' ? Math.min(schema.minProperties, MAX_PROPERTIES) : 0;
  for (const name of ordered) if (filled.size < least && !filled.has(name)) add(name, variant);
  for (let extra = 0; filled.size < least && extra < least * 2; extra += 1) {
    const name = extraName(schema, extra, filler.effort);
    if (name !== undefined && !filled.has(name)) add(name, variant);
  }
  const parts = [...filled].map(([name, part]): [string, unknown] => [name, part.value]);
  const evidence = [...filled.values()].reduce((sum, part) => sum + part.evidence, 0);
  return { value: Object.fromEntries(parts), evidence };
}

const missing = (names: ReadonlySet<string>, filled: ReadonlyMap<string, Filled>): number =>
  [...names].filter((name) => !filled.has(name)).length;

function dependents(schema: Schema, name: string): string[] {
  const lists = isObject(schema.dependentRequired) ? schema.dependentRequired : {};
  return Object.hasOwn(lists, name) ? [...namesIn(lists[name])] : [];
}

function schemaOf(schema: Schema, properties: Record<string, unknown>, name: string, effort: Effort): unknown {
  if (Object.hasOwn(properties, name)) return properties[name];
  const patterns = Object.entries(isObject(schema.patternProperties) ? schema.patternProperties : {});
  const matching = patterns.filter(([pattern]) => matchesPattern(pattern, name, effort)).map(([, other]) => other);
  if (matching.length > 0) return { allOf: matching };
  return schema.additionalProperties ?? true;
}

/** A name for a property that the schema does not list. */
function extraName(schema: Schema, index: number, effort: Effort): string | undefined {
  const naming = isObject(schema.propertyNames) ? schema.propertyNames.pattern : undefined;
  if (typeof naming === 'string') return textForPattern(naming, 1, 64, index, effort);
  const [pattern] = Object.keys(isObject(schema.patternProperties) ? schema.patternProperties : {});
  if (schema.additionalProperties !== false) return `property_${index + 1}`;
  if (pattern === undefined) return undefined;
  const name = textForPattern(pattern, 1, 64, index, effort);
  if (name !== undefined) return name;
  // A pattern that leaves the end of a name open has no further texts of its own.
  const longer = `${textForPattern(pattern, 1, 64, 0, effort) ?? ''}${index}`;
  return matchesPattern(pattern, longer, effort) ? longer : undefined;
}
