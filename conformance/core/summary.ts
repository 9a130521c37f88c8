import { PROFILES, type Profile } from '../areas/rules.ts';
import type { ProfileStatus, Report } from '../report/report.ts';
import type { Connection } from '../wire/connection.ts';
import { type CheckResult, countVerdicts, type Verdict } from './verdict.ts';

/** As much of a result as counts. */
type Judged = Pick<CheckResult, 'id' | 'profile' | 'verdict'>;

interface ProfileSummary {
  status: ProfileStatus;
  counts: Record<Verdict, number>;
}

/** How each profile stands. `known`: checks whose failure is on the list of known failures. */
export function summarise(
  results: readonly Judged[],
  known: ReadonlySet<string>,
  reliable = true,
): Record<Profile, ProfileSummary> {
  const summaries = PROFILES.map((profile) => {
    const mine = results.filter((result) => result.profile === profile);
    return [profile, { status: statusOf(mine, known, reliable), counts: countVerdicts(mine) }] as const;
  });
  return Object.fromEntries(summaries) as Record<Profile, ProfileSummary>;
}

function statusOf(results: readonly Judged[], known: ReadonlySet<string>, reliable: boolean): ProfileStatus {
  const some = (verdict: Verdict) => results.some((result) => result.verdict === verdict && !known.has(result.id));
  if (results.length === 0) return 'not selected';
  if (some('fail')) return 'non-conformant';
  // What was asked for and not run is never green: it is run, or it is put on the list of what is known.
  if (some('error') || some('not_run')) return 'incomplete';
  // Without one rule that was seen to hold, nothing has been shown.
  if (!results.some(({ verdict }) => verdict === 'pass')) return some('n/a') ? 'not offered' : 'incomplete';
  return reliable ? 'conformant' : 'unreliable';
}

/** Failed requests that are repeated without a verdict: a few, and of a long run one in so many. */
const FAILURES = { least: 3, oneIn: 200 };
/** The same of requests that a target refused with 429: it may be busy now and then, and a live API limits the rate. */
const REFUSALS = { least: 10, oneIn: 50 };

/** How often requests had to be repeated, and how often they may. A check that holds at the second try shows too little. */
export function reliabilityOf(
  { requests, retries }: Pick<Connection, 'requests' | 'retries'>,
  paid: boolean,
): Report['reliability'] {
  const allowed = ({ least, oneIn }: typeof FAILURES) => Math.max(least, Math.floor(requests / oneIn));
  const refused = retries.filter(({ asked }) => asked).length;
  return {
    requests,
    failed: retries.length - refused,
    allowed: allowed(FAILURES),
    refused,
    allowedRefused: paid ? null : allowed(REFUSALS),
  };
}

export function isReliable({ failed, allowed, refused, allowedRefused }: Report['reliability']): boolean {
  return failed <= allowed && (allowedRefused === null || refused <= allowedRefused);
}

/** What the process ends with: a kind of ending, never a number of failures. */
export const EXIT = {
  conformant: 0,
  nonConformant: 1,
  configuration: 2,
  incomplete: 3,
  budget: 4,
  leaked: 5,
  interrupted: 130,
} as const;

/** @param asked profiles that were asked for by name, so that one that is not offered is a failure */
export function exitCodeOf(
  report: Pick<Report, 'run' | 'profiles' | 'spending' | 'leaked' | 'lost' | 'baseline'>,
  asked: readonly Profile[],
): number {
  const statuses = Object.values(report.profiles).map(({ status }) => status);
  if (report.run.interrupted) return EXIT.interrupted;
  if (statuses.includes('non-conformant') || statuses.includes('unreliable')) return EXIT.nonConformant;
  if ((report.baseline?.problems.length ?? 0) > 0) return EXIT.nonConformant;
  if (asked.some((profile) => report.profiles[profile].status === 'not offered')) return EXIT.nonConformant;
  if (statuses.includes('incomplete')) return report.spending.exhausted ? EXIT.budget : EXIT.incomplete;
  if (report.leaked.length > 0 || (report.lost ?? []).length > 0) return EXIT.leaked;
  return statuses.includes('conformant') ? EXIT.conformant : EXIT.incomplete;
}
