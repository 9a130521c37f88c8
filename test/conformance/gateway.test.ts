import { LLMock } from '@copilotkit/aimock';
import { expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { runConformance } from '../../conformance/core/run.ts';
import { profileOf } from '../../conformance/core/selection.ts';
import { emulatorTarget, gatewayTarget, SMALL_LIMITS } from '../../conformance/targets/emulator.ts';
import { endpointTarget } from '../../conformance/targets/target.ts';
import { plainServer } from '../gateway/gateway.ts';
import { MODEL } from '../support/emulator.ts';
import { slice } from '../support/slice.ts';
import { conformance } from './command.ts';
import { OF_ANSWERS } from './of-answers.ts';

/** One case in so many at each commit. */
const EVERY = 12;

/** Rules that only a model which reads its prompt can keep, or a server which counts it as Kimi does. */
const UNDERSTANDING: readonly string[] = [
  'turn.history',
  'turn.system-late',
  'turn.own-history',
  'turn.no-messages',
  'turn.prompt-tokens',
  'turn.nothing-dropped',
  'turn.window',
  'turn.disconnect',
  'turn.stored',
  'turn.reply-tokens',
  'turn.session',
  'turn.stream-session',
  'turn.usage',
  'turn.one-choice',
  'turn.tool-results',
  'turn.session-tools',
  'turn.new-tools',
  'turn.partial',
  'turn.settings',
  'turn.empty-answer',
  'turn.cut-text',
  'turn.cut-call',
  'truncate.model-forgets',
  'rollback.model-forgets',
  'rollback.restores',
  'forks.model-knows',
  'compress.fact-survives',
];

async function expectKept(baseURL: string): Promise<void> {
  const keys = { a: 'sk-conformance-a', b: 'sk-conformance-b' };
  const common = { declares: {}, dedicated: true, paid: false, deadlineMs: 30_000 };
  const upstream = endpointTarget({ baseURL, keys, anyKey: true, model: MODEL, ...common });
  const target = await gatewayTarget(upstream, { limits: SMALL_LIMITS });
  onTestFinished(() => target.close?.());
  const sessions = CASES.filter((subject) => profileOf(subject) === 'session');
  const report = await runConformance(target, { cases: slice(sessions, EVERY).map(({ id }) => id) });
  const reported = report.results.filter(({ verdict, rule }) => verdict !== 'info' || !OF_ANSWERS.includes(rule));
  const wrong = reported.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'n/a');
  const unexplained = wrong.filter(({ rule }) => !UNDERSTANDING.includes(rule));
  expect(unexplained.map(({ id, verdict, message }) => `${verdict} ${id}: ${message}`)).toEqual([]);
  expect(reported.length - wrong.length).toBeGreaterThan(wrong.length);
}

it('a gateway conforms in front of an emulator without sessions', async () => {
  const upstream = await emulatorTarget({ http: true, options: { stateless: true } });
  const target = await gatewayTarget(upstream, { limits: SMALL_LIMITS });
  onTestFinished(() => target.close?.());
  const report = await runConformance(target, { cases: slice(CASES, EVERY).map(({ id }) => id) });
  const wrong = report.results.filter(({ verdict, rule }) => verdict !== (OF_ANSWERS.includes(rule) ? 'info' : 'pass'));
  expect(wrong.map(({ id, verdict, message }) => `${verdict} ${id}: ${message}`)).toEqual([]);
  expect(report).toMatchObject({ exitCode: 0, leaked: [] });
});

it('a gateway keeps the rules of sessions in front of a plain server that knows no field of Kimi', async () => {
  await expectKept(await plainServer());
});

it('a gateway keeps the rules of sessions in front of aimock', async () => {
  const mock = new LLMock();
  mock.onMessage(/.*/, { content: 'All right.' });
  await mock.start();
  onTestFinished(() => mock.stop());
  await expectKept(`${mock.url}/v1`);
});

it('conformance --gateway judges a target that keeps no sessions, and says what it is', async () => {
  const { code, stdout } = await conformance(['--gateway', '--case', 'sessions.create', '--quiet']);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('gateway before emulator') });
});
