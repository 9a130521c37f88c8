import { expect, it } from 'vitest';
import { endpointTarget, runConformance } from '../../conformance/index.ts';
import { registerWith } from '../../conformance/register.ts';
import { startRecorder } from './recorder.ts';

function paidTarget(baseURL: string) {
  return endpointTarget({
    baseURL,
    keys: { a: 'sk-live' },
    model: 'kimi-k2-0905-preview',
    declares: {},
    dedicated: false,
    deadlineMs: 10_000,
    paid: true,
  });
}

it('a script that tests a paid target must set maxSpend', async () => {
  const recorder = await startRecorder();
  await expect(runConformance(paidTarget(recorder.url), { cases: ['models'] })).rejects.toThrow('maxSpend');
  expect(recorder.requests).toEqual([]);
  const report = await runConformance(paidTarget(recorder.url), { cases: ['models'], maxSpend: 0.01 });
  expect(report.spending.cap).toBe(0.01);
});

it('a test suite that tests a paid target must set maxSpend', async () => {
  const recorder = await startRecorder();
  const before: (() => Promise<void>)[] = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: () => undefined,
    beforeAll: (body: () => Promise<void>) => void before.push(body),
    afterAll: () => undefined,
  };
  registerWith(runner, paidTarget(recorder.url), { cases: ['models'] });
  registerWith(runner, paidTarget(recorder.url), { cases: ['models'], maxSpend: 0.01 });
  await expect(before[0]?.()).rejects.toThrow('maxSpend');
  expect(recorder.requests).toEqual([]);
  await before[1]?.();
  expect(recorder.requests).not.toEqual([]);
});
