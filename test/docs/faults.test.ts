import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TIERS, type Tier } from '../../contract/limits.ts';
import { faultsTable, withTable } from '../../docs/faults/table.ts';
import { FAULT_EFFECTS } from '../../emulator/faults/fault-spec.ts';

const PAGE = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8');

it('docs/faults.md is up to date with the clients (npm run docs)', async () => {
  expect(PAGE).toBe(withTable(PAGE, await faultsTable()));
});

it('docs/faults.md names every effect with its parameters', () => {
  for (const [effect, { parameters, optional }] of Object.entries(FAULT_EFFECTS)) {
    const row = PAGE.split('\n').find((line) => line.startsWith(`| \`${effect}\` |`)) ?? '';
    for (const name of [effect, ...Object.keys({ ...parameters, ...optional })])
      expect(row, effect).toContain(`\`${name}\``);
  }
});

it('docs/faults.md has the current rate tiers', () => {
  for (const [number, { concurrency, rpm, tpm, tpd }] of Object.entries<Tier>(TIERS)) {
    const cells = [concurrency, rpm, tpm, tpd].map((limit) => limit?.toLocaleString('en-US') ?? '');
    expect(PAGE).toContain(`| ${number} | ${cells.join(' | ')} |`.replace('|  |', '| |'));
  }
});
