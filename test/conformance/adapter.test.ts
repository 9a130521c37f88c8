import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { select } from '../../conformance/core/selection.ts';
import { json, proxy } from '../../conformance/proof/proxy.ts';
import { type RegisterOptions, registerWith } from '../../conformance/register.ts';
import { Report } from '../../conformance/report/report.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
import { registerConformance } from '../../conformance/vitest.ts';
import { MODEL_ID } from '../../contract/models.ts';
import { slice } from '../support/slice.ts';
import { conformance, temporaryFolder } from './command.ts';

/** The command line runs one case in so many at each commit, the adapter all of them. */
const EVERY = 12;

/** In order, whatever the order of a run: the last test compares what the others have found. */
describe('the adapter', { shuffle: false }, () => {
  /** Each check of the kit is a test of this suite: the emulator conforms. */
  const found = registerConformance(() => emulatorTarget());

  it('gives the same verdicts as the command line', async () => {
    const out = temporaryFolder();
    const cases = slice(CASES, EVERY).map(({ id }) => id);
    const args = ['--case', cases.join(), '--report', 'json', '--out', out, '--quiet'];
    expect((await conformance(args)).code).toBe(0);
    const { results, completeness, leaked } = Report.parse(
      JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8')),
    );
    expect(leaked).toEqual([]);
    expect(completeness.reported).toBe(completeness.declared);
    const byCommand = Object.fromEntries(results.map(({ id, verdict }) => [id, verdict]));
    const byAdapter = Object.fromEntries([...found.values()].map(({ id, verdict }) => [id, verdict]));
    expect(byAdapter).toMatchObject(byCommand);
    expect(new Set(Object.values(byAdapter))).toEqual(new Set(['pass']));
  });

  afterAll(() => {
    const ofModel = select({}, MODEL_ID);
    const declared = ofModel.reduce((count, { checks }) => count + Object.keys(checks).length, 0);
    expect(ofModel.length).toBeGreaterThan(CASES.length * 0.9);
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
    expect(failures).toEqual([expect.stringContaining('no rule passed')]);
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
