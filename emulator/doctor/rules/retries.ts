import type { JournalEntry } from '../../journal/entries.ts';
import { bad, fine, fineAll, type Rule, some } from '../finding.ts';
import { type Repeat, type Run, repeatsOf } from '../run.ts';

export const idempotency: Rule = {
  name: 'idempotency-keys',
  target: 'sessions',
  judge(run: Run) {
    const fix =
      "send an Idempotency-Key with every POST and DELETE of a session, one for each write, the same for its retries: KimiClient does, the openai SDK with { headers: { 'Idempotency-Key': key } }";
    const writes = run.entries.filter(changesState);
    const twice = run.again((entry) => changesState(entry) && isLost(entry)).filter(changesState);
    const bare = writes.filter((entry) => entry.idempotency_key === undefined);
    const without = `${bare.length} of ${some(writes.length, 'write')} ${bare.length === 1 ? 'has' : 'have'} no Idempotency-Key`;
    if (twice.length > 0) {
      const says = `${some(twice.length, 'write')} sent again after the answer was lost, and written twice`;
      return bad('error', `${says}; ${without}`, fix, twice);
    }
    if (bare.length === 0) return fineAll(writes.length, 'write', ', all with an Idempotency-Key');
    return bad('warning', `${without}: an answer that gets lost leaves unknown whether it was done`, fix, bare);
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
          ? 'no 400 was answered'
          : `${some(refused.length, 'answer')} of status 400, ${refused.length === 1 ? 'not' : 'none'} asked for again`,
      );
    }
    const says = `${some(again.length, 'request')} sent again unchanged after a 400, which never passes by itself`;
    return bad(
      'error',
      says,
      'retry 408, 409, 429 and 5xx only, where x-should-retry does not forbid it; a 400 needs another request (its Kimi-Emulator-Hint says which)',
      again,
    );
  },
};

function isRefused({ status }: JournalEntry): boolean {
  return status === 400;
}

/** Whether a change lies between that may let a request through: of its session, or a deletion that made room. */
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
    if (left.length === 0) return fineAll(streamed.length, 'stream', ', none left before its end');
    const undone = left.filter(({ facts }) => facts.turn === undefined).length;
    const says = `${some(left.length, 'stream')} left before the end; ${undone} of the turns took no effect, and the live API is paid for what it made of them`;
    return bad(
      'warning',
      says,
      'read every stream to [DONE]; where an answer is not wanted any more, say so with fewer max_tokens or a stop string',
      left,
    );
  },
};

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const STATUS = 429;
/** Codes of 429 that no retry mends. */
const FINAL: readonly string[] = ['quota_exceeded', 'tpd_limit'];
const SHOW_IT =
  'set a fault before the run: POST /_emulator/faults {"effect":"error","code":"rpm_limit","operation":"createChatCompletion"}; or start with --rate-tier 0, which takes three chats a minute';

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
