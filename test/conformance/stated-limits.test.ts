import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/index.ts';
import { behind } from '../../conformance/proof/mutant.ts';
import { editJson } from '../../conformance/proof/proxy.ts';
import { emulatorTarget, SMALL_LIMITS } from '../../conformance/targets/emulator.ts';
import { createEmulator } from '../../emulator/index.ts';
import { conformance, temporaryFolder } from './command.ts';

/** A run against a server whose sessions state these limits. */
async function judge(stated: object) {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  let bytes = 0;
  const target = behind(real, async ({ body }, forward) => {
    bytes += JSON.stringify(body ?? '').length;
    const response = await forward();
    return editJson(response, (answer: { limits?: object }) =>
      answer.limits ? { ...answer, limits: { ...answer.limits, ...stated } } : answer,
    );
  });
  const report = await runConformance(target, { cases: ['append.limit-single', 'append.window', 'sessions.limits'] });
  return { report, bytes: () => bytes };
}

it.each<[string, unknown, string]>([
  ['more tokens than there are', 1e12, 'window_tokens 1000000000000 (64 to 262144)'],
  ['one token more than the contract', 262_145, 'window_tokens 262145 (64 to 262144)'],
  ['less than nothing', -1, 'window_tokens -1 (64 to 262144)'],
  ['no number', null, 'window_tokens null (no whole number)'],
  ['half a token', 100.5, 'window_tokens 100.5 (no whole number)'],
  ['a text', '4096', 'window_tokens "4096" (no whole number)'],
  ['a very long text', '9'.repeat(10_000), '… (10002 characters) (no whole number)'],
])(
  'a target that states %s is tested with the declared limits, and the report says so',
  async (_, window_tokens, told) => {
    const { report, bytes } = await judge({ window_tokens });
    expect(report.target.limits).toMatchObject(SMALL_LIMITS);
    expect(report.target.refusedLimits).toEqual([expect.stringContaining(told)]);
    const failed = report.results.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
    expect(failed).toContain('sessions.limits/window-tokens-declared');
    expect(bytes()).toBeLessThan(1_000_000);
  },
);

it('stated limits within the contract are used', async () => {
  const { report } = await judge({ append_tokens: 128, snapshots: 3 });
  expect(report.target.limits).toMatchObject({ ...SMALL_LIMITS, append_tokens: 128, snapshots: 3 });
  expect(report.target.refusedLimits).toBeUndefined();
});

it('a server with larger limits than the contract has to be declared, and the terminal says how', async () => {
  const emulator = createEmulator({ limits: { window_tokens: 300_000 } });
  onTestFinished(() => emulator.close());
  await emulator.listen();
  const out = temporaryFolder();
  const args = ['--target', emulator.baseURL, '--declare', 'sessions', '--case', 'sessions.limits', '--out', out];
  const { stdout } = await conformance(args);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'Ignored limits stated by the target: window_tokens 300000 (64 to 262144). Declare larger ones with --limit.',
  );
  const { code } = await conformance([...args, '--limit', 'window_tokens=300000', '--report', 'json']);
  expect(code).toBe(0);
  const { target } = JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8'));
  expect(target.limits.window_tokens).toBe(300_000);
});
