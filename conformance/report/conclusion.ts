import { PROFILES, type Profile } from '../areas/rules.ts';
import { EXIT } from '../core/exit-code.ts';
import type { ProfileStanding, Report } from './report.ts';
import { oneLine, plural } from './text.ts';

const MOST_NAMED = 3;

export const STANDING_WORDS: Record<ProfileStanding, string> = {
  conformant: 'conformant',
  'non-conformant': 'not conformant',
  incomplete: 'incomplete',
  'not offered': 'not offered here',
  'not selected': 'not selected',
};

/** How a profile stands, in one line without its name: what was decisive, then what else there is to know. */
export function conclude(report: Report, profile: Profile): string {
  const { standing, counts } = report.profiles[profile];
  if (standing === 'not selected') return 'not selected: none of its checks was run';
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
    return `${STANDING_WORDS[standing]}: ${all === 1 ? 'the one check holds' : `all ${all} checks hold`}`;
  return `${STANDING_WORDS[standing]}: of ${plural(all, 'check')}, ${beside.join(', ')}`;
}

function countKnown(report: Report, profile: Profile): { all: number; fail: number } {
  const ids = new Set(report.baseline?.known);
  const known = report.results.filter((result) => result.profile === profile && ids.has(result.id));
  return { all: known.length, fail: known.filter(({ verdict }) => verdict === 'fail').length };
}

/** Why a run is not green although its checks may be: each in one line. */
export function problemsOf({ run, target, profiles, spending, leaked, lost = [], baseline }: Report): string[] {
  const { refusedLimits = [] } = target;
  const { sessions } = target.capabilities;
  const undeclared = sessions?.declared === 'unknown' && sessions.standing === 'offered';
  return [
    ...(undeclared && profiles.session.counts.info > 0
      ? ['The target has sessions and does not declare them, so their rules are not scored: --declare sessions.']
      : []),
    ...(refusedLimits.length > 0 ? [refusedLine(refusedLimits)] : []),
    ...(run.interrupted ? ['The run was interrupted.'] : []),
    ...(run.stopped === undefined
      ? []
      : [`The run was given up, and what was not run is not known: ${oneLine(run.stopped)}.`]),
    ...(spending.exhausted ? ['The budget was exhausted before everything was run.'] : []),
    ...(baseline?.problems ?? []).map((problem) => `The list of known failures is wrong: ${oneLine(problem)}`),
    ...leaked.map(({ kind, id, account }) => `Left behind: the ${kind} ${oneLine(id)} of account ${oneLine(account)}.`),
    ...(lost.length > 0 ? [lostLine(lost)] : []),
  ];
}

function refusedLine(limits: readonly string[]): string {
  const told = oneLine(limits.join(', '));
  return `Not used, of the limits that the target states: ${told}. Larger ones are declared with --limit.`;
}

function lostLine(lost: NonNullable<Report['lost']>): string {
  const named = lost.slice(0, MOST_NAMED).map(({ request, account }) => `${request} of account ${account}`);
  const more = lost.length > MOST_NAMED ? ', …' : '';
  const count = plural(lost.length, 'creation');
  return `Perhaps left behind: ${count} without an answer that tells (${oneLine(named.join(', '))}${more}); \`kimi-emulator conformance sweep\` looks for what was made.`;
}

const EXIT_WORDS: Record<number, string> = {
  [EXIT.conformant]: 'conformant',
  [EXIT.nonConformant]: 'not conformant',
  [EXIT.configuration]: 'wrongly configured',
  [EXIT.incomplete]: 'incomplete',
  [EXIT.budget]: 'budget exhausted',
  [EXIT.leaked]: 'conformant, but something was left behind, or may have been',
  [EXIT.interrupted]: 'interrupted',
};

/** The whole run in a few words, as its exit code has it. */
export function outcomeOf({ exitCode, profiles }: Report): string {
  if (exitCode === EXIT.nonConformant && PROFILES.every((name) => profiles[name].standing !== 'non-conformant')) {
    return PROFILES.some((name) => profiles[name].standing === 'not offered')
      ? 'what was asked for is not offered, or the list of known failures is wrong'
      : 'the list of known failures is wrong';
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
