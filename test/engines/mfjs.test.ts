import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkSchema,
  checkWholeSchema,
  SCHEMA_LIMITS,
  type SchemaLevel,
} from '../../emulator/engines/mfjs/check-schema.ts';
import { ADVICE } from '../../emulator/engines/mfjs/faults.ts';
import { checkSchemaText } from '../../emulator/engines/mfjs/parse-schema.ts';
import { runs } from '../support/runs.ts';
import { readShared } from '../support/shared.ts';

const LEVELS = ['lite', 'strict', 'ultra'] as const satisfies readonly SchemaLevel[];

interface OfficialCase {
  suite: string;
  schema: string;
  verdicts: Record<SchemaLevel, string | null>;
}

it('gives the verdict and the text of walle v0.1.13 for its 395 cases at lite, strict and ultra', (context) => {
  const lines = readShared(context, 'schemas').trim().split('\n');
  expect(lines).toHaveLength(395);
  for (const [place, line] of lines.entries()) {
    const { suite, schema, verdicts } = JSON.parse(line) as OfficialCase;
    const own = Object.fromEntries(LEVELS.map((level) => [level, checkSchemaText(schema, { level }) ?? null]));
    expect(own, `case ${place} of ${suite}: ${schema}`).toEqual(verdicts);
  }
});

/** A fault as the official validator writes it. */
function faultOf(schema: unknown, level: SchemaLevel = 'strict'): string | undefined {
  const fault = checkSchema(schema, { level });
  return fault && `${fault.path}: ${fault.text}`;
}

const text = { type: 'string' };
const branches = [text, { type: 'null' }];

// Each as the facts about walle v0.1.13 have it [computed 2026-11-30]; all of them are refused at every level.
describe.each(LEVELS)('at level %s', (level) => {
  it.each([
    [
      'a property that is not an object',
      { properties: { a: true } },
      "properties: property schema for 'a' must be an object",
    ],
    ['a property of no known type', { properties: { a: { type: 'text' } } }, 'properties.a: invalid type'],
    ['an enum without a type', { properties: { a: { enum: [1] } } }, 'properties.a: type is not defined'],
    [
      'an enum of three types',
      { type: ['string', 'null', 'number'], enum: ['a'] },
      `root: when type is array and enum is specified, currently only 2 types are supported, one must be null, and the other can be string/integer/number/boolean`,
    ],
    [
      'an enum of an array and null',
      { type: ['array', 'null'], enum: [null] },
      'root: type array is not allowed in combination with enum',
    ],
    ['a null in an enum of integer and null', { type: ['integer', 'null'], enum: [null] }, 'enum: not a valid integer'],
    [
      'an enum of mixed values',
      { type: ['string', 'null'], enum: [1.5] },
      'enum: enum value (1.5) does not match any type in [string null]',
    ],
    [
      'an enum under a name with braces',
      { properties: { 'a{0}': { type: 'string', enum: ['a'] } } },
      'properties.a{0}: invalid path: properties.a{0}',
    ],
    ['items that are false', { type: 'array', items: false }, 'items: items must be an object'],
    ['a tuple', { type: 'array', items: [text] }, 'items: items must be an object'],
    [
      'a reference elsewhere',
      { properties: { a: { $ref: '#/definitions/A' } } },
      'properties.a.$ref: references must start with #/$defs/',
    ],
    [
      'a reference to an empty name',
      { $defs: {}, properties: { a: { $ref: '#/$defs/' } } },
      'properties.a.$ref: definition name cannot be empty',
    ],
    [
      'a reference to a missing definition',
      { $defs: { B: text }, properties: { a: { $ref: '#/$defs/A' } } },
      'root: invalid $ref path: #/$defs/A',
    ],
    [
      'type beside anyOf',
      { properties: { a: { type: 'string', anyOf: branches } } },
      'properties.a: when using anyOf, type should be defined in anyOf items instead of the parent schema',
    ],
    [
      'type beside $ref',
      { $defs: { A: text }, properties: { a: { type: 'string', $ref: '#/$defs/A' } } },
      'properties.a: when using $ref, type should be defined in the referenced schema instead of the parent schema',
    ],
    ['a pattern that is not a string', { type: 'string', pattern: 1 }, 'pattern: pattern must be a string'],
    ['a branch that is not an object', { anyOf: [true] }, 'anyOf: schema in anyOf must be an object'],
  ])('refuses %s', (_, schema, fault) => {
    expect(faultOf(schema, level)).toBe(fault);
  });

  it.each([
    ['an empty schema', {}],
    ['a property without keywords', { type: 'object', properties: { a: {} } }],
    ['null first in an enum of integers', { type: ['null', 'integer'], enum: [null, 1] }],
    [
      'a reference to a property of a definition',
      {
        $defs: { N: { type: 'object', properties: { v: text } } },
        type: 'object',
        properties: { a: { $ref: '#/$defs/N/properties/v' } },
      },
    ],
    ['a list without items', { type: 'array' }],
  ])('accepts %s', (_, schema) => {
    expect(faultOf(schema, level)).toBeUndefined();
  });

  it('accepts 1,000 values, 500 branches, 30 levels and 3,000 names, and refuses one more of each', () => {
    const values = (count: number) => ({ type: 'integer', enum: Array.from({ length: count }, (_, place) => place) });
    const unions = (count: number) => ({ anyOf: Array.from({ length: count }, () => text) });
    const names = (count: number) => ({
      type: 'object',
      properties: Object.fromEntries(Array.from({ length: count }, (_, place) => [`p${place}`, {}])),
    });
    const nested = (levels: number): object =>
      levels === 0 ? text : { type: 'object', properties: { a: nested(levels - 1) } };
    for (const [make, most] of [
      [values, 1000],
      [unions, 500],
      [names, 3000],
      [nested, 30],
    ] as const) {
      expect(faultOf(make(most), level), `${make.name} of ${most}`).toBeUndefined();
      expect(faultOf(make(most + 1), level), `${make.name} of ${most + 1}`).toMatch(/more than|1-500|exceeds/);
    }
    expect(faultOf(names(3001), level)).toBe(
      'root: total number of properties keys(3001) across all objects exceeds maximum limit of 3000',
    );
  });

  it('accepts 120,000 bytes of compact JSON and refuses one more', () => {
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ type: 'string', description: '' }).length;
      // Two bytes of UTF-8 each, but for the last.
      const rest = bytes - frame;
      return { type: 'string', description: 'é'.repeat(rest >> 1) + 'x'.repeat(rest % 2) };
    };
    expect(faultOf(sized(SCHEMA_LIMITS.bytes), level)).toBeUndefined();
    expect(faultOf(sized(SCHEMA_LIMITS.bytes + 1), level)).toBe('root: schema exceeds maximum allowed size');
  });
});

describe('the levels differ', () => {
  const many = { type: 'object', properties: { a: { type: ['string', 'object'], default: 1 } } };

  it('in names that JSON Schema reserves: refused from strict on', () => {
    const schema = { type: 'object', properties: { required: text } };
    expect(faultOf(schema, 'lite')).toBeUndefined();
    expect(faultOf(schema)).toBe("properties: property name 'required' is reserved for JSON Schema keywords");
  });

  it('in keywords beside several types: refused from strict on', () => {
    expect(faultOf(many, 'lite')).toBeUndefined();
    expect(faultOf(many)).toBe('properties.a: keyword default is not allowed in combination with multiple types');
  });

  it('in keywords outside the flavour: refused by ultra only', () => {
    const schema = { $schema: 'x', type: 'object', properties: { a: { type: 'string', format: 'date' } } };
    expect(faultOf(schema)).toBeUndefined();
    expect(faultOf(schema, 'ultra')).toBe('root: unsupported keywords: $schema');
  });
});

it('lets type stand beside anyOf where the live server does, in tools', () => {
  const schema = { type: 'object', anyOf: [{ required: [] }, { properties: { a: text } }] };
  expect(checkSchema(schema, { level: 'strict' })?.text).toMatch(/^when using anyOf/);
  expect(checkSchema(schema, { level: 'strict', typeBesideAnyOf: true })).toBeUndefined();
});

it.each([
  ['[1', 'unexpected end of JSON input'],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
  ['{} x', "invalid character 'x' after top-level value"],
])('tells where a file is not JSON, in the words of Go: %s', (file, words) => {
  expect(checkSchemaText(file, { level: 'strict' })).toMatch(
    /^JSON schema parsing error: JSON syntax error at offset \d+: /,
  );
  expect(checkSchemaText(file, { level: 'strict' })).toContain(words);
});

/** Anything that could stand where a schema is expected, with the keywords of the flavour far more often than by chance. */
const anySchema = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.jsonValue(),
    fc.dictionary(
      fc.constantFrom(
        'type',
        'properties',
        'items',
        'anyOf',
        '$ref',
        '$defs',
        'required',
        'enum',
        'additionalProperties',
        'minLength',
        'pattern',
        'title',
      ),
      fc.oneof(
        tie('schema'),
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', '$ref', 'c/d'), tie('schema'), { maxKeys: 3 }),
        fc.constantFrom('object', 'string', '#', '#/$defs/a', '#/$defs/a/properties/b'),
      ),
      { maxKeys: 4 },
    ),
  ),
})).schema;

it('ends for any schema with one fault or none, which is the first of all that is wrong with it', () => {
  fc.assert(
    fc.property(anySchema, fc.constantFrom(...LEVELS), (schema, level) => {
      const fault = checkSchema(schema, { level });
      expect(checkSchemaText(JSON.stringify(schema), { level }) === undefined).toBe(fault === undefined);
      if (fault) expect(ADVICE[fault.rule]).toMatch(/^[a-z].*[^.]$/);
      const all = checkWholeSchema(schema, { level });
      expect(all[0]).toEqual(fault);
      expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(all.length);
    }),
    { numRuns: runs(2000) },
  );
});

it('refuses at strict whatever it refuses at lite, and at ultra whatever it refuses at strict', () => {
  fc.assert(
    fc.property(anySchema, (schema) => {
      const [lite, strict, ultra] = LEVELS.map((level) => checkSchema(schema, { level }) !== undefined);
      expect([!lite || strict, !strict || ultra]).toEqual([true, true]);
    }),
    { numRuns: runs(2000) },
  );
});

it.each([
  ['items 12,000 deep', () => nest(12_000, (inner) => ({ items: inner }))],
  ['anyOf 12,000 deep', () => nest(12_000, (inner) => ({ anyOf: [inner] }))],
  ['100,000 deep', () => nest(100_000, (inner) => ({ additionalProperties: inner }))],
  ['an enum of a million', () => ({ type: 'integer', enum: Array.from({ length: 1e6 }, (_, place) => place) })],
  ['1,500 references in a ring', () => ring(1500)],
])('ends for a schema of %s without an exception', (_, make) => {
  const schema = make();
  for (const level of LEVELS) checkSchema(schema, { level });
  expect(faultOf(schema, 'strict')).toSatisfy((fault) => fault === undefined || typeof fault === 'string');
});

it('finds a ring of 1,500 required references', () => {
  expect(faultOf(ring(1500))).toBe('properties.a: detected infinite recursion without termination condition');
});

function nest(levels: number, wrap: (inner: object) => object): object {
  let schema: object = {};
  for (let level = 0; level < levels; level += 1) schema = wrap(schema);
  return schema;
}

function ring(length: number): object {
  const link = (place: number) => ({ properties: { a: { $ref: `#/$defs/d${place % length}` } }, required: ['a'] });
  const $defs = Object.fromEntries(Array.from({ length }, (_, place) => [`d${place}`, link(place + 1)]));
  return { type: 'object', ...link(0), $defs };
}
