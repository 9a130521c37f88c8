import { Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SchemaContext } from '../../../emulator/engines/json-schema/context.ts';
import { fillSchema } from '../../../emulator/engines/json-schema/fill.ts';
import { openSchema } from '../../../emulator/engines/json-schema/schema.ts';
import { isValid } from '../../../emulator/engines/json-schema/validate.ts';
import { deltasOf, requestOf, tool, user } from '../lookup/ask.ts';
import { parameters } from './arbitrary-schema.ts';

const nothing: SchemaContext = {
  stated: () => [],
  mentions: () => false,
  valuesFor: () => [],
  useUnnamed: () => undefined,
};
const fill = async (schema: unknown): Promise<unknown> => fillSchema(await openSchema(schema), nothing).value;

/** Errors of another implementation. */
function errorsOf(value: unknown, schema: Record<string, unknown>): unknown[] {
  return new Validator(schema, '2020-12', false).validate(value).errors;
}

const context = [
  user('city: Paris, user_id: mia_1\namount = 42\nunit: kelvin, note: a'),
  user('{"tags":["a","b"],"date":"2024-05-20","maxPrice":-3.5,"note":null,"from":{"id":3}}'),
];

describe('what fills a schema', () => {
  test('is valid under it, with hints and without', async () => {
    await fc.assert(
      fc.asyncProperty(
        parameters,
        fc.constantFrom('call do_it', 'call do_it for Oslo with 12 and "abc" in celsius'),
        async (schema, order) => {
          const request = requestOf([...context, user(order)], {
            tools: [tool('do_it', schema)],
            toolChoice: 'required',
          });
          const [delta] = await deltasOf(request);
          expect(delta).toMatchObject({ type: 'tool_call', name: 'do_it' });
          const value: unknown = JSON.parse(delta?.type === 'tool_call' ? delta.arguments : '');
          expect(errorsOf(value, schema)).toEqual([]);
          expect(isValid(value, schema, await openSchema(schema))).toBe(true);
          expect(errorsOf(await fill(schema), schema)).toEqual([]);
          expect(await deltasOf(request)).toEqual([delta]);
        },
      ),
      { numRuns: 200 },
    );
  });

  const list = { type: 'array', minItems: 3 };
  const kinds = { k: { enum: ['a', 'b'] }, v: {} };

  test.each<Record<string, unknown>>([
    {
      ...list,
      uniqueItems: true,
      items: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
    },
    { type: 'array', contains: { const: 'x' }, minContains: 2, maxContains: 3 },
    { ...list, contains: { type: 'integer', minimum: 5 }, minContains: 2, items: { type: 'integer' } },
    {
      type: 'object',
      properties: kinds,
      required: ['k', 'v'],
      if: { properties: { k: { const: 'a' } } },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema; nothing awaits this object.
      then: { properties: { v: { type: 'integer' } } },
      else: { properties: { v: { type: 'boolean' } } },
    },
    {
      type: 'object',
      required: ['a'],
      dependentSchemas: { a: { required: ['c'], properties: { c: { type: 'null' } } } },
    },
    {
      type: 'object',
      patternProperties: { '^x_': { type: 'integer' } },
      additionalProperties: false,
      minProperties: 3,
    },
    { type: 'string', format: 'email', minLength: 50 },
    { type: 'string', format: 'uri', minLength: 80 },
  ])('is valid under %j', async (schema) => {
    const responseFormat = { type: 'json_schema', schema } as const;
    expect(errorsOf(await fill(schema), schema)).toEqual([]);
    for (const told of ['id: 7', 'k: a, v: abc', 'k: b', 'a: 99']) {
      const [delta] = await deltasOf(requestOf([user(told), user('JSON, please')], { responseFormat }));
      expect(errorsOf(JSON.parse(delta?.type === 'text' ? delta.text : ''), schema)).toEqual([]);
    }
  });

  test.each<[Record<string, unknown> | boolean, unknown]>([
    [{ enum: ['b', 'a'] }, 'b'],
    [{ type: 'string', default: 'x' }, 'x'],
    [{ type: 'string', default: 7 }, 'NOT_FOUND'],
    [{ type: 'string', maxLength: 3 }, 'NOT'],
    [{ type: 'string', minLength: 12 }, 'NOT_FOUND___'],
    [{ type: ['string', 'null'] }, null],
    [{ anyOf: [{ type: 'integer', minimum: 3 }, { type: 'null' }] }, null],
    [{ type: 'array', items: { enum: ['x', 'y', 'z'] }, minItems: 3, uniqueItems: true }, ['x', 'y', 'z']],
    [
      { type: 'object', minProperties: 2 },
      { property_1: 'NOT_FOUND', property_2: 'NOT_FOUND' },
    ],
    [{ type: 'object', required: ['x'], additionalProperties: { type: 'integer' } }, { x: 0 }],
    [{ type: 'integer', multipleOf: 2.5, minimum: 1 }, 5],
    [true, 'NOT_FOUND'],
    [false, null],
    [{ $ref: '#/nowhere' }, 'NOT_FOUND'],
    [{ $ref: '#' }, 'NOT_FOUND'],
  ])('for %j', async (schema, expected) => {
    expect(await fill(schema)).toEqual(expected);
  });

  test.each<Record<string, unknown>>([
    { type: 'array', items: { type: 'string' }, minItems: 1e9 },
    { type: 'string', minLength: 1e9 },
    { type: 'string', pattern: '(a+)+$'.repeat(20) },
    { type: 'object', required: ['next'], properties: { next: { $ref: '#' } } },
    { anyOf: Array.from({ length: 50 }, () => ({ $ref: '#' })) },
    { allOf: [{ $ref: '#' }, { $ref: '#' }] },
    { type: 'string', format: 'constructor' },
    { type: 'object', required: ['__proto__', 'constructor'] },
  ])('ends for %j', async (schema) => {
    const value = await fill(schema);
    expect(() => JSON.stringify(value)).not.toThrow();
  });
});
