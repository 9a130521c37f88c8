import type { Evidence } from '../../contract/limits.ts';
import type { Level, ModelFamily, Profile, Rule, RuleId } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';

/**
 * What became of a check.
 *
 * - `pass`; `fail`: a MUST is broken; `warn`: a SHOULD is; `info`: a MAY, or a rule that may not be scored on this target
 * - `n/a`: the target says that it does not offer this, and that was seen to be so
 * - `not_run`: left out (filter, budget, no second or dedicated account)
 * - `error`: nothing is known, because the transport, the server or the kit itself failed
 *
 * `not_run` and `error` are never green.
 */
export const VERDICTS = ['pass', 'fail', 'warn', 'info', 'n/a', 'not_run', 'error'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The target did something else than it should. The message says what was due and what came. */
export class Mismatch extends Error {}

/** Nothing can be said of the target: it could not be reached, or broke down where it should have succeeded. */
export class Inconclusive extends Error {}

/** A fault before anything was sent, so that it had no effect. */
export class NotSent extends Inconclusive {}

/** The check was left out, and why. */
export class NotRun extends Error {}

/** The target does not offer this, and that was seen to be so. */
export class NotApplicable extends Error {}

/** What became of one check. */
export interface CheckResult {
  /** `case/name`; permanent. */
  id: string;
  case: string;
  rule: RuleId;
  profile: Profile;
  level: Level;
  evidence: Evidence;
  verdict: Verdict;
  /** What it took, with the requests that led to it; 0 where its case did not come to it. */
  durationMs: number;
  /** What was due and what came, or why it was left out. Absent where it passed. */
  message?: string;
  /** The last requests and answers of each account before it failed; those of other accounts than the main one name theirs. */
  exchanges?: string[];
}

/** Names of the models that a rule may bind. K2 has dated and preview names; K2.5 and what came later is not it. */
const MODELS = {
  'kimi-k2': /^kimi-k2(?![.\d])/,
  'kimi-k2.6': /^kimi-k2\.6(?!\d)/,
  'kimi-k3': /^kimi-k3(?!\d)/,
} as const satisfies Record<ModelFamily, RegExp>;

/** Whether a rule binds a model. */
export function isOfModel(name: string, { model }: Rule): boolean {
  return model === undefined || MODELS[model].test(name);
}

/**
 * Whether a rule may count for or against the target. Rules of the dialect bind whoever declares it; the live service is bound by what is
 * known of it alone, and a rule of one model by that model.
 */
export function isScored(target: Target, rule: Rule): boolean {
  const { evidence, ofAnswers } = rule;
  if (ofAnswers && target.relays) return false;
  if (!isOfModel(target.model, rule)) return false;
  return evidence === 'kimi' || target.declares.sessions === 'yes';
}

/** What an outcome means for a rule of this level. @param error what kept the check from holding; undefined where it held */
export function score(error: unknown, level: Level, scored: boolean): Verdict {
  if (error instanceof NotApplicable) return 'n/a';
  if (error instanceof NotRun) return 'not_run';
  if (error !== undefined && !(error instanceof Mismatch)) return 'error';
  if (!scored) return 'info';
  if (error === undefined) return 'pass';
  return ({ MUST: 'fail', SHOULD: 'warn', MAY: 'info' } as const)[level];
}

export function countVerdicts(results: readonly Pick<CheckResult, 'verdict'>[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of results) counts[verdict] += 1;
  return counts;
}
