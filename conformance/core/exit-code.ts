import type { Profile } from '../areas/rules.ts';
import type { Report } from '../report/report.ts';

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
  const standings = Object.values(report.profiles).map(({ standing }) => standing);
  if (report.run.interrupted) return EXIT.interrupted;
  if (standings.includes('non-conformant') || (report.baseline?.problems.length ?? 0) > 0) return EXIT.nonConformant;
  if (asked.some((profile) => report.profiles[profile].standing === 'not offered')) return EXIT.nonConformant;
  if (standings.includes('incomplete')) return report.spending.exhausted ? EXIT.budget : EXIT.incomplete;
  if (report.leaked.length > 0 || (report.lost ?? []).length > 0) return EXIT.leaked;
  return standings.includes('conformant') ? EXIT.conformant : EXIT.incomplete;
}
