import { PROFILES, type Profile } from '../areas/rules.ts';
import type { ProfileStanding } from '../report/report.ts';
import type { CheckResult } from './result.ts';
import { VERDICTS, type Verdict } from './verdict.ts';

/** As much of a result as counts. */
type Judged = Pick<CheckResult, 'id' | 'profile' | 'verdict'>;

export interface ProfileSummary {
  standing: ProfileStanding;
  counts: Record<Verdict, number>;
}

/** How each profile stands. `known`: checks whose failure is on the list of known failures. */
export function summarise(results: readonly Judged[], known: ReadonlySet<string>): Record<Profile, ProfileSummary> {
  const summaries = PROFILES.map((profile) => {
    const mine = results.filter((result) => result.profile === profile);
    return [profile, { standing: standingOf(mine, known), counts: countVerdicts(mine) }] as const;
  });
  return Object.fromEntries(summaries) as Record<Profile, ProfileSummary>;
}

export function countVerdicts(results: readonly Pick<Judged, 'verdict'>[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of results) counts[verdict] += 1;
  return counts;
}

function standingOf(results: readonly Judged[], known: ReadonlySet<string>): ProfileStanding {
  const some = (verdict: Verdict) => results.some((result) => result.verdict === verdict && !known.has(result.id));
  if (results.length === 0) return 'not selected';
  if (some('fail')) return 'non-conformant';
  // What was asked for and not run is never green: it is run, or it is put on the list of what is known.
  if (some('error') || some('not_run')) return 'incomplete';
  // Without one rule that was seen to hold, nothing has been shown.
  if (!results.some(({ verdict }) => verdict === 'pass')) return some('n/a') ? 'not offered' : 'incomplete';
  return 'conformant';
}
