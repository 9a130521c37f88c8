import fc from 'fast-check';

type Schema = Record<string, unknown> | boolean;

const name = fc.constantFrom(
  'city',
  'user_id',
  'amount',
  'unit',
  'date',
  'tags',
  'note',
  'maxPrice',
  'from',
  '__proto__',
  '名字',
);

const plain = fc.oneof(
  fc.constant({ type: 'string' }),
  fc.tuple(fc.nat(12), fc.nat(12)).map(([min, more]) => ({ type: 'string', minLength: min, maxLength: min + more })),
  fc
    .constantFrom(
      '^[A-Z]{3}$',
      '^\\d{5}(-\\d{4})?$',
      '^(foo|bar)_[a-z]+$',
      '[0-9a-f]{8}',
      '^\\w+@\\w+\\.com$',
      '^a?b*c+$',
      '^[^,]{2,4}$',
    )
    .map((pattern) => ({ type: 'string', pattern })),
  fc
    .constantFrom('date', 'date-time', 'time', 'email', 'uuid', 'uri', 'ipv4', 'ipv6', 'hostname', 'duration')
    .map((format) => ({
      type: 'string',
      format,
    })),
  fc
    .uniqueArray(fc.constantFrom<unknown>('celsius', 'fahrenheit', 1, 2.5, null, true, ''), { minLength: 1 })
    .map((members) => ({ enum: members })),
  fc.constantFrom<unknown>('fixed', 7, null, { a: [1] }).map((value) => ({ const: value })),
);

const numeric = fc.oneof(
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.nat(20))
    .map(([min, more]) => ({ type: 'integer', minimum: min, maximum: min + more })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.nat(20))
    .map(([low, more]) => ({ type: 'integer', exclusiveMinimum: low, exclusiveMaximum: low + more + 2 })),
  fc
    .constantFrom(3, 5, 10)
    .chain((step) =>
      fc.integer({ min: -99, max: 99 }).map((minimum) => ({ type: 'integer', multipleOf: step, minimum })),
    ),
  fc
    .constantFrom(0.5, 0.1, 0.25)
    .chain((step) => fc.integer({ min: -9, max: 9 }).map((minimum) => ({ type: 'number', multipleOf: step, minimum }))),
  fc.constantFrom(
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    { type: 'number', maximum: -3.5 },
    { type: 'boolean' },
    { type: 'null' },
    { type: ['string', 'null'] },
    { type: ['integer', 'string'] },
    {},
    true,
  ),
);

/** Schemas under which something is valid, drawn from what tool descriptions use and some of what they could. */
const { schema } = fc.letrec<{ schema: Schema | true; object: Schema; list: Schema; union: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    plain,
    numeric,
    tie('object'),
    tie('list'),
    tie('union'),
    fc.constant({ $ref: '#/$defs/shared' }),
  ),
  object: fc
    .tuple(
      fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      fc.constantFrom<unknown>(undefined, true, false, { type: 'string' }),
      fc.nat(2),
    )
    .map(([properties, picks, additional, least]) => {
      const names = Object.keys(properties);
      return {
        type: 'object',
        properties,
        required: names.filter((_, index) => picks[index]),
        ...(additional === undefined ? {} : { additionalProperties: additional }),
        minProperties: Math.min(least, names.length),
      };
    }),
  list: fc.oneof(
    fc
      .tuple(tie('schema'), fc.nat(3), fc.nat(3))
      .map(([items, min, more]) => ({ type: 'array', items, minItems: min, maxItems: min + more })),
    fc.nat(4).map((minItems) => ({ type: 'array', items: { type: 'string' }, minItems, uniqueItems: true })),
    fc
      .nat(4)
      .map((minItems) => ({ type: 'array', items: { type: 'integer', minimum: 5 }, minItems, uniqueItems: true })),
    fc.tuple(tie('schema'), tie('schema')).map((prefixItems) => ({ type: 'array', prefixItems, minItems: 2 })),
  ),
  union: fc.oneof(
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.constant({
      oneOf: [{ type: 'string', minLength: 3 }, { type: 'integer' }, { type: 'object', required: ['kind'] }],
    }),
    fc.constant({
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { type: 'number', minimum: 2 } }, required: ['b'] },
      ],
    }),
    fc.constant({ allOf: [{ type: 'integer', minimum: 2 }, { minimum: 5, maximum: 9 }, { not: { const: 5 } }] }),
    fc.constant({
      type: 'object',
      properties: { kind: { enum: ['a', 'b'] }, size: { type: 'integer' } },
      required: ['kind'],
      if: { properties: { kind: { const: 'a' } } },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema; nothing awaits this object.
      then: { required: ['size'] },
    }),
    fc.constant({
      type: 'object',
      properties: { card: { type: 'string' }, address: { type: 'string' } },
      required: ['card'],
      dependentRequired: { card: ['address'] },
    }),
    fc.constant({ type: 'array', items: { type: 'integer' }, contains: { minimum: 7 } }),
  ),
}));

/** An object schema with shared definitions, as a tool's parameters are. */
export const parameters: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.dictionary(name, schema, { minKeys: 1, maxKeys: 4 }),
    fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  )
  .map(([properties, picks]) => ({
    type: 'object',
    properties,
    required: Object.keys(properties).filter((_, index) => picks[index]),
    $defs: {
      shared: {
        type: 'object',
        properties: { id: { type: 'integer', minimum: 1 }, next: { $ref: '#/$defs/shared' } },
        required: ['id'],
      },
    },
  }));
