import { PROFILES, type Profile } from '../areas/rules.ts';
import type { ProfileStatus, Report } from '../report/report.ts';
import { type CheckResult, countVerdicts, type Verdict } from './verdict.ts';

/** As much of a result as counts. */
type Judged = Pick<CheckResult, 'id' | 'profile' | 'verdict'>;

interface ProfileSummary {
  status: ProfileStatus;
  counts: Record<Verdict, number>;
}

/** How each profile stands. `known`: checks whose failure is on the list of known failures. */
export function summarise(results: readonly Judged[], known: ReadonlySet<string>): Record<Profile, ProfileSummary> {
  const summaries = PROFILES.map((profile) => {
    const mine = results.filter((result) => result.profile === profile);
    return [profile, { status: statusOf(mine, known), counts: countVerdicts(mine) }] as const;
  });
  return Object.fromEntries(summaries) as Record<Profile, ProfileSummary>;
}

function statusOf(results: readonly Judged[], known: ReadonlySet<string>): ProfileStatus {
  const some = (verdict: Verdict) => results.some((result) => result.verdict === verdict && !known.has(result.id));
  if (results.length === 0) return 'not selected';
  if (some('fail')) return 'non-conformant';
  // What was asked for and not run is never green: it is run, or it is put on the list of what is known.
  if (some('error') || some('not_run')) return 'incomplete';
  // Without one rule that was seen to hold, nothing has been shown.
  if (!results.some(({ verdict }) => verdict === 'pass')) return some('n/a') ? 'not offered' : 'incomplete';
  return 'conformant';
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
  if (statuses.includes('non-conformant') || (report.baseline?.problems.length ?? 0) > 0) return EXIT.nonConformant;
  if (asked.some((profile) => report.profiles[profile].status === 'not offered')) return EXIT.nonConformant;
  if (statuses.includes('incomplete')) return report.spending.exhausted ? EXIT.budget : EXIT.incomplete;
  if (report.leaked.length > 0 || (report.lost ?? []).length > 0) return EXIT.leaked;
  return statuses.includes('conformant') ? EXIT.conformant : EXIT.incomplete;
}
