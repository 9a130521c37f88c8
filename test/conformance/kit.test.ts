import { expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { runConformance } from '../../conformance/core/run.ts';
import { type EmulatorTargetOptions, emulatorTarget } from '../../conformance/targets/emulator.ts';
import { requireShared } from '../support/shared.ts';
import { slice } from '../support/slice.ts';

/** One case in so many at each commit; in process and at small limits all of them run each time (adapter.test.ts). */
const EVERY = 10;

/** Over a connection no turn can be made to wait, so that its checks say that they do not apply; in process they run. */
const HELD_OPEN = 'turn.busy-meanwhile';

async function expectConformant(options: EmulatorTargetOptions): Promise<void> {
  const target = await emulatorTarget(options);
  onTestFinished(() => target.close?.());
  const cases = slice(CASES, EVERY).map(({ id }) => id);
  const report = await runConformance(target, { cases });
  const applying = report.results.filter(
    (result) => !(options.http && result.case === HELD_OPEN && result.verdict === 'n/a'),
  );
  const wrong = applying.filter(({ verdict }) => verdict !== 'pass');
  expect(wrong.map(({ id, verdict, message }) => `${verdict} ${id}: ${message}`)).toEqual([]);
  expect(report).toMatchObject({ exitCode: 0, leaked: [] });
  expect(report.completeness.reported).toBe(report.completeness.declared);
}

it('the emulator conforms over HTTP', () => expectConformant({ http: true }));

it('the emulator conforms at the true limits, with the vocabulary of Kimi', (context) =>
  expectConformant({ scale: 'true', options: { tokenizer: requireShared(context, 'vocabulary') } }));
