import type { JournalFile } from '../journal/journal-file.ts';
import { type Finding, type Level, type Rule, some } from './finding.ts';
import { cutCalls, repeatedCalls, toolCalls } from './rules/calls.ts';
import { cost } from './rules/cost.ts';
import { ignoredFields, leakedSessions, maxTokens, refusals, retiredModels, schemas } from './rules/requests.ts';
import { idempotency, rateLimits, retriedRefusals, retryAfter, streams } from './rules/retries.ts';
import { appendSize, readAgain, snapshotLength, windowCut } from './rules/windows.ts';
import { Run } from './run.ts';

export const RULES: readonly Rule[] = [
  appendSize,
  windowCut,
  readAgain,
  snapshotLength,
  leakedSessions,
  idempotency,
  retriedRefusals,
  rateLimits,
  retryAfter,
  streams,
  maxTokens,
  toolCalls,
  cutCalls,
  repeatedCalls,
  schemas,
  retiredModels,
  ignoredFields,
  refusals,
  cost,
];

const ORDER: readonly Level[] = ['error', 'warning', 'ok'];

/** One finding per rule, errors first and passed rules last. */
export function diagnose(file: Pick<JournalFile, 'entries' | 'configuration' | 'dropped'>): Finding[] {
  const run = new Run(file);
  const findings = RULES.map((rule) => ({ rule: rule.name, target: rule.target, ...rule.judge(run) }));
  return findings.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

/** Request numbers shown per finding; --json has all. */
const SHOWN = 12;

interface Report {
  source: string;
  file: JournalFile;
  findings: readonly Finding[];
}

/** For people. */
export function reportText({ source, file, findings }: Report): string {
  const dropped = file.dropped > 0 ? `, ${file.dropped} earlier ones dropped` : '';
  return [
    `kimi-emulator doctor: ${some(requestsOf(file), 'request')} of ${source}${dropped}`,
    'The live API is stateless: findings marked "sessions" apply only to servers with the session dialect, all others everywhere.',
    '',
    ...findings.flatMap(findingLines),
    '',
    `${some(count(findings, 'error'), 'error')}, ${some(count(findings, 'warning'), 'warning')}, ${count(findings, 'ok')} ok`,
    '',
  ].join('\n');
}

/** A reset has an entry in the journal, but is not a request. */
function requestsOf({ entries }: JournalFile): number {
  return entries.filter(({ facts }) => facts.reset === undefined).length;
}

function findingLines({ level, rule, target, says, fix, evidence, details = [] }: Finding): string[] {
  const mark = target === 'sessions' ? ' (sessions)' : '';
  const lines = [`${level.padEnd(8)} ${rule}${mark}: ${says}`, ...details.map((detail) => `         ${detail}`)];
  if (evidence.length > 0) {
    const more = evidence.length > SHOWN ? ` and ${evidence.length - SHOWN} more` : '';
    const shown = evidence.slice(0, SHOWN).map((n) => `#${n}`);
    lines.push(`         seen in ${shown.join(' ')}${more}`);
  }
  if (fix !== undefined) lines.push(`         fix: ${fix}`);
  return lines;
}

/** For programs. */
export function reportJson({ source, file, findings }: Report): string {
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

export function count(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length;
}
