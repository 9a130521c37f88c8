import { z } from 'zod';
import { DocumentError } from '../../documents/document-error.ts';
import { findFault } from '../../documents/find-fault.ts';
import { readDocument } from '../../documents/read-document.ts';
import type { ScriptRule } from './rule.ts';
import { type CheckedRule, ScriptFile, ScriptRules } from './schema.ts';

/** Rules that are known to be sound. */
export interface Script {
  /** Whether a request that no rule answers fails, instead of being answered by the next model. Undefined where it is not said. */
  strict?: boolean;
  rules: { rule: CheckedRule; line?: number }[];
}

/**
 * A script from a file of YAML or JSON: a list of rules, or `{strict, rules}`.
 * @throws DocumentError in one line, with the line of the file
 */
export function readScript(text: string, file: string): Script {
  const { value, lineOf } = readDocument(text, file, ScriptFile);
  const { rules, strict, at } = value;
  return {
    ...(strict !== undefined && { strict }),
    rules: rules.map((rule, index) => ({ rule, line: lineOf([...at, index]) })),
  };
}

/** A script from code. @throws DocumentError that names the rule */
export function scriptOf(rules: readonly ScriptRule[]): Script {
  const result = z.safeParse(ScriptRules, rules);
  if (!result.success) throw new DocumentError(`script: ${findFault(result.error).message}`);
  return { rules: result.data.map((rule) => ({ rule })) };
}
