import type { Database } from 'better-sqlite3';
import { type Entry, type StoredMessage, toStoredMessage, toValues } from './history-rows.ts';
import { historyStatements } from './history-statements.ts';

/** Rows below the windows, for whoever carries a state from one database to another. Made for one such errand. */
export class PortableRows {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  /** Ids of all sessions with their accounts, in the order in which they were made; or of one. */
  sessions(id?: string): { id: string; account: string }[] {
    return id === undefined ? this.#sql.sessions.all() : this.#sql.session.all(id);
  }

  /** The same of snapshots: of all, or of those that were taken of one session. */
  snapshots(session?: { id: string; account: string }): { id: string; account: string }[] {
    return session ? this.#sql.snapshotsOf.all(session.id, session.account) : this.#sql.snapshots.all();
  }

  /** Which of these ids of sessions, snapshots and shares are taken, by whatever account. */
  taken(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#sql.taken.get(id, id, id) !== undefined);
  }

  /** All entries of a segment up to `to`, whether or not anything shows them. */
  entries(segment: number, to: number): StoredMessage[] {
    return this.#sql.entries.all(segment, 1, to, -1).map(toStoredMessage);
  }

  insertMessage({ id, body, truncated, summary, createdAt }: Omit<StoredMessage, keyof Entry>): number {
    const { lastInsertRowid } = this.#sql.insertMessage.run(
      id,
      body.role,
      JSON.stringify(body),
      truncated ? 1 : 0,
      summary ? 1 : 0,
      createdAt,
    );
    return Number(lastInsertRowid);
  }

  insertEntry(segment: number, entry: Entry): void {
    this.#sql.insertEntry.run(...toValues(segment, entry));
  }
}

function statements(database: Database) {
  const history = historyStatements(database);
  const ids = (where: string) =>
    database.prepare<string[], { id: string; account: string }>(`SELECT id, account FROM ${where} ORDER BY ord`);
  return {
    sessions: ids('sessions'),
    session: ids('sessions WHERE id = ?'),
    snapshots: ids('snapshots'),
    snapshotsOf: ids('snapshots WHERE session_id = ? AND account = ?'),
    taken: database.prepare<[string, string, string], unknown>(
      `SELECT 1 FROM sessions WHERE id = ? UNION ALL SELECT 1 FROM snapshots WHERE id = ?
       UNION ALL SELECT 1 FROM snapshots WHERE share_id = ?`,
    ),
    entries: history.read(false, true),
    insertMessage: history.insertMessage,
    insertEntry: history.insertEntry,
  };
}
