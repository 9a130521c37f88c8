import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/cases/index.ts';
import { Report } from '../../conformance/report/report.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import { registerConformance } from '../../conformance/vitest.ts';
import { conformance, temporaryFolder } from './command.ts';

/** Each check of the kit is a test of this suite. */
const found = registerConformance(() => emulatorTarget());

describe('the adapter and the command line', () => {
  it('give the same verdicts', async () => {
    const out = temporaryFolder();
    const { code } = await conformance(['--report', 'json', '--out', out, '--quiet']);
    expect(code).toBe(0);
    const { results } = Report.parse(JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8')));
    const byCommand = Object.fromEntries(results.map(({ id, verdict }) => [id, verdict]));
    const byAdapter = Object.fromEntries([...found.values()].map(({ id, verdict }) => [id, verdict]));
    expect(byAdapter).toEqual(byCommand);
  });

  afterAll(() => {
    const declared = CASES.reduce((count, { checks }) => count + Object.keys(checks).length, 0);
    expect(found.size).toBe(declared);
  });
});

describe('a target that is broken', () => {
  it('fails the tests of its checks, and skips what it does not offer', async () => {
    const { registerWith } = await import('../../conformance/register.ts');
    const { json, proxy } = await import('../../conformance/proof/proxy.ts');
    const real = await emulatorTarget();
    const broken = proxy(real.fetch, async ({ path }, forward) =>
      path === '/v1/models' ? json({ object: 'list' }) : forward(),
    );
    const before: (() => Promise<void>)[] = [];
    const after: (() => Promise<void>)[] = [];
    const tests: { name: string; run: () => Promise<void> }[] = [];
    const skipped: string[] = [];
    registerWith(
      {
        describe: (_, body) => body(),
        it: (name, body) => tests.push({ name, run: () => body((reason) => skipped.push(reason)) }),
        beforeAll: (body) => before.push(body),
        afterAll: (body) => after.push(body),
      },
      { ...real, fetch: broken, declares: {} },
      { cases: ['models'] },
    );
    for (const body of before) await body();
    const outcomes = await Promise.allSettled(tests.map(({ run }) => run()));
    for (const body of after) await body();
    await real.close?.();
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    expect(skipped).toEqual([]);
  });
});
