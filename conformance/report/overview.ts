import { type Profile, RULES, type Rule } from '../areas/rules.ts';
import { countVerdicts } from '../core/standing.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Report } from './report.ts';

export type Result = Report['results'][number];

/** What is judged of one part of the contract, e.g. `append`. */
export interface Area {
  profile: Profile;
  area: string;
  counts: Record<Verdict, number>;
  results: Result[];
}

/** Checks that ended alike, for the same reason. */
export interface Group {
  verdict: Verdict;
  message: string;
  results: Result[];
}

/** A report in the order in which people ask: what does not hold, what is not known, what was not tried. */
export interface Overview {
  areas: Area[];
  /** `fail`, then `warn`; without known failures. */
  broken: Group[];
  /** `error`: nothing is known. */
  unjudged: Group[];
  /** As the list of known failures says. */
  known: Group[];
  /** `info` that did not hold: told, and counted for nothing. */
  told: Group[];
  /** `n/a` and `not_run`. */
  untried: Group[];
}

/** The order of verdicts when the worst comes first: what is known to be broken, what is unknown, what is fine. */
export const WORST_FIRST = ['fail', 'warn', 'error', 'not_run', 'n/a', 'info', 'pass'] as const satisfies Verdict[];

export function overviewOf(report: Report): Overview {
  const known = new Set(report.baseline?.known);
  const fresh = report.results.filter(({ id }) => !known.has(id));
  const groups = (...verdicts: Verdict[]) =>
    verdicts.flatMap((verdict) => groupByMessage(fresh.filter((result) => result.verdict === verdict)));
  return {
    areas: areasOf(report.results),
    broken: groups('fail', 'warn'),
    unjudged: groups('error'),
    known: groupByMessage(report.results.filter(({ id }) => known.has(id))),
    told: groups('info').filter(({ message }) => message !== ''),
    untried: groups('n/a', 'not_run'),
  };
}

/** Areas by profile, each with its checks, in the order in which they ran. */
function areasOf(results: readonly Result[]): Area[] {
  return groupBy(results, ({ profile, clause }) => `${profile} ${areaOf(clause)}`)
    .map(([first, mine]) => ({
      profile: first.profile,
      area: areaOf(first.clause),
      counts: countVerdicts(mine),
      results: mine,
    }))
    .toSorted((one, other) => one.profile.localeCompare(other.profile));
}

/** The part of a rule's id before its first dot. */
export function areaOf(clause: string): string {
  return clause.split('.', 1).join('');
}

function groupByMessage(results: readonly Result[]): Group[] {
  return groupBy(results, ({ verdict, message = '' }) => `${verdict} ${message}`).map(
    ([{ verdict, message = '' }, mine]) => ({ verdict, message, results: mine }),
  );
}

/** What has the same key, in the order of first appearance: the first of each group, and all of it. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): [Item, Item[]][] {
  const groups = new Map<string, [Item, Item[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group[1].push(item);
    else groups.set(keyOf(item), [item, [item]]);
  }
  return [...groups.values()];
}

/** The rule as this kit words it; a report of another kit may name rules that this one has not. */
export function ruleOf(clause: string): Rule | undefined {
  return (RULES as Record<string, Rule>)[clause];
}

/** The text of the rule, for people. */
export function textOf(clause: string): string {
  return ruleOf(clause)?.text ?? 'A rule that this version of the kit does not have.';
}
