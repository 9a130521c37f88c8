import type { JournalEntry } from '../../journal/describe.ts';
import { bad, fine, type Rule, some } from '../finding.ts';
import { type Repeat, repeatsOf } from '../repeats.ts';
import type { Run } from '../run.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const STATUS = 429;
/** Codes of 429 that no retry mends. */
const FINAL: readonly string[] = ['quota_exceeded', 'tpd_limit'];
const SHOW_IT =
  'set a fault before the run: POST /_emulator/faults {"effect":"error","code":"rpm_limit","operation":"createChatCompletion"}; or start with --tier 0, which takes three chats a minute';

/** Whether a 429 costs the work that it refused. */
export const rateLimits: Rule = {
  name: 'rate-limits',
  target: 'everywhere',
  judge(run: Run) {
    const limited = run.entries.filter(isLimited);
    const passing = repeats(run).filter(({ refused }) => passes(refused));
    if (passing.length === 0) {
      const met =
        limited.length === 0 ? 'no 429 was met' : `no 429 was met but ${codesOf(limited)}, which no retry mends`;
      return bad('warning', `${met}: how a rate limit is handled was not shown`, SHOW_IT, limited);
    }
    const lost = passing.filter(({ again }) => again === undefined);
    if (lost.length === 0) return fine(`${some(passing.length, 'request')} refused with 429, all sent again`);
    const repeated = new Set(passing.map(({ again }) => again));
    const tried = lost.filter(({ refused }) => repeated.has(refused)).length;
    const after = tried > 0 ? ` (${tried} of them after retries)` : '';
    return bad(
      'error',
      `${some(lost.length, 'request')} refused with 429 and never sent again${after}: the work was lost`,
      'catch status 429, wait as Retry-After says and send the same request again (maxRetries of the openai SDK does); where retries end, keep the work and send less at once',
      lost.map(({ refused }) => refused),
    );
  },
};

/** Whether who was told to wait did. */
export const retryAfter: Rule = {
  name: 'retry-after',
  target: 'everywhere',
  judge(run: Run) {
    const repeated = repeats(run).filter((repeat): repeat is Required<Repeat> => repeat.again !== undefined);
    const early = repeated.filter(({ waited }) => !waited);
    if (repeated.length === 0) return fine('no request was sent again after a 429');
    if (early.length === 0)
      return fine(`${some(repeated.length, 'request')} sent again after a 429, each after its wait`);
    const hasty = early.filter((repeat) => run.clockRuns || !passes(repeat.refused) || passed(repeat) > 0);
    if (hasty.length === 0)
      return bad(
        'warning',
        `${some(early.length, 'request')} sent again after a 429 with no time passed on the emulator's clock, which stands still until it is moved: whether they waited cannot be told`,
        'run without --seed and without a clock of your own, or let the wait of your client call emulator.clock.advance(ms)',
        early.map(({ again }) => again),
      );
    return bad(
      'error',
      `${some(hasty.length, 'request')} sent again too early after a 429: ${waitsOf(hasty)}`,
      "wait as Retry-After (or the text) says before the same request again; do not send again what quota or a day's tokens refused",
      hasty.map(({ again }) => again),
    );
  },
};

/** Milliseconds from a refusal to the request that repeats it. */
function passed({ refused, again }: Required<Repeat>): number {
  return again.at - refused.at;
}

function repeats(run: Run): Repeat[] {
  return repeatsOf(run, isLimited, waitMs);
}

function isLimited({ status }: JournalEntry): boolean {
  return status === STATUS;
}

function passes({ code }: JournalEntry): boolean {
  return code === undefined || !FINAL.includes(code);
}

/** A journal that does not say how long is of a version that always said a second. */
function waitMs(refused: JournalEntry): number {
  if (passes(refused)) return (refused.retry_after ?? 1) * SECOND_MS;
  return refused.code === 'tpd_limit' ? DAY_MS : Number.POSITIVE_INFINITY;
}

function codesOf(limited: readonly JournalEntry[]): string {
  return [...new Set(limited.map(({ code }) => code))].join(' and ');
}

/** `#5 came 0.5 s after #4, which said 60 s`, of the first. */
function waitsOf([first]: readonly Required<Repeat>[]): string {
  if (!first) return '';
  const { refused, again } = first;
  const after = (passed(first) / SECOND_MS).toLocaleString('en-US');
  const said = passes(refused) ? `said ${waitMs(refused) / SECOND_MS} s` : `was ${refused.code}, and not to be retried`;
  return `#${again.n} came ${after} s after #${refused.n}, which ${said}`;
}
