import { isObject, namesIn, type Schema, type SchemaDocument, schemasIn, typeOf } from './schema.ts';

/** What a visit to a subschema costs. */
const VISIT = 10;
const MAX_DEPTH = 64;

/**
 * Whether a JSON value is valid under a schema (JSON Schema 2020-12 and what draft 7 wrote otherwise) of a document. Known formats
 * count; a pattern that RE2 cannot run does not. False also where the document's budget is used up.
 */
export function isValid(value: unknown, schema: unknown, document: SchemaDocument): boolean {
  return new Validation(document).check(value, schema, 0);
}

type Check = (value: unknown, schema: unknown, depth: number) => boolean;

class Validation {
  readonly #document: SchemaDocument;

  constructor(document: SchemaDocument) {
    this.#document = document;
  }

  check: Check = (value, schema, depth) => {
    if (schema === false || depth > MAX_DEPTH || !this.#document.spend(VISIT)) return false;
    if (!isObject(schema)) return true;
    if (schema.$ref !== undefined && !this.check(value, this.#document.resolve(schema.$ref), depth + 1)) return false;
    return (
      hasType(value, schema.type) &&
      (!Array.isArray(schema.enum) ||
        this.#document.members(schema.enum)?.has(value, this.#document.key(value)) === true) &&
      (!('const' in schema) || this.#document.key(schema.const) === this.#document.key(value)) &&
      (typeof value !== 'number' || isNumberValid(value, schema)) &&
      (typeof value !== 'string' || isTextValid(value, schema, this.#document)) &&
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
    if (schema.uniqueItems === true && this.#repeats(value)) return false;
    if (
      !value.every((item, index) => this.check(item, (index < tuple.length ? tuple[index] : rest) ?? true, depth + 1))
    ) {
      return false;
    }
    if (schema.contains === undefined) return true;
    const contained = value.filter((item) => this.check(item, schema.contains, depth + 1)).length;
    return within(contained, minContains, maxContains);
  }

  #repeats(items: readonly unknown[]): boolean {
    return new Set(items.map((item) => this.#document.key(item))).size < items.length;
  }

  #isObjectValid(value: Record<string, unknown>, schema: Schema, depth: number): boolean {
    const names = Object.keys(value);
    if (!within(names.length, schema.minProperties, schema.maxProperties)) return false;
    if (!this.#document.spend(names.length + schemasIn(schema.required).length)) return false;
    if (!namesIn(schema.required).every((name) => Object.hasOwn(value, name))) return false;
    const properties = isObject(schema.properties) ? schema.properties : {};
    const patterns = Object.entries(isObject(schema.patternProperties) ? schema.patternProperties : {});
    const dependents = Object.entries(isObject(schema.dependentRequired) ? schema.dependentRequired : {});
    const dependentSchemas = Object.entries(isObject(schema.dependentSchemas) ? schema.dependentSchemas : {});
    return (
      dependentSchemas.every(([name, other]) => !Object.hasOwn(value, name) || this.check(value, other, depth + 1)) &&
      dependents.every(
        ([name, others]) =>
          !Object.hasOwn(value, name) || namesIn(others).every((other) => Object.hasOwn(value, other)),
      ) &&
      names.every((name) => {
        if (schema.propertyNames !== undefined && !this.check(name, schema.propertyNames, depth + 1)) return false;
        const own = Object.hasOwn(properties, name) ? [properties[name]] : [];
        const matching = patterns
          .filter(([pattern]) => this.#document.matches(pattern, name) === true)
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

function isTextValid(value: string, schema: Schema, document: SchemaDocument): boolean {
  if (!document.spend(value.length >> 3)) return false;
  const length = value.length > 100_000 ? value.length : [...value].length;
  if (!within(length, schema.minLength, schema.maxLength)) return false;
  if (typeof schema.pattern === 'string' && document.matches(schema.pattern, value) === false) return false;
  return textFormat(schema.format)?.test(value) ?? true;
}

/** A format of JSON Schema: what its texts look like, and texts of it to fill in, one for each number. */
interface TextFormat {
  test: (text: string) => boolean;
  example: (variant: number) => string;
}

const two = (value: number): string => String(value).padStart(2, '0');
const hex = (variant: number, digits: number): string => variant.toString(16).padStart(digits, '0');
const by =
  (pattern: RegExp) =>
  (text: string): boolean =>
    text.length <= 512 && pattern.test(text);

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const HOSTNAME = /^(?=.{1,253}$)[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?){0,10}$/i;
const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;
const DURATION = /^P(?=\w)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/;

const isDate = (text: string): boolean =>
  DATE.test(text) && new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) === text;

function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.split(/[Tt]/);
  return text.length <= 64 && isDate(date) && TIME.test(time);
}

const isUri = (text: string): boolean => /^[a-z][a-z\d+.-]*:\S+$/i.test(text) && URL.canParse(text);

/** Texts to fill in use the names and addresses that are reserved for documentation (RFC 2606, 5737, 3849). */
const FORMATS: Record<string, TextFormat> = {
  date: { test: isDate, example: (variant) => new Date(variant * 86_400_000).toISOString().slice(0, 10) },
  'date-time': { test: isDateTime, example: (variant) => `${new Date(variant * 1_000).toISOString().slice(0, 19)}Z` },
  time: { test: by(TIME), example: (variant) => `${two(Math.floor(variant / 60) % 24)}:${two(variant % 60)}:00Z` },
  duration: { test: by(DURATION), example: (variant) => `PT${variant}S` },
  email: {
    test: by(/^[^\s@"<>]{1,64}@[a-z\d-]+(\.[a-z\d-]+)+$/i),
    example: (variant) => `not.found${variant || ''}@example.com`,
  },
  hostname: { test: by(HOSTNAME), example: (variant) => (variant ? `host${variant}.example.com` : 'example.com') },
  ipv4: { test: by(IPV4), example: (variant) => `192.0.2.${1 + (variant % 254)}` },
  ipv6: {
    test: (text) => text.length <= 45 && URL.canParse(`http://[${text}]/`),
    example: (variant) => `2001:db8::${(variant + 1).toString(16)}`,
  },
  uri: { test: isUri, example: (variant) => `https://example.com/${variant || ''}` },
  url: { test: isUri, example: (variant) => `https://example.com/${variant || ''}` },
  'uri-reference': { test: by(/^[^\s\\]*$/), example: (variant) => `/${variant || ''}` },
  uuid: {
    test: by(/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i),
    example: (variant) => `00000000-0000-4000-8000-${hex(variant, 12)}`,
  },
  'json-pointer': { test: by(/^(\/([^~]|~[01])*)?$/), example: (variant) => `/${variant || ''}` },
  regex: { test: () => true, example: (variant) => (variant ? `a{${variant}}` : 'a') },
};

/** The format of a name, if it is known. */
export const textFormat = (name: unknown): TextFormat | undefined =>
  typeof name === 'string' && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
