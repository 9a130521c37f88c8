import { z } from 'zod';
import { PROFILES } from '../areas/rules.ts';
import { VERDICTS } from '../core/verdict.ts';

const count = z.int().min(0);
const counts = z.record(z.enum(VERDICTS), count);

const CheckResultShape = z.object({
  id: z.string().min(1).meta({ description: 'Permanent: the id of the case, a slash, the name of the check.' }),
  case: z.string(),
  // Not an enumeration: a report is read by older and newer kits too, and rules come and go between them.
  clause: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9.-]+$/)
    .meta({ description: 'The rule that is judged: its area, a dot, its name.' }),
  profile: z.enum(PROFILES),
  level: z.enum(['MUST', 'SHOULD', 'MAY']),
  evidence: z.enum(['article', 'kimi', 'ours']),
  verdict: z.enum(VERDICTS),
  message: z.string().exactOptional(),
  exchanges: z.array(z.string()).exactOptional(),
});

/** How a profile stands. `incomplete`: no MUST is broken, but something could not be judged. */
export const STANDINGS = ['conformant', 'non-conformant', 'incomplete', 'not offered', 'not selected'] as const;

const ProfileSummary = z.object({ standing: z.enum(STANDINGS), counts });

/** A report, as JSON. Every other form is made of it. */
export const Report = z.object({
  report: z.literal('kimi-conformance/1'),
  kit: z.string().meta({ description: 'Version of the package.' }),
  run: z.object({
    id: z.string(),
    startedAt: z.iso.datetime(),
    durationMs: z.number(),
    profiles: z.array(z.enum(PROFILES)),
    cases: z.array(z.string()).nullable().meta({ description: 'What was asked for by name; null for all.' }),
    excluded: z
      .array(z.string())
      .exactOptional()
      .meta({ description: 'What was left out by name; absent for nothing.' }),
    interrupted: z.boolean(),
    stopped: z.string().exactOptional().meta({ description: 'Why the run was given up; absent where it was not.' }),
  }),
  target: z.object({
    name: z.string(),
    model: z.string(),
    limits: z.record(z.string(), z.number()),
    refusedLimits: z
      .array(z.string())
      .exactOptional()
      .meta({ description: 'What the target states of its limits and was not used, since it cannot be believed.' }),
    capabilities: z.record(
      z.string(),
      z.object({
        declared: z.enum(['yes', 'no', 'unknown']),
        probed: z.enum(['present', 'absent', 'ambiguous', 'unseen']),
        standing: z.enum(['offered', 'absent', 'broken-promise', 'unclear']),
      }),
    ),
  }),
  results: z.array(CheckResultShape),
  profiles: z.record(z.enum(PROFILES), ProfileSummary),
  spending: z.object({
    currency: z.string(),
    cap: z.number().nullable(),
    spent: z.number(),
    exhausted: z.boolean(),
    priceSource: z.string(),
  }),
  retries: z.array(z.object({ request: z.string(), reason: z.string() })),
  leaked: z.array(z.object({ kind: z.enum(['session', 'snapshot']), id: z.string(), account: z.string() })),
  lost: z
    .array(z.object({ request: z.string(), account: z.string() }))
    .exactOptional()
    .meta({
      description: 'Requests that create something, without an answer that tells: perhaps something is left behind.',
    }),
  baseline: z
    .object({ known: z.array(z.string()), problems: z.array(z.string()) })
    .nullable()
    .meta({ description: 'Checks that did what the list of known failures says, and where the list is wrong.' }),
  completeness: z
    .object({ declared: count, reported: count })
    .meta({ description: 'A report in which these differ is invalid.' }),
  exitCode: z.int(),
});

export type Report = z.infer<typeof Report>;
export type ProfileStanding = (typeof STANDINGS)[number];
