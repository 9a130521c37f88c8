import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { json, proxy } from '../../conformance/proof/proxy.ts';
import { type RegisterOptions, registerWith } from '../../conformance/register.ts';
import { Report } from '../../conformance/report/report.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
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

/** Registers without a runner, and runs all. @returns what went wrong */
async function suite(target: Target, options: RegisterOptions): Promise<{ failures: string[]; skipped: string[] }> {
  const before: (() => Promise<void>)[] = [];
  const after: (() => Promise<void>)[] = [];
  const tests: (() => Promise<void>)[] = [];
  const skipped: string[] = [];
  registerWith(
    {
      describe: (_, body) => body(),
      it: (_, body) => void tests.push(() => body((reason) => void skipped.push(reason))),
      beforeAll: (body) => void before.push(body),
      afterAll: (body) => void after.push(body),
    },
    target,
    options,
  );
  const failures: string[] = [];
  for (const body of [...before, ...tests, ...after]) {
    await body().catch((error: Error) => failures.push(error.message));
  }
  return { failures, skipped };
}

describe('a suite', () => {
  it('is not green where everything is skipped', async () => {
    const real = await emulatorTarget();
    const unknown = proxy(real.fetch, async ({ path, method }, forward) =>
      /sessions|snapshots/.test(path) ? json({ code: 5, error: 'url.not_found', method, url: path }, 404) : forward(),
    );
    const target = { ...real, fetch: unknown, declares: {} };
    const { failures, skipped } = await suite(target, { cases: ['truncate.minimum'] });
    await real.close?.();
    expect(skipped.length).toBeGreaterThan(0);
    expect(failures).toEqual([expect.stringContaining('no rule was seen to hold')]);
  });

  it('is not green where something is left behind', async () => {
    const real = await emulatorTarget();
    const undeletable = proxy(real.fetch, async ({ method }, forward) =>
      method === 'DELETE' ? json({}, 500) : forward(),
    );
    const { failures } = await suite({ ...real, fetch: undeletable }, { cases: ['truncate.minimum'] });
    await real.close?.();
    expect(failures).toEqual([expect.stringContaining('left behind: session sess_')]);
  });
});

describe('a target that is broken', () => {
  it('fails the tests of its checks, and skips what it does not offer', async () => {
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
