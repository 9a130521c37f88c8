import type { Level, Rule } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';
import { Mismatch, NotApplicable, NotRun, type Verdict } from './verdict.ts';

/** K2 and its dated and preview names, not K2.5 and what came later. */
const K2 = /^kimi-k2(?![.\d])/;

/**
 * Whether a rule may count for or against the target. Rules of the dialect bind whoever declares it; the live service is bound by what is
 * known of it alone, and a rule of one model by that model.
 */
export function isScored(target: Target, { evidence, model }: Rule): boolean {
  if (model === 'kimi-k2' && !K2.test(target.model)) return false;
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
