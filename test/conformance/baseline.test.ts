import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { applyBaseline, Baseline, baselineOf } from '../../conformance/core/baseline.ts';
import { type RunOptions, runConformance } from '../../conformance/core/run.ts';
import { behind } from '../../conformance/proof/mutant.ts';
import { editJson, on } from '../../conformance/proof/proxy.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import { conformance, temporaryFolder } from './command.ts';
import { startRecorder } from './recorder.ts';

type Entry = Baseline['entries'][number];

const CHECK = 'balance.read/envelope';
const ENTRY: Entry = {
  check: CHECK,
  expect: 'fail',
  message: 'scode',
  reason: 'the gateway has not been mended yet',
  added: '2026-01-01',
  expires: '2999-01-01',
};

/** A server whose balance says another `scode`, or one that is sound. */
async function judge(entries: Entry[], { broken = true, ...options }: RunOptions & { broken?: boolean } = {}) {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  const handler = on('GET', '/v1/users/me/balance', async (_, forward) =>
    editJson(await forward(), (body: object) => ({ ...body, scode: '0x7' })),
  );
  const target = broken ? behind(real, handler) : real;
  return runConformance(target, { cases: ['balance', 'models'], baseline: { baseline: 1, entries }, ...options });
}

it('failures on the list of known failures do not fail a run', async () => {
  const without = await judge([]);
  expect(without.exitCode).toBe(1);
  const failing = without.results.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
  expect(failing).toContain(CHECK);
  const report = await judge(failing.map((check) => ({ ...ENTRY, check, message: '' })));
  expect(report).toMatchObject({ exitCode: 0, baseline: { known: failing, problems: [] } });
});

it.each<[string, Partial<Entry>, string]>([
  ['that expired', { expires: '2026-01-02' }, 'expired on 2026-01-02'],
  ['with another message', { message: '^nothing like it' }, 'another message'],
  ['with another verdict', { expect: 'warn' }, 'expected warn, got fail'],
])('a known failure %s fails the run', async (_, change, problem) => {
  const report = await judge([{ ...ENTRY, ...change }]);
  expect(report.exitCode).toBe(1);
  expect(report.baseline?.problems.join()).toContain(problem);
});

it('a known failure whose check now passes fails the run', async () => {
  const report = await judge([ENTRY], { broken: false });
  expect(report.exitCode).toBe(1);
  expect(report.baseline?.problems).toEqual([expect.stringContaining('passes now')]);
});

it('an entry of a check that there is not fails a whole run, and --update leaves it out', async () => {
  // Without sessions, so that a whole run is short.
  const recorder = await startRecorder();
  recorder.absent = /sessions|snapshots|shares/;
  const out = temporaryFolder();
  const file = join(out, 'baseline.json');
  writeFileSync(file, JSON.stringify({ baseline: 1, entries: [{ ...ENTRY, check: 'balance.nothing/at-all' }] }));
  const args = ['--target', recorder.url, '--baseline', file, '--out', out, '--quiet'];
  const { code, stdout } = await conformance(args);
  expect(code).toBe(1);
  expect(stdout).toContain('balance.nothing/at-all');
  expect((await conformance([...args, '--update'])).code).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ baseline: 1, entries: [] });
});

it('a pattern that takes the built-in engine hours is matched at once, and one that RE2 lacks is refused', async () => {
  const report = await judge([{ ...ENTRY, message: '^(\\w+\\s?)+\\s?$' }]);
  expect(report.baseline?.problems.join()).toContain('another message');
  expect(Baseline.safeParse({ baseline: 1, entries: [{ ...ENTRY, message: '(?=scode)' }] }).success).toBe(false);
});

it('a list written by --update holds for the next run, in which made-up words and ids are others', () => {
  const failing = (message: string) => {
    const verdict = 'fail' as const;
    const rule = { case: CHECK, rule: 'balance.envelope' as const, profile: 'kimi-wire' as const };
    return { id: CHECK, ...rule, level: 'MUST' as const, evidence: 'kimi' as const, verdict, durationMs: 1, message };
  };
  const today = new Date('2026-12-01');
  const isKnown = (before: string, after: string) => {
    const list = Baseline.parse(baselineOf([failing(before)], 'written by --update', today));
    return applyBaseline(list, [failing(after)], false, today).problems.length === 0;
  };
  expect(isKnown('it was told KB08B99D0C: "" (3 tries)', 'it was told K1234567EF: "" (3 tries)')).toBe(true);
  expect(isKnown('said: KF8C87EB91 K29A6C93EE K (3 tries)', 'said: K10CF0D388 KC7B6B (3 tries)')).toBe(true);
  const long = (word: string) => `the deltas do not join to ${`${word} 你好 🌍 `.repeat(9)}: [${word}]`;
  expect(isKnown(long('KA1ED36D13'), long('K0000000FF'))).toBe(true);
  const id = (digit: string) => `id ses_${digit.repeat(8)}-1111-4111-8111-${digit.repeat(12)} is gone`;
  expect(isKnown(id('a').replace('ses_', ''), id('b').replace('ses_', ''))).toBe(true);
  expect(isKnown('expected 8, got 86', 'expected 8, got 87')).toBe(false);
  expect(isKnown('it was told K1234567EF (a+b)', 'it was told K1234567EF aab')).toBe(false);
});
