import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { parseOptions } from '../../conformance/cli/options.ts';
import { select } from '../../conformance/core/selection.ts';
import { MUTANTS } from '../../conformance/proof/mutants.ts';
import { mustChecks } from '../../conformance/proof/prove.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${ROOT}docs/conformance.md`, 'utf8');
const ci = readFileSync(`${ROOT}docs/ci.md`, 'utf8');
const COMMAND = /npx kimi-emulator conformance([^#\n`]*)/g;

it('every command line in the conformance docs is valid, and names existing cases', () => {
  const lines = [...`${page}\n${ci}`.matchAll(COMMAND)].map(([, rest = '']) =>
    rest.trim().split(/\s+/).filter(Boolean),
  );
  expect(lines.length).toBeGreaterThan(8);
  for (const args of lines) {
    const { cases } = parseOptions(args);
    if (cases) expect(select({ cases }).length, args.join(' ')).toBeGreaterThan(0);
  }
});

it('the script of docs/conformance.md prints what the page says', () => {
  const code = [...page.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, block = '']) => block)
    .find((block) => block.includes('console.log'));
  const file = `${ROOT}test/docs/conformance-example.${process.pid}.mts`;
  onTestFinished(() => rmSync(file));
  writeFileSync(file, code ?? '');
  const printed = execFileSync(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, encoding: 'utf8' });
  expect(printed.trim()).toBe('conformant 0');
});

it('docs/conformance-proof.md names existing mutants and checks', () => {
  const proof = readFileSync(`${ROOT}docs/conformance-proof.md`, 'utf8');
  expect(proof).toContain('The proof holds.');
  // Of many checks of one case the page says how many.
  for (const check of mustChecks()) expect(proof, check).toContain(`\`${check.split('/')[0]}`);
  for (const { id } of MUTANTS) expect(proof, id).toContain(`| ${id} |`);
});
