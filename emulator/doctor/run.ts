import { LIMITS, type Limits } from '../../contract/limits.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import type { JournalEntry } from '../journal/entries.ts';
import type { JournalFile } from '../journal/journal-file.ts';

/** A journal as rules read it. */
export class Run {
  readonly limits: Limits;
  /** Requests, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** The same, split at resets: a request after a reset continues nothing from before it. */
  readonly lives: readonly (readonly JournalEntry[])[];
  /** Number of the last reset's entry; 0 without a reset. */
  readonly lastReset: number;
  readonly dropped: number;
  /** Whether the clock ran by itself, so that two requests with the same time were really simultaneous. */
  readonly clockRuns: boolean;
  /** Prices of the turns; absent in journals of older versions. */
  readonly prices: JournalFile['configuration']['prices'];

  constructor({ entries, configuration, dropped }: Pick<JournalFile, 'entries' | 'configuration' | 'dropped'>) {
    this.limits = configuration.limits;
    this.dropped = dropped;
    this.prices = configuration.prices;
    this.clockRuns = configuration.clock === 'system';
    this.entries = entries.filter(({ facts }) => facts.reset === undefined);
    this.lives = livesOf(entries);
    this.lastReset = entries.findLast(({ facts }) => facts.reset)?.n ?? 0;
  }

  /** The requests of each session. The same id after a reset is another session: a seed issues it again. */
  sessions(): JournalEntry[][] {
    return this.lives.flatMap((entries) => {
      const sessions = new Map<string, JournalEntry[]>();
      for (const entry of entries) {
        if (entry.session === undefined) continue;
        const own = sessions.get(entry.session) ?? [];
        own.push(entry);
        sessions.set(entry.session, own);
      }
      return [...sessions.values()];
    });
  }

  /**
   * Requests that repeat an earlier one for which `isFirst` is true, with no reset in between.
   * @param excuses whether a request in between is a reason to repeat it
   */
  again(
    isFirst: (entry: JournalEntry) => boolean,
    excuses: (between: JournalEntry, again: JournalEntry) => boolean = () => false,
  ): JournalEntry[] {
    return this.lives.flatMap((entries) =>
      entries.filter((entry, place) => {
        const first = entries.findLastIndex((each, at) => at < place && isFirst(each) && isSame(each, entry));
        return first !== -1 && !entries.slice(first + 1, place).some((between) => excuses(between, entry));
      }),
    );
  }

  /** Tokens of the window that a request writes to or reads, which depend on the model unless the limit was set. */
  windowOf(entry: JournalEntry): number {
    const { window_tokens: limit } = this.limits;
    return limit === LIMITS.window_tokens.default ? (this.#profileOf(entry)?.window.value ?? limit) : limit;
  }

  /** Tokens of an answer where the request names no number of them. */
  defaultAnswerOf(entry: JournalEntry): number {
    const { max_tokens: limit } = this.limits;
    return limit === LIMITS.max_tokens.default ? (this.#profileOf(entry)?.defaultOutput.value ?? limit) : limit;
  }

  /** By the request itself, or the session's turn before it, or what created the session. */
  #profileOf({ n, session, model: asked, facts }: JournalEntry): ModelProfile | undefined {
    const named = (entry: JournalEntry) => entry.facts.turn?.model ?? modelCreated(entry);
    const before = this.entries.findLast(
      (each) => session !== undefined && each.session === session && each.n <= n && named(each),
    );
    const model = facts.turn?.model ?? asked ?? (before && named(before));
    return model === undefined ? undefined : findProfile(model);
  }

  /** Whether a request that did not fit was one for an answer that takes up most of a window, however full that was. */
  asksTooMuch(entry: JournalEntry): boolean {
    return entry.code === 'context_window_exceeded' && 2 * (entry.max_tokens ?? 0) > this.windowOf(entry);
  }

  refused(...codes: string[]): JournalEntry[] {
    return this.entries.filter(({ code }) => code !== undefined && codes.includes(code));
  }

  /** Milliseconds from the first request to the last on the emulator's clock, summed over the parts between resets. */
  get durationMs(): number {
    return this.lives.reduce((sum, life) => sum + (life.at(-1)?.at ?? 0) - (life[0]?.at ?? 0), 0);
  }

  isBeforeReset({ n }: JournalEntry): boolean {
    return n < this.lastReset;
  }
}

function modelCreated({ facts, answer }: JournalEntry): string | undefined {
  return facts.created && /"model":"([^"]+)"/.exec(answer ?? '')?.[1];
}

function livesOf(entries: readonly JournalEntry[]): JournalEntry[][] {
  const lives: JournalEntry[][] = [[]];
  for (const entry of entries) {
    if (entry.facts.reset) lives.push([]);
    else lives.at(-1)?.push(entry);
  }
  return lives;
}

/** Whether two requests are the same, as far as the journal stores them. Of a streamed append it stores only the amount. */
function isSame(one: JournalEntry, other: JournalEntry): boolean {
  if (one.method !== other.method || one.path !== other.path || one.account !== other.account) return false;
  const { wrote } = one.facts;
  if (wrote?.lines !== undefined)
    return wrote.lines === other.facts.wrote?.lines && wrote.tokens === other.facts.wrote.tokens;
  if (one.request === undefined && !(hadNoBody(one) && hadNoBody(other))) return false;
  return one.request === other.request && one.request_bytes === other.request_bytes;
}

const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE']);
/** Their bodies, forms and streams, are not stored. */
const UNSTORED: ReadonlySet<string | undefined> = new Set(['appendMessages', 'createFile']);

/**
 * Whether there was no body, of a request of which none is stored. One that was refused may have had one, which was too large or
 * never read; one that did something had been read.
 */
function hadNoBody({ method, operation, facts }: JournalEntry): boolean {
  return BODYLESS.has(method) || (!UNSTORED.has(operation) && Object.keys(facts).length > 0);
}

/** Things that were started and never ended, by name. A repeated name, as a seed issues after a reset, ends its latest start. */
export class Pending {
  readonly #begun = new Map<string, JournalEntry[]>();

  begin(name: string, entry: JournalEntry): void {
    this.#begun.set(name, [...(this.#begun.get(name) ?? []), entry]);
  }

  end(name: string): void {
    this.#begun.get(name)?.pop();
  }

  /** Ends everything whose name has this prefix. */
  endAll(prefix: string): void {
    for (const name of this.#begun.keys()) if (name.startsWith(prefix)) this.end(name);
  }

  /** Oldest first. */
  get left(): JournalEntry[] {
    return [...this.#begun.values()].flat().toSorted((a, b) => a.n - b.n);
  }
}

/** A refused request, and its retry. */
export interface Repeat {
  refused: JournalEntry;
  again?: JournalEntry;
  /** Whether the retry waited as long as the refusal said. */
  waited: boolean;
}

/** Tolerance for a client's timer that fires early by the emulator's clock. */
const EARLY_MS = 10;

/**
 * Finds the retries of the requests for which `isRefused` is true, oldest first, in the most favourable way: each request
 * retries at most one, preferably one whose wait was over, and rather too early than never.
 * @param waitMs wait after a refused request, from its arrival
 */
export function repeatsOf(
  run: Run,
  isRefused: (entry: JournalEntry) => boolean,
  waitMs: (refused: JournalEntry) => number,
): Repeat[] {
  return run.lives.flatMap((entries) => {
    const taken = new Set<JournalEntry>();
    const repeatOf = (refused: JournalEntry): Repeat => {
      const later = entries.filter((each) => each.n > refused.n && !taken.has(each) && asksAgain(refused, each));
      const waited = later.find((each) => each.at - refused.at >= waitMs(refused) - EARLY_MS);
      const again = waited ?? later[0];
      if (!again) return { refused, waited: false };
      taken.add(again);
      return { refused, again, waited: waited !== undefined };
    };
    // From the last: whatever may retry it may retry those before it too.
    return entries.filter(isRefused).toReversed().map(repeatOf).toReversed();
  });
}

/** A request that was refused before its body was read is matched by its key or, without one, by its operation. */
function asksAgain(refused: JournalEntry, later: JournalEntry): boolean {
  const { method, path, account, request, idempotency_key: key } = refused;
  if (later.method !== method || later.path !== path || later.account !== account) return false;
  if (key !== undefined && later.idempotency_key === key) return true;
  return request === undefined ? key === undefined : isSame(refused, later);
}
