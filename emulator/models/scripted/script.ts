import { DocumentError } from '../../documents/document-error.ts';
import { findFault } from '../../documents/find-fault.ts';
import type { ScriptRule } from './rule.ts';
import { type CheckedRule, ScriptRules } from './schema.ts';

/** Rules that are known to be sound. */
export interface Script {
  /** Whether a request that no rule answers fails, instead of being answered by the next model. */
  strict?: boolean;
  /** `line`: of the file that a rule stands in. */
  rules: { rule: CheckedRule; line?: number }[];
}

/** A script from code. @throws DocumentError that names the rule */
export function scriptOf(rules: readonly ScriptRule[]): Script {
  const result = ScriptRules.safeParse(rules);
  if (!result.success) throw new DocumentError(`script: ${findFault(result.error).message}`);
  return { rules: result.data.map((rule) => ({ rule })) };
}
