import { expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { runConformance } from '../../conformance/core/run.ts';
import { OTHER_MODEL } from '../../conformance/core/runner.ts';
import { emulatorTarget, gatewayTarget, smallLimits } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
import { PROFILES } from '../../contract/models/profiles.ts';
import { slice } from '../support/slice.ts';
import { conformance } from './command.ts';
import { OF_ANSWERS } from './of-answers.ts';

/** One case in so many at each commit, for each model. */
const EVERY = 24;

const LIVE = PROFILES.filter(({ retired }) => retired.value === null).map(({ id }) => id);

/** @param reported rules that are told and not scored */
async function expectConformant(target: Target, reported: readonly string[] = []): Promise<void> {
  onTestFinished(() => target.close?.());
  const cases = slice(CASES, EVERY).map(({ id }) => id);
  const { results, exitCode, leaked } = await runConformance(target, { cases: [...cases, 'k3.calls', 'turn.stream'] });
  const wrong = results.filter(
    ({ verdict, message, rule }) => verdict !== 'pass' && message !== OTHER_MODEL && !reported.includes(rule),
  );
  expect(wrong.map(({ id, verdict, message }) => `${verdict} ${id}: ${message}`)).toEqual([]);
  expect({ exitCode, leaked }).toEqual({ exitCode: 0, leaked: [] });
  expect(results.filter(({ verdict }) => verdict === 'pass').length).toBeGreaterThan(20);
}

it.each(LIVE)('the emulator conforms as %s', async (model) => expectConformant(await emulatorTarget({ model })));

it.each(LIVE)('a gateway conforms in front of an emulator without sessions that is %s', async (model) => {
  const upstream = await emulatorTarget({ model, http: true, options: { stateless: true } });
  await expectConformant(await gatewayTarget(upstream, { limits: smallLimits(model) }), OF_ANSWERS);
});

it('a rule of K3 does not judge K2, and the other way round', async () => {
  const [k2, k3] = [await emulatorTarget(), await emulatorTarget({ model: 'kimi-k3' })];
  onTestFinished(async () => void (await Promise.all([k2.close?.(), k3.close?.()])));
  const both = { cases: ['k3', 'chat.temperature', 'chat.shape'] };
  const areas = async (target: Target) => {
    const { results } = await runConformance(target, both);
    return new Set(results.filter(({ verdict }) => verdict === 'pass').map(({ rule }) => rule));
  };
  const [old, current] = [await areas(k2), await areas(k3)];
  expect([...old].filter((rule) => rule.startsWith('k3.'))).toEqual([]);
  expect(old).toContain('chat.temperature');
  expect(current).toContain('k3.sampling');
  expect(current).not.toContain('chat.temperature');
});

it('cases of another model alone are refused by name', async () => {
  const { code, stderr } = await conformance(['--case', 'k3.sampling']);
  expect(code).toBe(2);
  expect(stderr).toContain('no case of the selection is for the model kimi-k2-0905-preview');
});

it('the model of the emulator is that of KIMI_CONFORMANCE_MODEL', async () => {
  const env = { KIMI_CONFORMANCE_MODEL: 'kimi-k3.1-pro' };
  const { code, stdout } = await conformance(['--case', 'k3.sampling'], { env });
  expect(stdout).toContain('all 24 checks hold');
  expect(code).toBe(0);
});
