import type { JournalFile } from '../journal/journal-file.ts';
import type { Finding, Level, Rule } from './finding.ts';
import { cutCalls, lostCalls, repeatedCalls, toolCalls } from './rules/calls.ts';
import { cost, prefixCache, tokenDrift } from './rules/cost.ts';
import {
  ignoredFields,
  leakedSessions,
  maxTokens,
  reasoningBudget,
  refusals,
  retiredModels,
  schemas,
} from './rules/requests.ts';
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
  reasoningBudget,
  toolCalls,
  cutCalls,
  lostCalls,
  repeatedCalls,
  schemas,
  retiredModels,
  ignoredFields,
  refusals,
  tokenDrift,
  prefixCache,
  cost,
];

const ORDER: readonly Level[] = ['error', 'warning', 'ok'];

/** One finding per rule, errors first and passed rules last. */
export function diagnose(file: Pick<JournalFile, 'entries' | 'configuration' | 'dropped'>): Finding[] {
  const run = new Run(file);
  const findings = RULES.map((rule) => ({ rule: rule.name, target: rule.target, ...rule.judge(run) }));
  return findings.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

export function count(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length;
}
