import { type ContextValue, readings, type SchemaContext } from './context.ts';
import { fillNumber, fillText } from './scalars.ts';
import { isObject, namesIn, type Schema, type SchemaDocument, schemasIn } from './schema.ts';
import { isValid } from './validate.ts';

/** A value for a schema, and how many of its parts the context gave. */
interface Filled {
  value: unknown;
  evidence: number;
}

type Path = readonly string[];

const MAX_DEPTH = 32;
/** Longest list that is made up. */
const MAX_ITEMS = 1_024;
/** Properties that are made up to reach `minProperties`. */
const MAX_PROPERTIES = 256;
/** What a visit to a subschema costs. */
const VISIT = 200;
/** What looking for a member of an `enum` in the request costs. */
const MENTION = 10;
/** Other values tried where the schema says what it must not be. */
const RETRIES = 8;

/** Keywords whose effect cannot be planned for: what was filled is checked, and tried again. */
const CHECKED = 'not if contains dependentRequired dependentSchemas propertyNames patternProperties anyOf oneOf'.split(
  ' ',
);

/**
 * A value that is valid under the schema: the context's own where names and types match, made up otherwise. The same for the same
 * input. `null` where nothing is valid, or the document's budget is used up.
 */
export function fillSchema(document: SchemaDocument, context: SchemaContext): Filled {
  return new Filler(document, context).fill(document.root, [], 0, true) ?? { value: null, evidence: 0 };
}

/** Stands in a path for the place in a list: no property has this name. */
const ITEM = '[]';

/** What of the context the objects of a list hold already: the next object takes other values while there are any. */
interface Used {
  values: ReadonlySet<string>;
  /** Where there are no others it may take the same. */
  mayRepeat: boolean;
}

const usedKey = (path: Path, value: unknown): string => JSON.stringify([path, value]);

/** Fills one schema, part by part. `required` parts may use up what the request says without a name. */
class Filler {
  readonly #document: SchemaDocument;
  readonly #context: SchemaContext;
  /** By `enum`: the members that are valid, as far as they have been asked for, and the member to look at next. */
  readonly #members = new Map<unknown, { valid: unknown[]; next: number }>();
  readonly #mentioned = new Map<unknown, string | undefined>();
  #depth = 0;
  #used: Used = { values: new Set(), mayRepeat: true };

  constructor(document: SchemaDocument, context: SchemaContext) {
    this.#document = document;
    this.#context = context;
  }

  /** Undefined where nothing can be valid. */
  fill(schema: unknown, path: Path, variant: number, required: boolean): Filled | undefined {
    if (this.#depth >= MAX_DEPTH || !this.#document.spend(VISIT)) return undefined;
    this.#depth += 1;
    const flat = this.#document.flatten(schema);
    const filled = flat && (this.#fromContext(flat, path, required) ?? this.#invent(flat, path, variant, required));
    this.#depth -= 1;
    return filled;
  }

  #isValid(value: unknown, schema: unknown): boolean {
    return isValid(value, schema, this.#document);
  }

  /** What the request states under the property's name or mentions of an `enum`, then the context's, then what has no name. */
  #fromContext(flat: Schema, path: Path, required: boolean): Filled | undefined {
    const types = this.#typesOf(flat);
    const stated = this.#firstValid(this.#context.stated(path), flat, path, types);
    if (stated !== undefined) return stated;
    const mentioned = this.#mentionedIn(flat.enum);
    if (mentioned !== undefined && this.#isValid(mentioned, flat)) return { value: mentioned, evidence: 1 };
    const said = this.#context.valuesFor(path, flat.enum !== undefined);
    const found = this.#firstValid(said, flat, path, types);
    if (found !== undefined) return found;
    const scalar = types.some((type) => ['string', 'number', 'integer'].includes(type));
    if (!required || flat.enum !== undefined || 'const' in flat || !scalar || types.includes('null')) return undefined;
    let used: Filled | undefined;
    this.#context.useUnnamed((said: ContextValue) => {
      const value = [...readings(said, types)].find((reading) => this.#isValid(reading, flat));
      if (value !== undefined) used = { value, evidence: 1 };
      return value !== undefined;
    });
    return used;
  }

  #firstValid(values: readonly ContextValue[], flat: Schema, path: Path, types: readonly string[]): Filled | undefined {
    let repeated: Filled | undefined;
    for (const said of values) {
      const members = this.#document.members(flat.enum)?.named(said.text) ?? [];
      for (const value of [...members, ...readings(said, types)]) {
        if (!this.#isValid(value, flat)) continue;
        if (!this.#used.values.has(usedKey(path, value))) return { value, evidence: 1 };
        if (this.#used.mayRepeat) repeated ??= { value, evidence: 1 };
      }
    }
    return repeated;
  }

  #mentionedIn(members: unknown): string | undefined {
    if (!Array.isArray(members)) return undefined;
    if (this.#mentioned.has(members)) return this.#mentioned.get(members);
    const found = members.find(
      (member) => typeof member === 'string' && this.#document.spend(MENTION) && this.#context.mentions(member),
    );
    this.#mentioned.set(members, found);
    return found;
  }

  /** What is made up; where the schema says what it must not be, checked and tried again. */
  #invent(flat: Schema, path: Path, variant: number, required: boolean): Filled | undefined {
    const checked = CHECKED.some((keyword) => flat[keyword] !== undefined);
    let first: Filled | undefined;
    for (let retry = 0; retry <= (checked ? RETRIES : 0); retry += 1) {
      const filled = this.#candidate(flat, path, variant + retry, required);
      if (filled === undefined || !checked || this.#isValid(filled.value, flat)) return filled;
      const narrowed = first === undefined ? this.#narrowed(flat, filled.value) : undefined;
      const other = narrowed && this.#candidate(narrowed, path, variant, required);
      if (other !== undefined && this.#isValid(other.value, flat)) return other;
      first ??= filled;
    }
    return first;
  }

  /** The schema with what its conditions ask of a value like this one. */
  #narrowed(flat: Schema, value: unknown): Schema | undefined {
    const { if: condition, then: met, else: unmet, dependentSchemas, ...own } = flat;
    const asked: unknown[] = [];
    if (isObject(dependentSchemas) && isObject(value)) {
      for (const [name, other] of Object.entries(dependentSchemas)) if (Object.hasOwn(value, name)) asked.push(other);
    }
    if (condition !== undefined)
      asked.push(...(this.#isValid(value, condition) ? [condition, met ?? true] : [unmet ?? true]));
    return asked.length === 0 ? undefined : this.#document.flatten({ allOf: [own, ...asked] });
  }

  #candidate(flat: Schema, path: Path, variant: number, required: boolean): Filled | undefined {
    if ('const' in flat) return { value: flat.const, evidence: 0 };
    if (Array.isArray(flat.enum)) return this.#member(flat, flat.enum, variant);
    if (variant === 0 && flat.default !== undefined && this.#isValid(flat.default, flat))
      return { value: flat.default, evidence: 0 };
    const branches = [flat.anyOf, flat.oneOf].find((list) => Array.isArray(list));
    if (branches !== undefined) return this.#branch(flat, branches, path, variant, required);
    const types = this.#typesOf(flat);
    const type = types.includes('null') && variant === 0 ? 'null' : types.find((name) => name !== 'null');
    switch (type) {
      case undefined:
      case 'null':
        return types.length === 0 ? undefined : { value: null, evidence: 0 };
      case 'boolean':
        return { value: variant % 2 === 1, evidence: 0 };
      case 'integer':
      case 'number':
        return { value: fillNumber(flat, type === 'integer', variant, this.#document), evidence: 0 };
      case 'array':
        return this.#list(flat, path, variant);
      case 'object':
        return this.#object(flat, path, variant, required);
      default:
        return { value: fillText(flat, variant, this.#document), evidence: 0 };
    }
  }

  /** The valid members in turn. */
  #member(flat: Schema, members: readonly unknown[], variant: number): Filled | undefined {
    const found = this.#members.get(flat) ?? { valid: [], next: 0 };
    this.#members.set(flat, found);
    for (; found.valid.length <= variant && found.next < members.length; found.next += 1) {
      const member = members[found.next];
      if (this.#isValid(member, flat)) found.valid.push(member);
      else if (!this.#document.spend(0)) break;
    }
    return found.valid.length === 0 ? undefined : { value: found.valid[variant % found.valid.length], evidence: 0 };
  }

  /** The branch with most of its parts in the context; of equals `null` if it may be, else each in turn for the variants. */
  #branch(
    flat: Schema,
    branches: readonly unknown[],
    path: Path,
    variant: number,
    required: boolean,
  ): Filled | undefined {
    const { anyOf: _anyOf, oneOf: _oneOf, ...base } = flat;
    const seed = Math.floor(variant / branches.length);
    const valid: Filled[] = [];
    for (const branch of branches) {
      if (!this.#document.spend(VISIT)) break;
      const own = this.#document.flatten(branch);
      const filled = own && this.fill(this.#document.merge(base, own), path, seed, required);
      if (filled !== undefined && this.#isValid(filled.value, flat)) valid.push(filled);
    }
    const most = Math.max(...valid.map((filled) => filled.evidence));
    const best = valid.filter((filled) => filled.evidence === most);
    const empty = variant === 0 ? best.find((filled) => filled.value === null) : undefined;
    return empty ?? best[variant % best.length];
  }

  /** A list of the least length, each item another where they must differ. */
  #list(schema: Schema, path: Path, variant: number): Filled | undefined {
    const tuple = Array.isArray(schema.items) ? schema.items : schemasIn(schema.prefixItems);
    const rest = (Array.isArray(schema.items) ? schema.additionalItems : schema.items) ?? true;
    const { maxItems = MAX_ITEMS, minItems = 0, minContains = 1 } = numbersOf(schema);
    const containing = schema.contains === undefined ? 0 : minContains;
    // A further variant of a list is a longer one: an empty list has no other.
    const more = minItems === 0 ? variant : 0;
    const length = Math.min(Math.max(minItems, containing) + more, maxItems, MAX_ITEMS);
    const containedRest = schema.contains === undefined ? rest : { allOf: [rest, schema.contains] };
    const items: unknown[] = [];
    const seen = new Set<string>();
    const outer = this.#used;
    const values = new Set(outer.values);
    let evidence = 0;
    for (let tried = 0; items.length < length && tried < length * 4 + 8; tried += 1) {
      const index = items.length;
      let own = index < tuple.length ? tuple[index] : rest;
      if (index < containing) own = own === rest ? containedRest : { allOf: [own, schema.contains] };
      const differing = schema.uniqueItems === true ? tried + variant : variant;
      const fill = (mayRepeat: boolean): Filled | undefined => {
        this.#used = { values, mayRepeat };
        const filled = this.fill(own, [...path, ITEM], differing, false);
        this.#used = outer;
        return filled;
      };
      let item = fill(true);
      if (item !== undefined && item.evidence > 0 && isObject(item.value) && seen.has(this.#document.key(item.value)))
        item = fill(false);
      if (item === undefined) return undefined;
      const key = this.#document.key(item.value);
      if (schema.uniqueItems === true && seen.has(key)) continue;
      seen.add(key);
      for (const [name, value] of Object.entries(isObject(item.value) ? item.value : {}))
        values.add(usedKey([...path, ITEM, name], value));
      items.push(item.value);
      evidence += item.evidence;
    }
    return { value: items, evidence };
  }

  /** The required properties, those that the context gives, and as many more as `minProperties` wants. */
  #object(schema: Schema, path: Path, variant: number, required: boolean): Filled | undefined {
    const properties = isObject(schema.properties) ? schema.properties : {};
    const size = Object.keys(properties).length + schemasIn(schema.required).length;
    if (!this.#document.spend(8 * size)) return undefined;
    const names = new Set(namesIn(schema.required));
    const filled = new Map<string, Filled>();
    let missing = names.size;
    const put = (name: string, part: Filled): void => {
      filled.set(name, part);
      if (names.has(name)) missing -= 1;
    };
    const add = (name: string, seed: number): boolean => {
      const own = this.#propertySchema(schema, properties, name);
      const part = this.fill(own, [...path, name], seed, required && names.has(name));
      if (part === undefined) return false;
      put(name, part);
      return dependents(schema, name).every((other) => filled.has(other) || add(other, seed));
    };
    const { maxProperties = Infinity, minProperties = 0 } = numbersOf(schema);
    // In the order of declaration, so that what the request says without names goes to the first.
    const ordered = [...Object.keys(properties), ...[...names].filter((name) => !Object.hasOwn(properties, name))];
    for (const name of ordered) {
      if (filled.has(name)) continue;
      if (names.has(name)) {
        if (!add(name, variant)) return undefined;
        continue;
      }
      const flat = this.#document.flatten(properties[name]);
      const known = flat && this.#fromContext(flat, [...path, name], false);
      if (known === undefined || filled.size >= maxProperties - missing) continue;
      put(name, known);
      for (const other of dependents(schema, name)) if (!filled.has(other)) add(other, variant);
    }
    const least = Math.min(minProperties, MAX_PROPERTIES);
    for (const name of ordered) if (filled.size < least && !filled.has(name)) add(name, variant);
    for (let extra = 0; filled.size < least && extra < least * 2; extra += 1) {
      const name = this.#extraName(schema, extra);
      if (name !== undefined && !filled.has(name)) add(name, variant);
    }
    const parts = [...filled].map(([name, part]): [string, unknown] => [name, part.value]);
    return {
      value: Object.fromEntries(parts),
      evidence: [...filled.values()].reduce((sum, part) => sum + part.evidence, 0),
    };
  }

  #propertySchema(schema: Schema, properties: Schema, name: string): unknown {
    if (Object.hasOwn(properties, name)) return properties[name];
    const patterns = Object.entries(isObject(schema.patternProperties) ? schema.patternProperties : {});
    const matching = patterns.filter(([pattern]) => this.#document.matches(pattern, name) === true);
    if (matching.length > 0) return { allOf: matching.map(([, other]) => other) };
    return schema.additionalProperties ?? true;
  }

  /** A name for a property that the schema does not list. */
  #extraName(schema: Schema, index: number): string | undefined {
    const naming = isObject(schema.propertyNames) ? schema.propertyNames.pattern : undefined;
    const [pattern] = Object.keys(isObject(schema.patternProperties) ? schema.patternProperties : {});
    if (typeof naming !== 'string' && schema.additionalProperties !== false) return `property_${index + 1}`;
    const source = typeof naming === 'string' ? naming : pattern;
    return source === undefined
      ? undefined
      : this.#document.pattern(source)?.example(1, 64, index, (steps) => this.#document.spend(steps));
  }

  /** The types that a schema allows; where it names none, what its keywords speak of, and text if they do not tell. */
  #typesOf(flat: Schema): readonly string[] {
    if (flat.type !== undefined) return [flat.type].flat().filter((type) => typeof type === 'string');
    const members = this.#document.members(flat.enum);
    if (members !== undefined) return members.types;
    if (flat.anyOf !== undefined || flat.oneOf !== undefined) {
      const branches = [...schemasIn(flat.anyOf), ...schemasIn(flat.oneOf)].filter(isObject);
      const affordable = branches.filter(() => this.#document.spend(VISIT / 10));
      return [
        ...new Set(affordable.flatMap((branch) => (branch.$ref === undefined ? this.#typesOf(branch) : ['object']))),
      ];
    }
    const described = BY_KEYWORD.find(([, keywords]) => keywords.some((keyword) => keyword in flat));
    return [described?.[0] ?? 'string'];
  }
}

const BY_KEYWORD: readonly [string, readonly string[]][] = [
  ['object', ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'propertyNames']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

function dependents(schema: Schema, name: string): readonly string[] {
  const lists = isObject(schema.dependentRequired) ? schema.dependentRequired : {};
  return Object.hasOwn(lists, name) ? namesIn(lists[name]) : [];
}

/** The keywords of a schema that are numbers. */
function numbersOf(schema: Schema): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [keyword, value] of Object.entries(schema)) if (typeof value === 'number') numbers[keyword] = value;
  return numbers;
}
