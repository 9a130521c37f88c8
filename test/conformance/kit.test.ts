import { afterEach, expect, it } from 'vitest';
import { runConformance } from '../../conformance/core/run.ts';
import { type EmulatorTargetOptions, emulatorTarget } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
import { requireShared } from '../support/shared.ts';

const opened: Target[] = [];
afterEach(() => Promise.all(opened.splice(0).map((target) => target.close?.())));

async function judge(options: EmulatorTargetOptions) {
  const target = await emulatorTarget(options);
  opened.push(target);
  const report = await runConformance(target);
  const wrong = report.results.filter(({ verdict }) => verdict !== 'pass');
  return { report, wrong: wrong.map(({ id, verdict, message }) => `${verdict} ${id}: ${message}`) };
}

it.each<[string, EmulatorTargetOptions]>([['scaled down, over HTTP', { http: true }]])(
  'the emulator conforms: %s',
  async (_, options) => {
    const { report, wrong } = await judge(options);
    expect(wrong).toEqual([]);
    expect(report.exitCode).toBe(0);
    expect(report.completeness.reported).toBe(report.completeness.declared);
    expect(report.leaked).toEqual([]);
  },
);

it('the emulator conforms at the true limits, with the vocabulary of Kimi', async (context) => {
  const tokenizer = requireShared(context, 'vocabulary');
  const { wrong } = await judge({ scale: 'true', options: { tokenizer } });
  expect(wrong).toEqual([]);
});
