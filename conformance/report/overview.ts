import { type Colour, oneLine, plural } from '../../emulator/terminal/text.ts';
import { PROFILES, type Profile, RULES, type Rule } from '../areas/rules.ts';
import { EXIT, isReliable } from '../core/summary.ts';
import { countVerdicts, type Verdict } from '../core/verdict.ts';
import type { ProfileStatus, Report } from './report.ts';

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
  return groupBy(results, ({ profile, rule }) => `${profile} ${areaOf(rule)}`)
    .map(([first, mine]) => ({
      profile: first.profile,
      area: areaOf(first.rule),
      counts: countVerdicts(mine),
      results: mine,
    }))
    .toSorted((one, other) => one.profile.localeCompare(other.profile));
}

/** The part of a rule's id before its first dot. */
export function areaOf(rule: string): string {
  return rule.split('.', 1).join('');
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
export function ruleOf(rule: string): Rule | undefined {
  return (RULES as Record<string, Rule>)[rule];
}

/** The text of the rule, for people. */
export function textOf(rule: string): string {
  return ruleOf(rule)?.text ?? 'This version of the kit does not have the rule.';
}

const MOST_NAMED = 3;

export const STATUS_WORDS: Record<ProfileStatus, string> = {
  conformant: 'conformant',
  'non-conformant': 'not conformant',
  unreliable: 'unreliable',
  incomplete: 'incomplete',
  'not offered': 'not offered here',
  'not selected': 'not selected',
};

/** How a profile stands, in one line without its name: what was decisive, then what else there is to know. */
export function conclude(report: Report, profile: Profile): string {
  const { status, counts } = report.profiles[profile];
  if (status === 'not selected') return 'not selected: none of its checks was run';
  const known = countKnown(report, profile);
  const beside = [
    counts.pass > 0 && `${counts.pass} hold`,
    counts.fail - known.fail > 0 && `${counts.fail - known.fail} broken`,
    known.all > 0 && `${plural(known.all, 'known failure')}`,
    counts.warn > 0 && plural(counts.warn, 'warning'),
    counts.error > 0 && plural(counts.error, 'error'),
    counts.info > 0 && `${counts.info} noted`,
    counts['n/a'] > 0 && `${counts['n/a']} not offered here`,
    counts.not_run > 0 && `${counts.not_run} not run`,
  ].filter((part) => part !== false);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (counts.pass === all)
    return `${STATUS_WORDS[status]}: ${all === 1 ? 'the one check holds' : `all ${all} checks hold`}`;
  return `${STATUS_WORDS[status]}: of ${plural(all, 'check')}, ${beside.join(', ')}`;
}

function countKnown(report: Report, profile: Profile): { all: number; fail: number } {
  const ids = new Set(report.baseline?.known);
  const known = report.results.filter((result) => result.profile === profile && ids.has(result.id));
  return { all: known.length, fail: known.filter(({ verdict }) => verdict === 'fail').length };
}

/** Why a run is not green although its checks may be: each in one line. */
export function problemsOf(report: Report): string[] {
  const { run, target, profiles, spending, leaked, lost = [], baseline, reliability } = report;
  const { refusedLimits = [] } = target;
  const { sessions } = target.capabilities;
  const undeclared = sessions?.declared === 'unknown' && sessions.status === 'offered';
  return [
    ...(undeclared && profiles.session.counts.info > 0
      ? ['The target has sessions and does not declare them, so their rules are not scored: --declare sessions.']
      : []),
    ...(refusedLimits.length > 0 ? [refusedLine(refusedLimits)] : []),
    ...(run.interrupted ? ['The run was interrupted.'] : []),
    ...(run.stopped === undefined
      ? []
      : [`The run stopped early; the remaining checks have no result: ${oneLine(run.stopped)}.`]),
    ...(isReliable(reliability) ? [] : [unreliableLine(reliability)]),
    ...(spending.exhausted ? ['The budget was exhausted before everything was run.'] : []),
    ...(baseline?.problems ?? []).map((problem) => `The list of known failures is out of date: ${oneLine(problem)}`),
    ...leaked.map(({ kind, id, account }) => `Left behind: the ${kind} ${oneLine(id)} of account ${oneLine(account)}.`),
    ...(lost.length > 0 ? [lostLine(lost)] : []),
  ];
}

function unreliableLine({ requests, failed, allowed, refused, allowedRefused }: Report['reliability']): string {
  const times =
    failed > allowed ? `${failed} failed, and ${allowed} may` : `${refused} got a 429, and ${allowedRefused} may`;
  return `The target is unreliable: of ${requests} requests ${times}, before they succeeded when sent again.`;
}

function refusedLine(limits: readonly string[]): string {
  const told = oneLine(limits.join(', '));
  return `Ignored limits stated by the target: ${told}. Declare larger ones with --limit.`;
}

function lostLine(lost: NonNullable<Report['lost']>): string {
  const named = lost.slice(0, MOST_NAMED).map(({ request, account }) => `${request} of account ${account}`);
  const more = lost.length > MOST_NAMED ? ', …' : '';
  const count = plural(lost.length, 'creation');
  return `Possibly left behind: ${count} whose answer was lost (${oneLine(named.join(', '))}${more}); \`kimi-emulator conformance sweep\` looks for what was created.`;
}

const EXIT_WORDS: Record<number, string> = {
  [EXIT.conformant]: 'conformant',
  [EXIT.nonConformant]: 'not conformant',
  [EXIT.configuration]: 'invalid configuration',
  [EXIT.incomplete]: 'incomplete',
  [EXIT.budget]: 'budget exhausted',
  [EXIT.leaked]: 'conformant, but something was or may have been left behind',
  [EXIT.interrupted]: 'interrupted',
};

/** The whole run in a few words, as its exit code has it. */
export function outcomeOf({ exitCode, profiles }: Report): string {
  const statuses = PROFILES.map((name) => profiles[name].status);
  if (exitCode === EXIT.nonConformant && statuses.includes('unreliable')) return 'the target is unreliable';
  if (exitCode === EXIT.nonConformant && !statuses.includes('non-conformant')) {
    return statuses.includes('not offered')
      ? 'the target lacks a required capability, or the list of known failures is out of date'
      : 'the list of known failures is out of date';
  }
  return EXIT_WORDS[exitCode] ?? `exit code ${exitCode}`;
}

/** What the run cost, or would have. */
export function spendingLine({ spending: { currency, cap, spent, priceSource } }: Report): string {
  const money = `${spent.toFixed(4)} ${currency}`;
  if (cap === null) return `Nothing to pay; at Moonshot's prices at most ${money} (${oneLine(priceSource)}).`;
  return `At most ${money} spent, of ${cap} ${currency} allowed (${oneLine(priceSource)}).`;
}

/** Where, what and when, for a heading. */
export function subjectOf({ kit, run, target }: Report): string[] {
  const seconds = (run.durationMs / 1_000).toFixed(1);
  const day = run.startedAt.slice(0, 16).replace('T', ' ');
  const { excluded = [] } = run;
  const without = excluded.length > 0 ? [`without ${oneLine(excluded.join(', '))}`] : [];
  return [oneLine(target.name), oneLine(target.model), `kit ${oneLine(kit)}`, `${day} UTC`, `${seconds} s`, ...without];
}

export const VERDICT_COLOURS: Record<Verdict, Colour> = {
  pass: 'green',
  fail: 'red',
  warn: 'yellow',
  info: 'blue',
  'n/a': 'dim',
  not_run: 'dim',
  error: 'magenta',
};
