import type { JournalEntry } from '../../journal/entries.ts';
import { bad, fine, fineAll, type Rule, some } from '../finding.ts';
import { type Repeat, type Run, repeatsOf } from '../run.ts';

export const idempotency: Rule = {
  name: 'idempotency-keys',
  target: 'sessions',
  judge(run: Run) {
    const fix =
      "send an Idempotency-Key with every POST and DELETE of a session, a new one per write and the same for its retries: KimiClient does; with the openai SDK pass { headers: { 'Idempotency-Key': key } }";
    const writes = run.entries.filter(changesState);
    const twice = run.again((entry) => changesState(entry) && isLost(entry)).filter(changesState);
    const bare = writes.filter((entry) => entry.idempotency_key === undefined);
    const without = `${bare.length} of ${some(writes.length, 'write')} ${bare.length === 1 ? 'has' : 'have'} no Idempotency-Key`;
    if (twice.length > 0) {
      const says = `${some(twice.length, 'write')} sent again after the answer was lost, and written twice`;
      return bad('error', `${says}; ${without}`, fix, twice);
    }
    if (bare.length === 0) return fineAll(writes.length, 'write', ', all with an Idempotency-Key');
    return bad('warning', `${without}: if an answer is lost, nobody knows whether the write happened`, fix, bare);
  },
};

function isLost({ lost, streamed }: JournalEntry): boolean {
  return lost ?? streamed?.ended === 'left';
}

function changesState({ facts, session, operation }: JournalEntry): boolean {
  const { created, wrote, cut, compressed, snapshot, rolled_back, deleted } = facts;
  if (operation === 'createChatCompletion') return session !== undefined && wrote !== undefined;
  return [created, wrote, cut, compressed, snapshot, rolled_back, deleted].some((fact) => fact !== undefined);
}

export const retriedRefusals: Rule = {
  name: 'retried-400',
  target: 'everywhere',
  judge(run: Run) {
    const refused = run.entries.filter(isRefused);
    const again = run.again(isRefused, makesRoom);
    if (again.length === 0) {
      return fine(
        refused.length === 0
          ? 'no answer had status 400'
          : `${some(refused.length, 'answer')} with status 400, ${refused.length === 1 ? 'not' : 'none'} retried`,
      );
    }
    const says = `${some(again.length, 'request')} sent again unchanged after a 400, which fails every time`;
    return bad(
      'error',
      says,
      'retry only 408, 409, 429 and 5xx, unless x-should-retry is false; after a 400, change the request (its Kimi-Emulator-Hint says how)',
      again,
    );
  },
};

function isRefused({ status }: JournalEntry): boolean {
  return status === 400;
}

/** Whether a request in between may let a retry pass: a change of its session, or a deletion that made room. */
function makesRoom({ method, status, account, session, facts }: JournalEntry, again: JournalEntry): boolean {
  const isDialect = again.session !== undefined || again.operation !== 'createChatCompletion';
  if (!isDialect || method === 'GET' || status < 200 || status > 299 || account !== again.account) return false;
  return facts.deleted !== undefined || (session !== undefined && session === again.session);
}

export const streams: Rule = {
  name: 'abandoned-streams',
  target: 'everywhere',
  judge({ entries }: Run) {
    const streamed = entries.filter((entry) => entry.streamed !== undefined);
    const left = streamed.filter((entry) => entry.streamed?.ended === 'left');
    if (left.length === 0) return fineAll(streamed.length, 'stream', ', all read to the end');
    const undone = left.filter(({ facts }) => facts.turn === undefined).length;
    const says = `${some(left.length, 'stream')} not read to the end; ${undone} of the turns had no effect, but the live API bills what it generated`;
    return bad(
      'warning',
      says,
      'read every stream to [DONE]; to get shorter answers, lower max_tokens or set a stop string',
      left,
    );
  },
};

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const STATUS = 429;
/** Codes of 429 that no retry can fix. */
const FINAL: readonly string[] = ['quota_exceeded', 'tpd_limit'];
const SHOW_IT =
  'set a fault before the run: POST /_emulator/faults {"effect":"error","code":"rpm_limit","operation":"createChatCompletion"}; or start with --rate-tier 0, which allows three chats per minute';

/** Whether requests refused with 429 are sent again. */
export const rateLimits: Rule = {
  name: 'rate-limits',
  target: 'everywhere',
  judge(run: Run) {
    const limited = run.entries.filter(isLimited);
    const passing = repeats(run).filter(({ refused }) => passes(refused));
    if (passing.length === 0) {
      const met =
        limited.length === 0
          ? 'no request was refused with 429'
          : `the only 429 was ${codesOf(limited)}, which no retry can fix`;
      return bad('warning', `${met}: it is unknown how a rate limit is handled`, SHOW_IT, limited);
    }
    const lost = passing.filter(({ again }) => again === undefined);
    if (lost.length === 0) return fine(`${some(passing.length, 'request')} refused with 429, all sent again`);
    const repeated = new Set(passing.map(({ again }) => again));
    const tried = lost.filter(({ refused }) => repeated.has(refused)).length;
    const after = tried > 0 ? ` (${tried} of them after retries)` : '';
    return bad(
      'error',
      `${some(lost.length, 'request')} refused with 429 and never sent again${after}: the work was lost`,
      'on status 429, wait for Retry-After and send the same request again (as maxRetries of the openai SDK does); when retries are exhausted, queue the request and reduce concurrency',
      lost.map(({ refused }) => refused),
    );
  },
};

/** Whether retries waited as long as they should. */
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
        `${some(early.length, 'request')} sent again after a 429 with no time passed on the emulator's clock, which stands still until it is moved: it is unknown whether they waited`,
        'run without --seed and without your own clock, or call emulator.clock.advance(ms) where your client waits',
        early.map(({ again }) => again),
      );
    return bad(
      'error',
      `${some(hasty.length, 'request')} sent again too early after a 429: ${waitsOf(hasty)}`,
      'wait for Retry-After (or as the error text says) before a retry; do not retry after quota_exceeded or tpd_limit',
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

/** Journals of versions without `retry_after` always meant one second. */
function waitMs(refused: JournalEntry): number {
  if (passes(refused)) return (refused.retry_after ?? 1) * SECOND_MS;
  return refused.code === 'tpd_limit' ? DAY_MS : Number.POSITIVE_INFINITY;
}

function codesOf(limited: readonly JournalEntry[]): string {
  return [...new Set(limited.map(({ code }) => code))].join(' and ');
}

/** `#5 came 0.5 s after #4, which said 60 s`, for the first one. */
function waitsOf([first]: readonly Required<Repeat>[]): string {
  if (!first) return '';
  const { refused, again } = first;
  const after = (passed(first) / SECOND_MS).toLocaleString('en-US');
  const said = passes(refused) ? `said ${waitMs(refused) / SECOND_MS} s` : `was ${refused.code}, and not to be retried`;
  return `#${again.n} came ${after} s after #${refused.n}, which ${said}`;
}
