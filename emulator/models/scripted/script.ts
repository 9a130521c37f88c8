import * as z from 'zod';
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { ROLES } from '../../../contract/messages.ts';
import { DocumentError } from '../../bad-input.ts';

import { findFault, members } from '../../documents.ts';
import type { ModelRequest } from '../model.ts';
import { faultOfExpression, type ScriptRule } from './rule.ts';

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const Expression = members({ regex: z.string(), flags: z.string().optional() });
const TextMatch = z
  .union([z.string(), Expression, z.instanceof(RegExp)], 'must be text, /an expression/ or {regex, flags}')
  .superRefine((match, context) => {
    const fault = faultOfExpression(match);
    if (fault !== undefined) context.addIssue(fault);
  });

const When = members({
  text: TextMatch.optional(),
  role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`).optional(),
  session: TextMatch.optional(),
  turn: z.int().min(1).optional(),
  tool: members({ name: TextMatch.optional(), content: TextMatch.optional() }).optional(),
  model: TextMatch.optional(),
});

const Predicate = z.custom<(request: ModelRequest) => boolean>((value) => typeof value === 'function');

const Call = members({
  name: z.string().min(1),
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())], 'must be an object or JSON text').optional(),
});

const ReplyMembers = members({
  reasoning: z.string().optional(),
  text: z.string().optional(),
  tool_calls: z.array(Call).min(1).optional(),
  json: z.json().optional(),
  error: z.enum(CODES, `must be one of ${CODES.join(', ')}`).optional(),
});

const Reply = z
  .union([z.string(), ReplyMembers], 'must be text, or an object of text, tool_calls, json or error')
  .superRefine((reply, context) => {
    if (typeof reply === 'string') return;
    const { reasoning, text, tool_calls, json, error } = reply;
    const kinds = [tool_calls ?? text, json, error].filter((kind) => kind !== undefined);
    if (kinds.length !== 1)
      context.addIssue('must have exactly one of text, tool_calls, json and error; text may go with tool_calls');
    else if (reasoning !== undefined && error !== undefined) context.addIssue('reasoning does not go with error');
  });

const Rule = members({
  name: z.string().min(1).optional(),
  when: z.union([When, Predicate], 'must be an object of what is to match').optional(),
  reply: Reply.optional(),
  replies: z.array(Reply).min(1).optional(),
  times: z.int().min(1).optional(),
})
  .refine(
    ({ reply, replies }) => (reply === undefined) !== (replies === undefined),
    'must have either reply or replies',
  )
  .transform(({ reply, replies, ...rule }) => ({ ...rule, replies: replies ?? (reply === undefined ? [] : [reply]) }));

/** Rules as they are given in code, where `when` may be a function. */
const ScriptRules = z.array(Rule, 'must be a list of rules');

/** A file is a list of rules, or has them under `rules`; `at` says where they are. */
export const ScriptFile = z
  .union(
    [ScriptRules, members({ strict: z.boolean().optional(), rules: ScriptRules })],
    'must be a list of rules, or {strict, rules}',
  )
  .transform((file) => (Array.isArray(file) ? { rules: file, at: [] } : { ...file, at: ['rules'] }));

export type CheckedRule = z.output<typeof Rule>;
export type CheckedReply = z.output<typeof Reply>;
export type CheckedWhen = z.output<typeof When>;
export type CheckedText = z.output<typeof TextMatch>;

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
