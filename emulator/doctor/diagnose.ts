import type { JournalFile } from '../journal/journal-file.ts';
import type { Finding, Level, Rule } from './finding.ts';
import { cost } from './rules/cost.ts';
import { rateLimits, retryAfter } from './rules/rate-limits.ts';
import { ignoredFields, leakedSessions, maxTokens, refusals, toolCalls } from './rules/requests.ts';
import { idempotency, retriedRefusals, streams } from './rules/retries.ts';
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
  ignoredFields,
  refusals,
  cost,
];

const ORDER: readonly Level[] = ['error', 'warning', 'ok'];

/** One finding of each rule: what would hurt on the live API first, what is fine last. */
export function diagnose(file: Pick<JournalFile, 'entries' | 'configuration' | 'dropped'>): Finding[] {
  const run = new Run(file);
  const findings = RULES.map((rule) => ({ rule: rule.name, target: rule.target, ...rule.judge(run) }));
  return findings.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}
