import type { Database, Statement } from 'better-sqlite3';
import { lazy } from '../lazy.ts';
import { Blobs } from './blobs.ts';
import { BOUND_LIMIT, diskFault } from './database.ts';
import { PastWindows } from './past.ts';

/** Entries removed in one transaction: a few milliseconds of work. */
const ENTRIES_PER_SLICE = 400;
/** Answers and lists of tools removed in one transaction. */
const LEFTOVERS_PER_SLICE = 100;
const PAUSE_MS = 5;
const VACUUM_PAGES = 200;
/** Pages given back since the last checkpoint that are worth another: before one, the file is as long as it was. 1 MiB. */
const SHRINK_PAGES = 256;

/** The mark of a segment that past windows show, in memory only: the next process begins without them. */
const HELD = 2;

interface Pointer {
  head: number;
  floor: number;
}

/**
 * Removes what nothing points to any more, in slices, so that the file does not grow without bound. A segment is *dirty*
 * when a pointer into it has moved; the mark is stored, so that a restart continues where a kill interrupted the work.
 */
export class Collector {
  readonly #database: Database;
  readonly #sql: () => ReturnType<typeof statements>;
  readonly #past: PastWindows;
  /** Segments of which only past windows show something. */
  readonly #heldByPast = new Set<number>();
  /** The bytes that messages point to. */
  readonly blobs: Blobs;
  /** Whether a reset may have left unused answers and lists of tools; in a file, one before a kill may have. */
  #hasLeftovers: boolean;
  readonly #leftovers: () => ReturnType<typeof leftoverStatements>;
  #timer: NodeJS.Timeout | undefined;
  #holds = 0;
  #closed = false;
  /** Pages that were given back since the last checkpoint. */
  #released = 0;

  constructor(database: Database, past = new PastWindows(0)) {
    this.#database = database;
    this.#past = past;
    this.#sql = lazy(() => statements(database));
    this.#leftovers = lazy(() => leftoverStatements(database));
    // The process that looked at their past is gone.
    if (!database.memory) database.exec(`UPDATE segments SET dirty = 1 WHERE dirty = ${HELD}`);
    this.blobs = new Blobs(database, () => this.#schedule());
    this.#hasLeftovers = !database.memory;
    this.#schedule();
  }

  /** Marks a segment into which a pointer has moved or gone. Part of the caller's transaction. */
  markDirty(segment: number): void {
    this.#sql().mark.run(segment);
    this.#schedule();
  }

  /** The past is forgotten: what only past windows showed can go. Part of the caller's transaction. */
  releasePast(): void {
    for (const segment of this.#heldByPast) this.#sql().mark.run(segment);
    this.#heldByPast.clear();
    this.#schedule();
  }

  /** Schedules a look for leftovers: whole tables have been cleared of rows. */
  sweepLater(): void {
    this.#hasLeftovers = true;
    this.#schedule();
  }

  /**
   * Pauses collection while rows are written or read in several steps: nothing may point to them yet, or any more.
   * @returns a function that resumes it
   */
  pause(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      this.#schedule();
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Runs one slice of work. @returns whether more is left */
  slice(): boolean {
    const dirty = this.#sql().dirty.get();
    if (!dirty) {
      if (this.#sweepLeftovers() || this.blobs.sweep()) return true;
      return this.#vacuum();
    }
    this.#database.transaction(() => this.#collect(dirty.id))();
    return true;
  }

  /** Gives free pages back, and shortens the file once that is worth it. @returns whether more is left */
  #vacuum(): boolean {
    const before = this.#freePages;
    this.#database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    const after = this.#freePages;
    this.#released += before - after;
    // A file of an older version may have no vacuum at all.
    if (after > VACUUM_PAGES && after < before) return true;
    if (this.#released >= SHRINK_PAGES) {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
      this.#released = 0;
    }
    return false;
  }

  get #freePages(): number {
    return Number(this.#database.pragma('freelist_count', { simple: true }));
  }

  #sweepLeftovers(): boolean {
    if (!this.#hasLeftovers) return false;
    const { answers, toolsets } = this.#leftovers();
    const inPast = JSON.stringify([...this.#past.toolsets.keys()]);
    const removed =
      answers.run(LEFTOVERS_PER_SLICE).changes + toolsets.run({ inPast, limit: LEFTOVERS_PER_SLICE }).changes;
    this.#hasLeftovers = removed > 0;
    return this.#hasLeftovers;
  }

  #schedule(): void {
    if (this.#timer || this.#holds > 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#holds === 0 && !this.#closed && this.#attempt()) this.#schedule();
    }, PAUSE_MS);
    this.#timer.unref();
  }

  /** Nobody waits for a slice, so a failure (a full disk) must not end the process: the next mark tries again. */
  #attempt(): boolean {
    try {
      return this.slice();
    } catch (error) {
      console.error('kimi-emulator: unused rows could not be removed:', diskFault(error, this.#database.name) ?? error);
      return false;
    }
  }

  #collect(segment: number): void {
    const row = this.#sql().segment.get(segment);
    if (!row) return;
    const past = this.#past.pointers(segment);
    const pointers = [...this.#sql().pointers.all({ segment }), ...past];
    this.#heldByPast.delete(segment);
    const floor = pointers.reduce((least, pointer) => Math.min(least, pointer.floor), Number.MAX_SAFE_INTEGER);
    const head = pointers.reduce((most, pointer) => Math.max(most, pointer.head), 0);
    if (pointers.length > 0 && floor > row.kept_floor) {
      this.#sql().raiseFloor.run(floor, segment);
      if (row.parent !== null) this.#sql().mark.run(row.parent);
    }
    let budget = ENTRIES_PER_SLICE;
    for (const [from, to] of gaps(pointers)) {
      // Below the newest head, every window that ends later still sees the pinned entries.
      const dead = (from <= head ? this.#sql().deadUnheld : this.#sql().dead).all(segment, from, to, budget);
      for (const { seq, message } of dead) {
        this.#sql().deleteEntry.run(segment, seq);
        this.#sql().deleteMessage.run({ message });
      }
      budget -= dead.length;
      if (budget <= 0) return;
    }
    this.blobs.lookForUnused();
    if (past.length > 0) {
      this.#heldByPast.add(segment);
      this.#sql().hold.run(segment);
      return;
    }
    if (pointers.length > 0) {
      this.#sql().clean.run(segment);
      return;
    }
    this.#sql().deleteSegment.run(segment);
    if (row.parent !== null) this.#sql().mark.run(row.parent);
  }
}

/** The ranges of places that no pointer's window covers. */
function gaps(pointers: readonly Pointer[]): [number, number][] {
  const found: [number, number][] = [];
  let next = 1;
  for (const { floor, head } of pointers.toSorted((a, b) => a.floor - b.floor)) {
    if (floor > next) found.push([next, floor - 1]);
    next = Math.max(next, head + 1);
  }
  found.push([next, Number.MAX_SAFE_INTEGER]);
  return found;
}

function statements(database: Database) {
  const dead = (where: string) =>
    database.prepare<[number, number, number, number], { seq: number; message: number }>(
      `SELECT seq, message FROM entries WHERE segment = ? AND seq BETWEEN ? AND ? ${where} ${BOUND_LIMIT}`,
    );
  return {
    mark: database.prepare<[number]>('UPDATE segments SET dirty = 1 WHERE id = ?'),
    clean: database.prepare<[number]>('UPDATE segments SET dirty = 0 WHERE id = ?'),
    hold: database.prepare<[number]>(`UPDATE segments SET dirty = ${HELD} WHERE id = ?`),
    dirty: database.prepare<[], { id: number }>('SELECT id FROM segments WHERE dirty = 1 LIMIT 1'),
    segment: database.prepare<[number], { parent: number | null; kept_floor: number }>(
      'SELECT parent, kept_floor FROM segments WHERE id = ?',
    ),
    pointers: database.prepare<{ segment: number }, Pointer>(
      `SELECT head, floor FROM sessions WHERE segment = @segment
       UNION ALL SELECT archived_head, archived_floor FROM snapshots WHERE archived_segment = @segment
       UNION ALL SELECT restored_head, restored_floor FROM snapshots WHERE restored_segment = @segment
       UNION ALL SELECT head, floor FROM kept_sessions WHERE segment = @segment
       UNION ALL SELECT archived_head, archived_floor FROM kept_snapshots WHERE archived_segment = @segment
       UNION ALL SELECT restored_head, restored_floor FROM kept_snapshots WHERE restored_segment = @segment
       UNION ALL SELECT parent_seq, kept_floor FROM segments WHERE parent = @segment`,
    ),
    raiseFloor: database.prepare<[number, number]>('UPDATE segments SET kept_floor = ? WHERE id = ?'),
    dead: dead(''),
    deadUnheld: dead('AND held = 0'),
    deleteEntry: database.prepare<[number, number]>('DELETE FROM entries WHERE segment = ? AND seq = ?'),
    deleteMessage: database.prepare(
      'DELETE FROM messages WHERE id = @message AND NOT EXISTS (SELECT 1 FROM entries WHERE message = @message)',
    ),
    deleteSegment: database.prepare<[number]>('DELETE FROM segments WHERE id = ?'),
  };
}

/** What a reset leaves behind besides segments: answers of earlier states, and lists of tools that nothing uses. */
function leftoverStatements(database: Database): {
  answers: Statement<[limit: number]>;
  toolsets: Statement<{ inPast: string; limit: number }>;
} {
  return {
    answers: database.prepare(
      `DELETE FROM answers WHERE rowid IN (
         SELECT rowid FROM answers WHERE generation <> ifnull((SELECT value FROM meta WHERE name = 'generation'), 0) ${BOUND_LIMIT})`,
    ),
    toolsets: database.prepare(
      `DELETE FROM toolsets WHERE id IN (
         SELECT id FROM toolsets t
         WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM snapshots WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM kept_sessions WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM kept_snapshots WHERE toolset = t.id)
           AND id NOT IN (SELECT value FROM json_each(@inPast)) LIMIT @limit + 0)`,
    ),
  };
}
