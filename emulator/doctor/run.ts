import type { Limits } from '../../contract/limits.ts';
import type { JournalEntry } from '../journal/describe.ts';
import type { JournalFile } from '../journal/journal-file.ts';

/** A journal, by what rules ask of it. */
export class Run {
  readonly limits: Limits;
  /** Requests, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** The same, cut where a reset put all state back: what came after one continues nothing of what came before. */
  readonly lives: readonly (readonly JournalEntry[])[];
  /** Those since all state was last put back. */
  readonly sinceReset: readonly JournalEntry[];
  readonly dropped: number;
  /** Whether time went on by itself, so that two requests of one instant had nothing between them. */
  readonly clockRuns: boolean;

  constructor({ entries, configuration, dropped }: Pick<JournalFile, 'entries' | 'configuration' | 'dropped'>) {
    this.limits = configuration.limits;
    this.dropped = dropped;
    this.clockRuns = configuration.clock === 'system';
    this.entries = entries.filter(({ facts }) => facts.reset === undefined);
    this.lives = livesOf(entries);
    this.sinceReset = entries.slice(entries.findLastIndex(({ facts }) => facts.reset === true) + 1);
  }

  /** Those that named a session, by it. A session that a reset took away and one made since never share an id. */
  bySession(): Map<string, JournalEntry[]> {
    const sessions = new Map<string, JournalEntry[]>();
    for (const entry of this.entries) {
      if (entry.session === undefined) continue;
      const own = sessions.get(entry.session) ?? [];
      own.push(entry);
      sessions.set(entry.session, own);
    }
    return sessions;
  }

  refused(...codes: string[]): JournalEntry[] {
    return this.entries.filter(({ code }) => code !== undefined && codes.includes(code));
  }

  /** Milliseconds from the first request to the last, on the emulator's clock; 0 where it stood still. */
  get durationMs(): number {
    return (this.entries.at(-1)?.at ?? 0) - (this.entries[0]?.at ?? 0);
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

/** Whether two requests say the same, as far as the journal kept them. */
export function isSame(one: JournalEntry, other: JournalEntry): boolean {
  return (
    one.method === other.method &&
    one.path === other.path &&
    one.account === other.account &&
    one.request === other.request &&
    one.request_bytes === other.request_bytes
  );
}
