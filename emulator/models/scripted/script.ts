import * as z from 'zod';
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { ROLES } from '../../../contract/messages.ts';
import { DocumentError } from '../../bad-input.ts';

import { findFault, members } from '../../documents.ts';
import type { ModelRequest } from '../model.ts';
import { faultOfReferences } from './references.ts';
import { capturingExpression, faultOfExpression, type ReplyFunction, type ScriptRule } from './rule.ts';

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const Expression = members({ regex: z.string(), flags: z.string().optional() });
const TextMatch = z
  .union([z.string(), Expression, z.instanceof(RegExp)], 'must be text, /an expression/ or {regex, flags}')
  .superRefine((match, context) => {
    const fault = faultOfExpression(match);
    if (fault !== undefined) context.addIssue(fault);
  });

const WhenMembers = members({
  text: TextMatch.optional(),
  anyOf: z.int().min(1).optional(),
  role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`).optional(),
  session: TextMatch.optional(),
  turn: z.int().min(1).optional(),
  tool: members({ name: TextMatch.optional(), content: TextMatch.optional() }).optional(),
  model: TextMatch.optional(),
});

const Condition = WhenMembers.refine(({ text, anyOf }) => text !== undefined || anyOf === undefined, {
  path: ['anyOf'],
  message: "goes with text: it says in how many of the user's newest messages that may stand",
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

type Members = z.output<typeof ReplyMembers>;

const KINDS = 'must be text, or an object of text, tool_calls, json or error';

function checkKind(reply: string | Members | ReplyFunction, context: z.RefinementCtx): void {
  if (typeof reply !== 'object') return;
  const { reasoning, text, tool_calls, json, error } = reply;
  const kinds = [tool_calls ?? text, json, error].filter((kind) => kind !== undefined);
  if (kinds.length !== 1)
    context.addIssue('must have exactly one of text, tool_calls, json and error; text may go with tool_calls');
  else if (reasoning !== undefined && error !== undefined) context.addIssue('reasoning does not go with error');
}

const Reply = z.union([z.string(), ReplyMembers], KINDS).superRefine(checkKind);

/** As a rule has it: a reply, or a function that decides it. */
const Answer = z
  .union([z.string(), ReplyMembers, z.custom<ReplyFunction>((value) => typeof value === 'function')], KINDS)
  .superRefine(checkKind);

const Rule = members({
  name: z.string().min(1).optional(),
  when: z.union([Condition, Predicate], 'must be an object of what is to match').optional(),
  reply: Answer.optional(),
  replies: z.array(Answer).min(1).optional(),
  times: z.int().min(1).optional(),
})
  .refine(
    ({ reply, replies }) => (reply === undefined) !== (replies === undefined),
    'must have either reply or replies',
  )
  .superRefine(({ when, reply, replies }, context) => {
    const expression = typeof when === 'object' ? capturingExpression(when) : undefined;
    if (!expression) return;
    const answers = replies?.map((answer, index) => ({ answer, path: ['replies', index] }));
    for (const { answer, path } of answers ?? [{ answer: reply, path: ['reply'] }]) {
      const message = typeof answer === 'function' ? undefined : faultOfReferences(answer, expression);
      if (message !== undefined) context.addIssue({ code: 'custom', message, path });
    }
  })
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
export type CheckedAnswer = z.output<typeof Answer>;
export type CheckedWhen = z.output<typeof WhenMembers>;
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
  return { rules: checked(ScriptRules, rules, 'script').map((rule) => ({ rule })) };
}

/** The same from the value of a JSON file: a list of rules, or `{strict, rules}`. @throws DocumentError */
export function scriptFrom(value: unknown): Script {
  const { rules, strict } = checked(ScriptFile, value, 'script');
  return { rules: rules.map((rule) => ({ rule })), ...(strict !== undefined && { strict }) };
}

/** What a function of a rule has returned. @throws DocumentError */
export function checkReply(reply: unknown): CheckedReply {
  return checked(Reply, reply, 'the reply of its function');
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw new DocumentError(`${what}: ${findFault(result.error).message}`);
  return result.data;
}

/** The script as JSON can hold it: expressions as they are written in files, functions by their kind. */
export function scriptAsJson({ rules, strict = false }: Script): { strict: boolean; rules: unknown[] } {
  const shown = rules.map(({ rule }) => ({ ...rule }));
  const text = JSON.stringify(shown, (_, value) => {
    if (value instanceof RegExp) return String(value);
    return typeof value === 'function' ? '[function]' : value;
  });
  return { strict, rules: JSON.parse(text) };
}
