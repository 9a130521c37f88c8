import { EXIT } from '../core/summary.ts';
import { areaOf, conclude, outcomeOf, overviewOf, problemsOf, type Result, textOf } from './overview.ts';
import type { Report } from './report.ts';
import { oneLine, visible } from './text.ts';

const SUITE = 'kimi-conformance';
const MAX_ATTRIBUTE = 500;

type Outcome = 'failure' | 'error' | 'skipped' | undefined;

interface TestCase {
  name: string;
  classname: string;
  outcome: Outcome;
  message: string;
  body: string;
}

/**
 * JUnit XML: one suite, since the run is timed as a whole. The structure is what the schemas of Ant's JUnit task (windyroad/JUnit-Schema) and of
 * Jenkins' xUnit plugin (junit-10.xsd) both allow. A known failure is skipped; where only the run as a whole failed, a test named `run` says why.
 */
export function renderJunit(report: Report): string {
  const known = new Set(report.baseline?.known);
  const cases = [...report.results.map((result) => testCaseOf(result, known)), ...runCase(report)];
  const count = (outcome: Outcome) => cases.filter((one) => one.outcome === outcome).length;
  const attributes = {
    name: SUITE,
    package: SUITE,
    id: 0,
    timestamp: report.run.startedAt.slice(0, 19),
    hostname: 'localhost',
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: (report.run.durationMs / 1_000).toFixed(3),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `<testsuite${attributesOf(attributes)}>`,
    '<properties>',
    ...Object.entries(propertiesOf(report)).map(([name, value]) => `<property${attributesOf({ name, value })}/>`),
    '</properties>',
    ...cases.map(renderCase),
    `<system-out>${escapeXml(notesOf(report))}</system-out>`,
    `<system-err>${escapeXml(problemsOf(report).join('\n'))}</system-err>`,
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCaseOf(result: Result, known: ReadonlySet<string>): TestCase {
  const { id, verdict, rule, profile, message = '', level, evidence, exchanges = [] } = result;
  const isKnown = known.has(id);
  const outcomes = { fail: 'failure', error: 'error', 'n/a': 'skipped', not_run: 'skipped' } as const;
  return {
    name: id,
    classname: `${profile}.${areaOf(rule)}`,
    outcome: isKnown ? 'skipped' : verdict in outcomes ? outcomes[verdict as keyof typeof outcomes] : undefined,
    message: isKnown ? `known failure: ${message}` : message,
    body: [`${rule} (${level}, ${evidence}): ${textOf(rule)}`, message, ...exchanges].join('\n\n'),
  };
}

/** A run may fail without any check of it failing: readers of this file have to see that too. */
function runCase(report: Report): TestCase[] {
  const known = new Set(report.baseline?.known);
  const seen = report.results.some(({ id, verdict }) => !known.has(id) && (verdict === 'fail' || verdict === 'error'));
  if (report.exitCode === EXIT.conformant || (seen && problemsOf(report).length === 0)) return [];
  const body = [`Exit code ${report.exitCode}: ${outcomeOf(report)}.`, ...problemsOf(report)].join('\n');
  return [{ name: 'run', classname: SUITE, outcome: 'failure', message: oneLine(body), body }];
}

function renderCase({ name, classname, outcome, message, body }: TestCase): string {
  const opening = `<testcase${attributesOf({ name: oneLine(name), classname, time: 0 })}`;
  if (!outcome) return `${opening}/>`;
  const attributes = { message: [...oneLine(message)].slice(0, MAX_ATTRIBUTE).join(''), type: outcome };
  // The text of `skipped` is read by nobody, and its type is not in every schema.
  if (outcome === 'skipped') return `${opening}><skipped${attributesOf({ message: attributes.message })}/></testcase>`;
  return `${opening}><${outcome}${attributesOf(attributes)}>${escapeXml(body)}</${outcome}></testcase>`;
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

function attributesOf(attributes: Record<string, string | number>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Also fit for attributes. What XML has no place for is told by its number. */
function escapeXml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
