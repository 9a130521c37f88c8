import { PROFILES, type Profile, RULE_IDS } from '../areas/rules.ts';
import type { Verdict } from '../core/verdict.ts';
import { areaOf, type Result, ruleOf, textOf, WORST_FIRST } from './overview.ts';
import type { Report } from './report.ts';

/**
 * How two targets compare under one rule. `untested`: at least one of them was not judged (not run, not offered, an error, or noted only);
 * `not testable`: nothing of the rule can be seen from outside.
 */
export const COMPARISONS = ['differ', 'agree', 'untested', 'not testable'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What one of the two did: the worst verdict of its checks under the rule, and why. */
export interface Side {
  verdict: Verdict;
  /** Of the first check with that verdict that says something. */
  message?: string;
}

export interface ClauseDiff {
  clause: string;
  profile: Profile;
  area: string;
  level: string;
  evidence: string;
  text: string;
  comparison: Comparison;
  /** null where no check of the rule is in the report. */
  a: Side | null;
  b: Side | null;
}

export interface ReportDiff {
  diff: 'kimi-conformance-diff/1';
  a: DiffSubject;
  b: DiffSubject;
  counts: Record<Comparison, number>;
  clauses: ClauseDiff[];
}

export type DiffSubject = { target: string; model: string; kit: string; startedAt: string };

/** Compares two runs rule by rule, over every rule that this kit or either report knows. */
export function diffReports(a: Report, b: Report): ReportDiff {
  const sides = { a: byClause(a.results), b: byClause(b.results) };
  const ids = [...new Set<string>([...RULE_IDS, ...sides.a.keys(), ...sides.b.keys()])];
  const clauses = ids.map((id) => compare(id, sides.a.get(id) ?? [], sides.b.get(id) ?? []));
  const count = (comparison: Comparison) => clauses.filter((clause) => clause.comparison === comparison).length;
  return {
    diff: 'kimi-conformance-diff/1',
    a: subjectOf(a),
    b: subjectOf(b),
    counts: {
      differ: count('differ'),
      agree: count('agree'),
      untested: count('untested'),
      'not testable': count('not testable'),
    },
    clauses: PROFILES.flatMap((profile) => clauses.filter((clause) => clause.profile === profile)),
  };
}

/** The comparison as JSON. */
export function diffToJson(diff: ReportDiff): string {
  return `${JSON.stringify(diff, null, 2)}\n`;
}

function compare(clause: string, ofA: readonly Result[], ofB: readonly Result[]): ClauseDiff {
  const [a, b] = [sideOf(ofA), sideOf(ofB)];
  const [first] = [...ofA, ...ofB];
  const rule = ruleOf(clause) ?? first;
  return {
    clause,
    profile: rule?.profile ?? 'session',
    area: areaOf(clause),
    level: rule?.level ?? 'MUST',
    evidence: rule?.evidence ?? 'ours',
    text: textOf(clause),
    comparison: !first && ruleOf(clause)?.verified !== 'wire' ? 'not testable' : comparisonOf(a, b),
    a,
    b,
  };
}

function comparisonOf(a: Side | null, b: Side | null): Comparison {
  const [inA, inB] = [a && holds(a.verdict), b && holds(b.verdict)];
  if (inA === null || inB === null) return 'untested';
  return inA === inB ? 'agree' : 'differ';
}

/** null where nothing was judged. */
function holds(verdict: Verdict): boolean | null {
  if (verdict === 'pass') return true;
  return verdict === 'fail' || verdict === 'warn' ? false : null;
}

function sideOf(results: readonly Result[]): Side | null {
  const verdict = WORST_FIRST.find((worst) => results.some((result) => result.verdict === worst));
  if (!verdict) return null;
  const message = results.find((result) => result.verdict === verdict && result.message)?.message;
  return { verdict, ...(message !== undefined && { message }) };
}

function byClause(results: readonly Result[]): Map<string, Result[]> {
  const found = new Map<string, Result[]>();
  for (const result of results) found.set(result.clause, [...(found.get(result.clause) ?? []), result]);
  return found;
}

function subjectOf({ target, kit, run }: Report): DiffSubject {
  return { target: target.name, model: target.model, kit, startedAt: run.startedAt };
}
