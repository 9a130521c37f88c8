import type { Limits } from '../../contract/limits.ts';
import type { JournalEntry } from '../journal/entries.ts';
import type { JournalFile } from '../journal/journal-file.ts';

/** A journal, by what rules ask of it. */
export class Run {
  readonly limits: Limits;
  /** Requests, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** The same, cut where a reset put all state back: what came after one continues nothing of what came before. */
  readonly lives: readonly (readonly JournalEntry[])[];
  /** Number of the line that the last reset left; 0 without one. */
  readonly lastReset: number;
  readonly dropped: number;
  /** Whether time went on by itself, so that two requests of one instant had nothing between them. */
  readonly clockRuns: boolean;
  /** What it was billed by; absent where its journal does not say. */
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

  /** Requests of each session that any named. The same id behind a reset is another session: a seed gives it out again. */
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
   * Requests that say the same as an earlier one that `isFirst`, with no reset between.
   * @param excuses whether a request between the two is a reason to ask again
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

  refused(...codes: string[]): JournalEntry[] {
    return this.entries.filter(({ code }) => code !== undefined && codes.includes(code));
  }

  /** Milliseconds from the first request to the last, on the emulator's clock; without what a reset takes back of it. */
  get durationMs(): number {
    return this.lives.reduce((sum, life) => sum + (life.at(-1)?.at ?? 0) - (life[0]?.at ?? 0), 0);
  }

  isBeforeReset({ n }: JournalEntry): boolean {
    return n < this.lastReset;
  }
}

function livesOf(entries: readonly JournalEntry[]): JournalEntry[][] {
  const lives: JournalEntry[][] = [[]];
  for (const entry of entries) {
    if (entry.facts.reset) lives.push([]);
    else lives.at(-1)?.push(entry);
  }
  return lives;
}

/** Whether two requests say the same, as far as the journal kept them. Of a streamed append it kept how much was written. */
export function isSame(one: JournalEntry, other: JournalEntry): boolean {
  if (one.method !== other.method || one.path !== other.path || one.account !== other.account) return false;
  const { wrote } = one.facts;
  if (wrote?.lines !== undefined)
    return wrote.lines === other.facts.wrote?.lines && wrote.tokens === other.facts.wrote.tokens;
  if (one.operation === 'appendMessages' && one.request === undefined) return false;
  return one.request === other.request && one.request_bytes === other.request_bytes;
}

/** What was begun and never ended, by name. A name that comes again, as a seed's do behind a reset, is ended for its last beginning. */
export class Pending {
  readonly #begun = new Map<string, JournalEntry[]>();

  begin(name: string, entry: JournalEntry): void {
    this.#begun.set(name, [...(this.#begun.get(name) ?? []), entry]);
  }

  end(name: string): void {
    this.#begun.get(name)?.pop();
  }

  /** Ends whatever has a name that begins so. */
  endAll(prefix: string): void {
    for (const name of this.#begun.keys()) if (name.startsWith(prefix)) this.end(name);
  }

  /** Oldest first. */
  get left(): JournalEntry[] {
    return [...this.#begun.values()].flat().toSorted((a, b) => a.n - b.n);
  }
}

/** A request that was refused, and the one that asked for the same again. */
export interface Repeat {
  refused: JournalEntry;
  again?: JournalEntry;
  /** Whether as long was waited as the refusal said. */
  waited: boolean;
}

/** By how much a timer of the client may be early against the emulator's clock. */
const EARLY_MS = 10;

/**
 * What came again of the requests that `isRefused`, oldest first, in the kindest reading: each request repeats one at most,
 * rather one whose wait was over than one that was still to wait, and rather too early than never.
 * @param waitMs of a refusal, from its request on
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
    // From the last: whatever may repeat it may repeat those before it as well.
    return entries.filter(isRefused).toReversed().map(repeatOf).toReversed();
  });
}

/** A request that was refused before it was read is told by its key or, without one, by what it was for. */
function asksAgain(refused: JournalEntry, later: JournalEntry): boolean {
  const { method, path, account, request, idempotency_key: key } = refused;
  if (later.method !== method || later.path !== path || later.account !== account) return false;
  if (key !== undefined && later.idempotency_key === key) return true;
  return request === undefined ? key === undefined : isSame(refused, later);
}
