import type { Evidence } from '../../contract/limits.ts';
import type { Level, Profile, RuleId } from '../areas/rules.ts';
import type { Verdict } from './verdict.ts';

/** What became of one check. */
export interface CheckResult {
  /** `case/name`; permanent. */
  id: string;
  case: string;
  clause: RuleId;
  profile: Profile;
  level: Level;
  evidence: Evidence;
  verdict: Verdict;
  /** What was due and what came, or why it was left out. Absent where it passed. */
  message?: string;
  /** The last requests and answers of each account before it failed; those of other accounts than the main one name theirs. */
  exchanges?: string[];
}
