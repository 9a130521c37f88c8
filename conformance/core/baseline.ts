import { RE2JS } from 're2js';
import { z } from 'zod';
import type { Report } from '../report/report.ts';
import { type CheckResult, VERDICTS } from './verdict.ts';

/** One known failure: what a check is expected to do, why, and until when that is put up with. */
const Entry = z.strictObject({
  check: z.string().min(1),
  expect: z.enum(VERDICTS).exclude(['pass', 'error']),
  /** A regular expression that the message has to match. */
  message: z.string().refine(isPattern, 'must be a regular expression of RE2'),
  reason: z.string().min(1),
  added: z.iso.date(),
  expires: z.iso.date(),
});

/** A list of known failures. `error` is never one: of an error nothing is known. */
export const Baseline = z.strictObject({ baseline: z.literal(1), entries: z.array(Entry) });
export type Baseline = z.infer<typeof Baseline>;

interface BaselineOutcome {
  /** Checks that did as the list says. */
  known: string[];
  /** Where the list is wrong, each in one line. Any of them fails the run. */
  problems: string[];
}

/** @param complete whether everything ran, so that a check that is not there is unknown and not only left out */
export function applyBaseline(
  { entries }: Baseline,
  results: readonly CheckResult[],
  complete: boolean,
  today: Date,
): BaselineOutcome {
  const outcome: BaselineOutcome = { known: [], problems: [] };
  for (const entry of entries) {
    const result = results.find(({ id }) => id === entry.check);
    const problem = result ? problemOf(entry, result, today) : complete ? 'there is no such check' : undefined;
    if (problem !== undefined) outcome.problems.push(`${entry.check}: ${problem}`);
    else if (result) outcome.known.push(entry.check);
  }
  return outcome;
}

function problemOf(entry: Baseline['entries'][number], result: CheckResult, today: Date): string | undefined {
  const { verdict, message = '' } = result;
  if (today.toISOString().slice(0, 10) > entry.expires) return `the entry expired on ${entry.expires}`;
  if (verdict === 'pass') return 'passes now: remove it from the list';
  if (verdict !== entry.expect) return `expected ${entry.expect}, got ${verdict}: ${message}`;
  if (!compile(entry.message).test(message)) return `another message than ${entry.message}: ${message}`;
  return undefined;
}

/** What an update puts on the list. */
const LISTED = new Set<string>(['fail', 'warn', 'not_run']);

/** The list that would make this run pass. What ends in errors is on no list. */
export function baselineOf(results: Report['results'], reason: string, today: Date): Baseline {
  const added = today.toISOString().slice(0, 10);
  const expires = new Date(today.getTime() + 90 * 86_400_000).toISOString().slice(0, 10);
  const entries = results
    .filter(({ verdict }) => LISTED.has(verdict))
    .map(({ id, verdict, message = '' }) => ({
      check: id,
      expect: verdict as 'fail' | 'warn' | 'not_run',
      message: `^${patternOf(message)}`,
      reason,
      added,
      expires,
    }));
  return { baseline: 1, entries };
}

/** Of a longer message, the whole words among so many characters. */
const COMPARED = 80;
/** Words that a case makes up anew in each run, as many as are left of them, and ids. */
const MADE_UP = /((?:\bK[0-9A-F]{0,9}\b ?)+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)/;

/** What the same failure says in the next run. */
function patternOf(message: string): string {
  const characters = [...message];
  const start = characters.slice(0, COMPARED).join('');
  const words = characters.length <= COMPARED ? message : start.replace(/(?<=\s)\S*$/, '');
  // Every other part is what was split at.
  return words
    .split(MADE_UP)
    .map((part, place) =>
      place % 2 === 0 ? literally(part) : part.startsWith('K') ? '(?:K[0-9A-F]* ?)+' : '[0-9a-f-]+',
    )
    .join('');
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** RE2, which takes time in proportion to the text: a pattern comes from a file, and a message from a server. */
function compile(pattern: string): RE2JS {
  return RE2JS.compile(RE2JS.translateRegExp(pattern));
}

function isPattern(text: string): boolean {
  try {
    return Boolean(compile(text));
  } catch {
    return false;
  }
}
