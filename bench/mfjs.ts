import { existsSync, readFileSync } from 'node:fs';
import { checkSchema } from '../emulator/engines/mfjs/check-schema.ts';
import { printTable } from './table.ts';

/** Schemas of one pass: those of the official cases where they stand beside the project, else a typical one. */
const CASES = new URL('../../shared/data/mfjs-cases.jsonl', import.meta.url);
const TYPICAL = {
  type: 'object',
  properties: {
    path: { type: 'string', description: 'The file to read' },
    limit: { type: ['integer', 'null'], description: 'Lines at most' },
    mode: { type: 'string', enum: ['text', 'binary'] },
    filter: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
  },
  required: ['path'],
  additionalProperties: false,
};

function typicalSchemas(): unknown[] {
  if (!existsSync(CASES)) return [TYPICAL];
  return readFileSync(CASES, 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { schema: string }).schema)
    .filter((text) => text.startsWith('{') && text.length < 4000)
    .flatMap((text) => {
      try {
        return [JSON.parse(text) as unknown];
      } catch {
        return [];
      }
    });
}

/** Schemas of the largest size that is read, each of a shape that could cost more than its size. */
const HOSTILE: Record<string, () => unknown> = {
  'items 11,000 deep': () => nested(11_000, (inner) => ({ items: inner })),
  'anyOf 8,000 deep': () => nested(8000, (inner) => ({ anyOf: [inner] })),
  '3,000 properties': () => ({
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: 3000 }, (_, place) => [`property${place}`, { type: 'string' }]),
    ),
  }),
  '1,500 references in a ring': () => {
    const link = (place: number) => ({ properties: { a: { $ref: `#/$defs/d${place % 1500}` } }, required: ['a'] });
    return { ...link(0), $defs: Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`d${i}`, link(i + 1)])) };
  },
  '14,000 names required, one by one unknown': () => ({ type: 'object', required: Array(14_000).fill('abcde') }),
  'a text of 64 MiB': () => ({ description: 'x'.repeat(64 << 20) }),
};

function nested(levels: number, wrap: (inner: object) => object): object {
  let schema: object = {};
  for (let level = 0; level < levels; level += 1) schema = wrap(schema);
  return schema;
}

function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const schemas = typicalSchemas();
const pass = () => {
  for (const schema of schemas) checkSchema(schema, { level: 'strict' });
};
for (let round = 0; round < 50; round += 1) pass();
const PASSES = 100;
const spent = processorMs(() => {
  for (let round = 0; round < PASSES; round += 1) pass();
});
const perSecond = (PASSES * schemas.length) / (spent / 1000);
printTable('Schemas checked at strict, by processor time', [
  { name: 'typical schemas a second', value: perSecond, target: '>= 20,000', ok: perSecond >= 20_000 },
]);
const rows = Object.entries(HOSTILE).map(([name, make]) => {
  const schema = make();
  const value = Math.min(...[1, 2, 3].map(() => processorMs(() => checkSchema(schema, { level: 'ultra' }))));
  return { name, value, target: '<= 20', ok: value <= 20 };
});
printTable('Schemas made to be slow, ms, least of three', rows);
if (perSecond < 20_000 || rows.some(({ ok }) => !ok)) process.exitCode = 1;
