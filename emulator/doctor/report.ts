import type { JournalFile } from '../journal/journal-file.ts';
import {
  type Annotation,
  code,
  plain,
  renderAnnotations,
  renderJunitSuite,
  type TestCase,
  table,
} from '../terminal/formats.ts';
import { type Colour, painter, type View, wrap } from '../terminal/text.ts';
import { count, diagnose } from './diagnose.ts';
import { type Finding, type Level, some } from './finding.ts';

/** Request numbers shown per finding; JSON has all. */
const SHOWN = 12;
const TITLE = 'kimi-emulator doctor';

export interface Diagnosis {
  source: string;
  file: JournalFile;
  findings: readonly Finding[];
  /** When the journal was judged, and how long it took. */
  judgedAt: Date;
  seconds: number;
}

/** Judges a journal. */
export function diagnosisOf(source: string, file: JournalFile): Diagnosis {
  const judgedAt = new Date();
  const started = performance.now();
  const findings = diagnose(file);
  return { source, file, findings, judgedAt, seconds: (performance.now() - started) / 1_000 };
}

type Render = (diagnosis: Diagnosis) => string;

/** The forms of `--report`. GitHub reads its annotations from the output of a job, not from a file. */
export const REPORT_FILES: Readonly<Record<string, { name: string; render: Render } | undefined>> = {
  json: { name: 'doctor.json', render: renderJson },
  junit: { name: 'doctor.xml', render: renderJunit },
  markdown: { name: 'doctor.md', render: renderMarkdown },
  github: undefined,
};

const STATELESS =
  'The live API is stateless: findings marked "sessions" apply only to servers with the session dialect, all others everywhere.';

const COLOURS: Readonly<Record<Level, Colour>> = { error: 'red', warning: 'yellow', ok: 'green' };
const INDENT = ' '.repeat(9);

/** For people. */
export function renderText(diagnosis: Diagnosis, view: View): string {
  const { findings } = diagnosis;
  return [
    ...wrap(`${TITLE}: ${judgedOf(diagnosis)}`, view.width),
    ...wrap(STATELESS, view.width),
    '',
    ...renderFindings(findings, view),
    '',
    `${countsOf(findings)}, ${count(findings, 'ok')} ok`,
    '',
  ].join('\n');
}

/** How many requests were judged, and how many the journal no longer had. */
export function judgedOf({ source, file }: Diagnosis): string {
  const dropped = file.dropped > 0 ? `, ${file.dropped} earlier ones dropped` : '';
  return `${some(requestsOf(file), 'request')} of ${source}${dropped}`;
}

/** The lines of each finding, with what shows it and the fix. */
export function renderFindings(findings: readonly Finding[], { color, width }: View): string[] {
  const paint = painter(color);
  const indented = (text: string) => wrap(text, width - INDENT.length, true).map((line) => `${INDENT}${line}`);
  return findings.flatMap(({ level, rule, target, says, fix, evidence, details = [] }) => {
    const [first = '', ...rest] = indented(`${rule}${target === 'sessions' ? ' (sessions)' : ''}: ${says}`);
    return [
      paint(COLOURS[level], level.padEnd(INDENT.length)) + first.slice(INDENT.length),
      ...rest,
      ...details.flatMap(indented),
      ...(evidence.length > 0 ? indented(`seen in ${seenIn(evidence)}`) : []),
      ...(fix === undefined ? [] : indented(`fix: ${fix}`)),
    ];
  });
}

export function countsOf(findings: readonly Finding[]): string {
  return `${some(count(findings, 'error'), 'error')}, ${some(count(findings, 'warning'), 'warning')}`;
}

function seenIn(evidence: readonly number[]): string {
  const more = evidence.length > SHOWN ? ` and ${evidence.length - SHOWN} more` : '';
  return `${evidence
    .slice(0, SHOWN)
    .map((n) => `#${n}`)
    .join(' ')}${more}`;
}

/** A reset has an entry in the journal, but is not a request. */
function requestsOf({ entries }: JournalFile): number {
  return entries.filter(({ facts }) => facts.reset === undefined).length;
}

/** For programs. */
export function renderJson({ source, file, findings }: Diagnosis): string {
  const counts = { errors: count(findings, 'error'), warnings: count(findings, 'warning') };
  const diagnosis = {
    object: 'emulator.diagnosis',
    version: 1,
    source,
    requests: requestsOf(file),
    dropped: file.dropped,
  };
  return `${JSON.stringify({ ...diagnosis, ...counts, findings }, null, 2)}\n`;
}

/** What a finding says beyond its first sentence. */
function bodyOf({ says, details = [], evidence, fix }: Finding): string {
  const seen = evidence.length > 0 ? [`Seen in ${seenIn(evidence)}.`] : [];
  return [says, ...details, ...seen, ...(fix === undefined ? [] : [`Fix: ${fix}`])].join('\n');
}

/** Each rule is a test; a warning fails none, and is in the output of the suite. */
function renderJunit({ source, file, findings, judgedAt, seconds }: Diagnosis): string {
  const warnings = findings.filter(({ level }) => level === 'warning');
  const cases = findings.map((finding): TestCase => {
    const { rule, target, level, says } = finding;
    const outcome = level === 'error' ? ('failure' as const) : undefined;
    return { name: rule, classname: `doctor.${target}`, outcome, message: says, body: bodyOf(finding), seconds: 0 };
  });
  return renderJunitSuite({
    name: 'kimi-doctor',
    startedAt: judgedAt,
    seconds,
    properties: { source, requests: String(requestsOf(file)), emulator: file.emulator },
    cases,
    out: warnings.map((finding) => `warning ${finding.rule}: ${bodyOf(finding)}`).join('\n'),
    err: '',
  });
}

/** Workflow commands for the log of a GitHub job: an annotation for each error and warning. */
export function renderGithub({ findings }: Pick<Diagnosis, 'findings'>): string {
  const annotations = findings.flatMap((finding): Annotation[] => {
    const { level, rule } = finding;
    return level === 'ok' ? [] : [{ kind: level, title: `${TITLE}: ${rule}`, message: bodyOf(finding) }];
  });
  return renderAnnotations(annotations, TITLE);
}

/** For a job summary or a pull request, in GitHub's Markdown. */
function renderMarkdown({ source, file, findings }: Diagnosis): string {
  const shown = findings.filter(({ level }) => level !== 'ok');
  const rows = shown.map(({ level, rule, says, evidence, fix = '' }) => [
    `${level === 'error' ? '❌' : '⚠️'} ${level}`,
    code(rule),
    plain(says),
    plain(seenIn(evidence)),
    plain(fix),
  ]);
  const align = ['left', 'left', 'left', 'left', 'left'] as const;
  return [
    '## Kimi doctor',
    '',
    `${plain(some(requestsOf(file), 'request'))} of ${plain(source)}: ${countsOf(findings)}.`,
    '',
    ...(rows.length > 0 ? table(['', 'Rule', 'What', 'Seen in', 'Fix'], align, rows) : []),
  ].join('\n');
}
