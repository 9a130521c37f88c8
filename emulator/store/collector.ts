import type { Database } from 'better-sqlite3';
import { diskFault } from './database.ts';
import { Leftovers } from './leftovers.ts';

/** Entries removed in one transaction: a few milliseconds of work. */
const SLICE = 400;
const PAUSE_MS = 5;
const VACUUM_PAGES = 200;

interface Pointer {
  head: number;
  floor: number;
}

/**
 * Collects what nothing points to any more, in slices, so that the file does not grow without bound. A segment is *dirty*
 * when a pointer into it has moved; the mark is stored, so that a restart goes on where a kill left off.
 */
export class Collector {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof statements>;
  /** Present while a reset may have left more behind than segments; a kill may have come before it was removed. */
  #leftovers: Leftovers | 'to be looked for' | undefined;
  #timer: NodeJS.Timeout | undefined;
  #holds = 0;
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
    this.#sql = statements(database);
    this.#leftovers = database.memory ? undefined : 'to be looked for';
    this.#schedule();
  }

  /** Says that a pointer into `segment` has moved or gone. Part of the caller's transaction. */
  touch(segment: number): void {
    this.#sql.mark.run(segment);
    this.#schedule();
  }

  /** Says that whole tables have been cleared of rows. */
  wake(): void {
    this.#leftovers ??= 'to be looked for';
    this.#schedule();
  }

  /**
   * Leaves everything where it is for as long as it takes to write or read it in several steps: nothing may point to it yet, or
   * any more.
   * @returns what ends it
   */
  hold(): () => void {
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

  /** One slice of work. True where more is left. */
  slice(): boolean {
    const dirty = this.#sql.dirty.get();
    if (!dirty) {
      if (this.#sweepLeftovers()) return true;
      this.#database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
      return Number(this.#database.pragma('freelist_count', { simple: true })) > VACUUM_PAGES;
    }
    this.#database.transaction(() => this.#collect(dirty.id))();
    return true;
  }

  #sweepLeftovers(): boolean {
    if (this.#leftovers === undefined) return false;
    if (this.#leftovers === 'to be looked for') this.#leftovers = new Leftovers(this.#database);
    const more = this.#leftovers.sweep();
    if (!more) this.#leftovers = undefined;
    return more;
  }

  #schedule(): void {
    if (this.#timer || this.#holds > 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#holds === 0 && !this.#closed && this.#attempt()) this.#schedule();
    }, PAUSE_MS);
    this.#timer.unref();
  }

  /** Nobody waits for a slice, so that its failure (a full disk) must not end the process: the next touch tries again. */
  #attempt(): boolean {
    try {
      return this.slice();
    } catch (error) {
      console.error('kimi-emulator: unused rows could not be removed:', diskFault(error, this.#database.name) ?? error);
      return false;
    }
  }

  #collect(segment: number): void {
    const row = this.#sql.segment.get(segment);
    if (!row) return;
    const pointers = this.#sql.pointers.all({ segment });
    const floor = pointers.reduce((least, pointer) => Math.min(least, pointer.floor), Number.MAX_SAFE_INTEGER);
    const head = pointers.reduce((most, pointer) => Math.max(most, pointer.head), 0);
    if (pointers.length > 0 && floor > row.kept_floor) {
      this.#sql.raiseFloor.run(floor, segment);
      if (row.parent !== null) this.#sql.mark.run(row.parent);
    }
    let budget = SLICE;
    for (const [from, to] of gaps(pointers)) {
      // Behind a floor, pins are seen by every window that ends later.
      const dead = (from <= head ? this.#sql.deadUnheld : this.#sql.dead).all(segment, from, to, budget);
      for (const { seq, message } of dead) {
        this.#sql.deleteEntry.run(segment, seq);
        this.#sql.deleteMessage.run({ message });
      }
      budget -= dead.length;
      if (budget <= 0) return;
    }
    if (pointers.length > 0) {
      this.#sql.clean.run(segment);
      return;
    }
    this.#sql.deleteSegment.run(segment);
    if (row.parent !== null) this.#sql.mark.run(row.parent);
  }
}

/** The stretches of places that no pointer's window covers. */
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
      `SELECT seq, message FROM entries WHERE segment = ? AND seq BETWEEN ? AND ? ${where} LIMIT ?`,
    );
  return {
    mark: database.prepare<[number]>('UPDATE segments SET dirty = 1 WHERE id = ?'),
    clean: database.prepare<[number]>('UPDATE segments SET dirty = 0 WHERE id = ?'),
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
