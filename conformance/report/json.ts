import { PROFILES } from '../areas/rules.ts';
import { countVerdicts } from '../core/standing.ts';
import { VERDICTS } from '../core/verdict.ts';
import { Report } from './report.ts';
import { oneLine } from './text.ts';

/** A file that is no report this kit can rely on. The message is one line. */
export class ReportError extends Error {}

const FORMAT = 'kimi-conformance';
const VERSION = 1;
const MAX_MESSAGE = 200;

/** The report as JSON: the form that every other one is made of. */
export function toJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Reads what `toJson` wrote, in this version of the kit or in another.
 * @throws ReportError for what is no report, is of a newer format, or does not add up
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
  if (name !== FORMAT) throw broken(`it does not begin with "report": "${FORMAT}/${VERSION}"`);
  if (Number(version) > VERSION) {
    throw new ReportError(oneLine(`report of a newer kit: it is ${format}, and this kit reads ${FORMAT}/${VERSION}`));
  }
}

/** A check that was declared and left out of the report, or said twice, would be a verdict that nobody sees. */
function requireWhole({ results, profiles, completeness: { declared, reported } }: Report): void {
  if (declared !== reported) throw broken(`${declared} checks were declared and ${reported} reported`);
  if (reported !== results.length) throw broken(`it says ${reported} checks and holds ${results.length}`);
  const seen = new Set<string>();
  for (const { id } of results) {
    if (seen.has(id)) throw broken(`the check ${id} is there twice`);
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
