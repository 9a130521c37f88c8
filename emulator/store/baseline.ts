import type { Database, Statement } from 'better-sqlite3';
import type { Collector } from './collector.ts';
import type { View } from './entries.ts';
import type { History } from './history.ts';
import { MAX_DEPTH } from './segments.ts';

type SavedSession = View & { id: string };

/**
 * The state that a reset returns to: copied rows of pointers (the tables `kept_*`), so that saving and restoring cost the same
 * whatever the windows hold. Messages are never overwritten, and the collector keeps what a saved row points to.
 */
export class Baseline {
  readonly #history: History;
  readonly #collector: Collector;
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database, history: History, collector: Collector) {
    this.#history = history;
    this.#collector = collector;
    this.#sql = statements(database);
  }

  /** Saves the present state. Part of the caller's transaction. */
  save(): void {
    for (const step of this.#sql.clear) step.run();
    for (const step of this.#sql.copy) step.run();
    this.#collector.blobs.lookForUnused();
    // A restored session needs a branch, and a window at the greatest depth cannot have one.
    for (const { id, ...view } of this.#sql.tooDeep.all(MAX_DEPTH)) {
      const { segment, head, floor } = this.#history.rewrite(this.#history.window(view));
      this.#sql.move.run(segment, head, floor, id);
    }
    this.#collector.sweepLater();
  }

  /** Returns to the saved state, or to an empty one. Part of the caller's transaction. */
  restore(): void {
    const steps = this.#sql.isSaved.get() ? this.#sql.drop : this.#sql.dropAll;
    for (const step of steps) step.run();
    for (const saved of this.#sql.changed.all()) {
      // Entries written after the saved head are still there until they are collected, so the session continues elsewhere.
      const { segment, head, floor } = this.#history.branch(saved);
      this.#sql.restoreSession.run(segment, head, floor, saved.id);
    }
    this.#sql.restoreSnapshots.run();
    this.#sql.restoreFiles.run();
    this.#collector.blobs.lookForUnused();
    this.#collector.sweepLater();
  }
}

/** `ord` is never reused, and every change of a session increments its version. */
const SESSION_CHANGED = `NOT EXISTS (
  SELECT 1 FROM kept_sessions k WHERE k.ord = sessions.ord AND k.version = sessions.version)`;
/** Of a snapshot only its share changes. */
const SHARES = (table: string) => `SELECT ord, share_id, share_expires_at FROM ${table} WHERE share_id IS NOT NULL`;
const SNAPSHOT_CHANGED = `ord > ifnull((SELECT max(ord) FROM kept_snapshots), 0) OR ord IN (
  SELECT ord FROM (${SHARES('snapshots')} EXCEPT ${SHARES('kept_snapshots')})
  UNION SELECT ord FROM (${SHARES('kept_snapshots')} EXCEPT ${SHARES('snapshots')}))`;
const SESSION_COLUMNS = `ord, id, account, model, title, metadata, toolset, version, calls, forked_from, created_at,
  updated_at, segment, head, floor, tokens, messages`;

function statements(database: Database) {
  const all = (...texts: string[]): Statement<[]>[] => texts.map((text) => database.prepare<[]>(text));
  const markPointed = (sessions: string, snapshots: string, where: readonly [string, string] = ['1', '1']) =>
    `UPDATE segments SET dirty = 1 WHERE id IN (
       SELECT segment FROM ${sessions} WHERE ${where[0]}
       UNION SELECT archived_segment FROM ${snapshots} WHERE ${where[1]}
       UNION SELECT restored_segment FROM ${snapshots} WHERE ${where[1]})`;
  return {
    clear: all(
      markPointed('kept_sessions', 'kept_snapshots'),
      'DELETE FROM kept_sessions',
      'DELETE FROM kept_snapshots',
      'DELETE FROM kept_files',
    ),
    copy: all(
      'INSERT INTO kept_sessions SELECT * FROM sessions',
      'INSERT INTO kept_snapshots SELECT * FROM snapshots',
      'INSERT INTO kept_files SELECT * FROM files',
    ),
    tooDeep: database.prepare<[number], SavedSession>(
      `SELECT k.id, k.segment, k.head, k.floor, k.tokens, k.messages
       FROM kept_sessions k JOIN segments s ON s.id = k.segment WHERE s.depth >= ?`,
    ),
    move: database.prepare<[number, number, number, string]>(
      'UPDATE kept_sessions SET segment = ?, head = ?, floor = ? WHERE id = ?',
    ),
    isSaved: database.prepare<[], unknown>(
      `SELECT 1 FROM kept_sessions UNION ALL SELECT 1 FROM kept_snapshots UNION ALL SELECT 1 FROM kept_files LIMIT 1`,
    ),
    // Without WHERE, SQLite drops whole pages.
    dropAll: all(
      'UPDATE segments SET dirty = 1 WHERE dirty <> 1',
      'DELETE FROM sessions',
      'DELETE FROM snapshots',
      'DELETE FROM files',
    ),
    drop: all(
      markPointed('sessions', 'snapshots', [SESSION_CHANGED, SNAPSHOT_CHANGED]),
      'DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM kept_sessions k WHERE k.ord = sessions.ord)',
      `DELETE FROM snapshots WHERE ${SNAPSHOT_CHANGED}`,
      'DELETE FROM files WHERE NOT EXISTS (SELECT 1 FROM kept_files k WHERE k.ord = files.ord)',
    ),
    changed: database.prepare<[], SavedSession>(
      `SELECT id, segment, head, floor, tokens, messages FROM kept_sessions k
       WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.ord = k.ord AND s.version = k.version) ORDER BY ord`,
    ),
    restoreSession: database.prepare<[number, number, number, string]>(
      `INSERT INTO sessions (${SESSION_COLUMNS})
       SELECT ord, id, account, model, title, metadata, toolset, version, calls, forked_from, created_at,
         updated_at, ?, ?, ?, tokens, messages FROM kept_sessions WHERE id = ?
       ON CONFLICT (ord) DO UPDATE SET title = excluded.title, metadata = excluded.metadata, toolset = excluded.toolset,
         version = excluded.version, calls = excluded.calls, updated_at = excluded.updated_at,
         segment = excluded.segment, head = excluded.head, floor = excluded.floor, tokens = excluded.tokens,
         messages = excluded.messages`,
    ),
    restoreFiles: database.prepare<[]>(
      'INSERT INTO files SELECT * FROM kept_files k WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.ord = k.ord)',
    ),
    restoreSnapshots: database.prepare<[]>(
      `INSERT INTO snapshots SELECT * FROM kept_snapshots k
       WHERE NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.ord = k.ord)`,
    ),
  };
}
