import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deltasOf, requestOf, tool, user } from '../lookup/ask.ts';
import { parameters } from './arbitrary-schema.ts';

type Schema = Record<string, unknown>;

const names = (count: number, prefix = 'p'): string[] => Array.from({ length: count }, (_, index) => prefix + index);
const each = (keys: readonly string[], schema: (index: number) => unknown): Schema =>
  Object.fromEntries(keys.map((key, index) => [key, schema(index)]));

const item = (members: unknown[], excluded: unknown[]): Schema => ({
  type: 'object',
  required: ['k'],
  properties: { k: { enum: members, not: { enum: excluded } } },
});
const chain = (length: number, link: (next: unknown, index: number) => Schema): Schema => ({
  $ref: '#/$defs/c0',
  $defs: each(names(length, 'c'), (index) => link(index + 1 < length ? { $ref: `#/$defs/c${index + 1}` } : {}, index)),
});
const listOf = (items: unknown): Schema => ({ type: 'array', minItems: 100, items });

const SCHEMAS: Record<string, Schema> = {
  '100 unique objects by enum with not': { ...listOf(item(names(200), names(50))), uniqueItems: true },
  '2,000 references to an anchor that is not there': {
    type: 'object',
    properties: each(names(2_000), () => ({ $ref: '#nope' })),
    required: names(2_000),
    $defs: each(names(2_000), () => ({ type: 'string' })),
  },
  'two enums of 10,000': { allOf: [{ enum: names(10_000) }, { enum: names(10_000).reverse() }] },
  'an enum of 20,000 and not the same': { enum: names(20_000), not: { enum: names(20_000) } },
  '24 references with 2,000 required each': chain(24, (next, index) => ({
    allOf: [next],
    required: names(2_000, `r${index}_`),
  })),
  '24 references that double': chain(24, (next) => ({ allOf: [next, next] })),
  'a pattern that backtracks': { type: 'string', pattern: '(a+)+$'.repeat(20) },
  'a pattern of properties that backtracks': {
    type: 'object',
    properties: { [`${'a'.repeat(60)}!`]: { type: 'string' } },
    required: [`${'a'.repeat(60)}!`],
    patternProperties: { '^(a+)+$': { type: 'integer' } },
  },
  '100 large patterns': {
    type: 'object',
    properties: each(names(100), (index) => ({ type: 'string', pattern: `^(\\p{L}{100}){9}${index}$` })),
    required: names(100),
  },
  'lists in lists of long texts': listOf(listOf(listOf({ type: 'string', minLength: 60_000 }))),
  '200,000 branches': {
    ...listOf({ anyOf: names(2_000).map((name) => ({ type: 'object', required: [name] })) }),
    uniqueItems: true,
  },
};

/** Processor time of answering with the schema, in milliseconds: the least of three, and more after a first run only. */
async function costOf(schema: Schema): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < 3; run += 1) {
    const before = process.cpuUsage();
    const [delta] = await deltasOf(
      requestOf([user('city: Paris'), user('JSON, please')], { responseFormat: { type: 'json_schema', schema } }),
    );
    const { user: spent, system } = process.cpuUsage(before);
    expect(() => JSON.parse(delta?.type === 'text' ? delta.text : '')).not.toThrow();
    least = Math.min(least, (spent + system) / 1_000);
  }
  return least;
}

/** 50 ms on a quiet machine; twice that where other tests share the processor's caches. */
const LIMIT_MS = 100;

test.each(Object.entries(SCHEMAS))('%s is answered within the budget of one schema', async (_name, schema) => {
  await costOf({ type: 'string', pattern: '^a$' });
  expect(await costOf(schema)).toBeLessThan(LIMIT_MS);
});

test('2,000 generated schemas are each answered within the budget', async () => {
  const slow: unknown[] = [];
  for (const schema of fc.sample(parameters, 2_000)) {
    const before = process.cpuUsage().user;
    await deltasOf(requestOf('call do_it', { tools: [tool('do_it', schema)], toolChoice: 'required' }));
    if ((process.cpuUsage().user - before) / 1_000 > LIMIT_MS && (await costOf(schema)) > LIMIT_MS) slow.push(schema);
  }
  expect(slow).toEqual([]);
});
