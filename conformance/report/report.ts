import { z } from 'zod';
import { oneLine } from '../../emulator/terminal/text.ts';
import { PROFILES } from '../areas/rules.ts';
import { countVerdicts, VERDICTS } from '../core/verdict.ts';

const count = z.int().min(0);
const counts = z.record(z.enum(VERDICTS), count);

const CheckResultShape = z.object({
  id: z.string().min(1).meta({ description: 'Permanent: the id of the case, a slash, the name of the check.' }),
  case: z.string(),
  // Not an enumeration: a report is read by older and newer kits too, and rules come and go between them.
  rule: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9.-]+$/)
    .meta({ description: 'The rule that is judged: its area, a dot, its name.' }),
  profile: z.enum(PROFILES),
  level: z.enum(['MUST', 'SHOULD', 'MAY']),
  evidence: z.enum(['article', 'kimi', 'ours']),
  verdict: z.enum(VERDICTS),
  durationMs: z.number().min(0).exactOptional().meta({
    description: 'What it took, with the requests that led to it; 0 where its case did not come to it.',
  }),
  message: z.string().exactOptional(),
  exchanges: z.array(z.string()).exactOptional(),
});

/** How a profile stands. `unreliable`: its checks hold, but too many requests had to be repeated. `incomplete`: no MUST is broken, but something could not be judged. */
const PROFILE_STATUSES = [
  'conformant',
  'non-conformant',
  'unreliable',
  'incomplete',
  'not offered',
  'not selected',
] as const;

const ProfileSummary = z.object({ status: z.enum(PROFILE_STATUSES), counts });

/** A report, as JSON. Every other form is made of it. */
export const Report = z.object({
  report: z.literal('kimi-conformance/2'),
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
        status: z.enum(['offered', 'absent', 'broken-promise', 'unclear']),
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
  reliability: z
    .object({ requests: count, failed: count, allowed: count, refused: count, allowedRefused: count.nullable() })
    .meta({
      description:
        'Requests sent; how many of the repeated ones failed and were refused with 429, and how many may without a verdict. A target that costs money may refuse any number.',
    }),
  leaked: z.array(z.object({ kind: z.enum(['session', 'snapshot', 'file']), id: z.string(), account: z.string() })),
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
export type ProfileStatus = (typeof PROFILE_STATUSES)[number];

/** A file that is not a valid report of this kit. The message is one line. */
export class ReportError extends Error {}

const FORMAT = 'kimi-conformance';
const VERSION = 2;
const MAX_MESSAGE = 200;

/** The report as JSON: the form that every other one is made of. */
export function toJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Reads what `toJson` wrote, in this version of the kit or in another.
 * @throws ReportError for what is not a report, is of a newer format, or does not add up
 */
export function readReport(text: string): Report {
  const value = parse(text);
  requireKnownFormat(value);
  const parsed = Report.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw broken(`${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'has another shape'}`);
  }
  requireWhole(parsed.data);
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(`no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function requireKnownFormat(value: unknown): void {
  const format = typeof value === 'object' && value !== null && 'report' in value ? value.report : undefined;
  const [name, version] = typeof format === 'string' ? format.split('/') : [];
  if (name !== FORMAT) throw broken(`it does not start with "report": "${FORMAT}/${VERSION}"`);
  if (Number(version) === VERSION) return;
  const age = Number(version) > VERSION ? 'a newer' : 'an older';
  throw new ReportError(oneLine(`report of ${age} kit: it is ${format}, and this kit reads ${FORMAT}/${VERSION}`));
}

/** A check that was declared and left out of the report, or said twice, would be a verdict that nobody sees. */
function requireWhole({ results, profiles, completeness: { declared, reported } }: Report): void {
  if (declared !== reported) throw broken(`${declared} checks were declared and ${reported} reported`);
  if (reported !== results.length) throw broken(`it says ${reported} checks and holds ${results.length}`);
  const seen = new Set<string>();
  for (const { id } of results) {
    if (seen.has(id)) throw broken(`the check ${id} is listed twice`);
    seen.add(id);
  }
  for (const profile of PROFILES) {
    const counted = countVerdicts(results.filter((result) => result.profile === profile));
    const wrong = VERDICTS.find((verdict) => counted[verdict] !== profiles[profile].counts[verdict]);
    if (wrong) throw broken(`the summary of ${profile} does not count as many ${wrong} as there are`);
  }
}

function broken(reason: string): ReportError {
  return new ReportError(`broken report: ${oneLine(reason).slice(0, MAX_MESSAGE)}`);
}

const LINE_WIDTH = 120;

/** The JSON Schema of a report, as text. Members that it does not name are allowed: a later kit may add some. */
export function reportSchema(): string {
  const schema = z.toJSONSchema(Report, { target: 'draft-2020-12', io: 'input' });
  return `${shortListsInOneLine(JSON.stringify({ title: 'Report of the Kimi conformance kit', ...schema }, null, 2))}\n`;
}

/** As the formatter of the repository has it, so that the generated file passes its check. */
function shortListsInOneLine(json: string): string {
  return json.replace(/^(.*)\[\n([^[\]{}]*)\n\s*\](,?)$/gm, (whole, before: string, items: string, after: string) => {
    const line = `${before}[${items.trim().replace(/,\n\s*/g, ', ')}]${after}`;
    return line.length <= LINE_WIDTH ? line : whole;
  });
}
