import { renderJunitSuite, type TestCase } from '../../emulator/terminal/formats.ts';
import { oneLine } from '../../emulator/terminal/text.ts';
import { EXIT } from '../core/summary.ts';
import { areaOf, conclude, outcomeOf, overviewOf, problemsOf, type Result, textOf } from './overview.ts';
import type { Report } from './report.ts';

const SUITE = 'kimi-conformance';

/**
 * JUnit XML: one suite, since the run is timed as a whole. The structure is what the schemas of Ant's JUnit task (windyroad/JUnit-Schema) and of
 * Jenkins' xUnit plugin (junit-10.xsd) both allow. A known failure is skipped; where only the run as a whole failed, a test named `run` says why.
 */
export function renderJunit(report: Report): string {
  const known = new Set(report.baseline?.known);
  return renderJunitSuite({
    name: SUITE,
    startedAt: new Date(report.run.startedAt),
    seconds: report.run.durationMs / 1_000,
    properties: propertiesOf(report),
    cases: [...report.results.map((result) => testCaseOf(result, known)), ...runCase(report)],
    out: notesOf(report),
    err: problemsOf(report).join('\n'),
  });
}

function testCaseOf(result: Result, known: ReadonlySet<string>): TestCase {
  const { id, verdict, rule, profile, message = '', level, evidence, exchanges = [], durationMs } = result;
  const isKnown = known.has(id);
  const outcomes = { fail: 'failure', error: 'error', 'n/a': 'skipped', not_run: 'skipped' } as const;
  return {
    name: id,
    classname: `${profile}.${areaOf(rule)}`,
    outcome: isKnown ? 'skipped' : verdict in outcomes ? outcomes[verdict as keyof typeof outcomes] : undefined,
    message: isKnown ? `known failure: ${message}` : message,
    seconds: (durationMs ?? 0) / 1_000,
    body: [`${rule} (${level}, ${evidence}): ${textOf(rule)}`, message, ...exchanges].join('\n\n'),
  };
}

/** A run may fail without any check of it failing: readers of this file have to see that too. */
function runCase(report: Report): TestCase[] {
  const known = new Set(report.baseline?.known);
  const seen = report.results.some(({ id, verdict }) => !known.has(id) && (verdict === 'fail' || verdict === 'error'));
  if (report.exitCode === EXIT.conformant || (seen && problemsOf(report).length === 0)) return [];
  const body = [`Exit code ${report.exitCode}: ${outcomeOf(report)}.`, ...problemsOf(report)].join('\n');
  return [{ name: 'run', classname: SUITE, outcome: 'failure', message: oneLine(body), body, seconds: 0 }];
}

function propertiesOf(report: Report): Record<string, string> {
  const { target, run, kit, profiles, exitCode } = report;
  return {
    target: target.name,
    model: target.model,
    run: run.id,
    kit,
    'kimi-wire': profiles['kimi-wire'].status,
    session: profiles.session.status,
    exitCode: String(exitCode),
  };
}

/** What holds no test back and is worth reading: warnings, and what was told without being scored. */
function notesOf(report: Report): string {
  const { broken, told } = overviewOf(report);
  const notes = [...broken, ...told].filter(({ verdict }) => verdict === 'warn' || verdict === 'info');
  return [
    `kimi-wire: ${conclude(report, 'kimi-wire')}`,
    `session: ${conclude(report, 'session')}`,
    ...notes.flatMap(({ verdict, message, results }) => results.map(({ id }) => `${verdict} ${id}: ${message}`)),
  ].join('\n');
}
