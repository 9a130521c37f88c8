import type { Database } from 'better-sqlite3';
import { BOUND_LIMIT } from './database.ts';
import { type Entry, historyStatements, type StoredMessage, toStoredMessage, toValues } from './entries.ts';

/** Where a message stands in a segment. */
type Place = Pick<Entry, 'seq' | 'message' | 'tokens' | 'group' | 'pinned' | 'held' | 'reasoning' | 'border'>;
type PlaceColumns = Omit<Place, 'pinned' | 'held' | 'border'> & Record<'pinned' | 'held' | 'border', number>;

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

  /** How many sessions there are. */
  countSessions(): number {
    return this.#sql.countSessions.get()?.count ?? 0;
  }

  /** The same of snapshots: of all, or of those that were taken of one session. */
  snapshots(session?: { id: string; account: string }): { id: string; account: string }[] {
    return session ? this.#sql.snapshotsOf.all(session.id, session.account) : this.#sql.snapshots.all();
  }

  /** A snapshot of whatever account. */
  snapshot(id: string): { id: string; account: string } | undefined {
    return this.#sql.snapshot.all(id)[0];
  }

  /** Which of these ids of sessions, snapshots, shares and files are taken, by whatever account. */
  taken(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#sql.taken.get(id, id, id, id) !== undefined);
  }

  /** Entries of a segment from one place to another, whether or not anything shows them; so many at most. */
  entries(segment: number, from: number, to: number, limit: number): StoredMessage[] {
    return this.#sql.entries.all(segment, from, to, limit).map(toStoredMessage);
  }

  /** The same without what they say. */
  places(segment: number, from: number, to: number, limit: number): Place[] {
    return this.#sql.places
      .all(segment, from, to, limit)
      .map((row) => ({ ...row, pinned: row.pinned === 1, held: row.held === 1, border: row.border === 1 }));
  }

  insertMessage({ id, body, truncated, summary, createdAt }: Omit<StoredMessage, keyof Entry>): number {
    return this.#sql.insertMessage(body, id, truncated ? 1 : 0, summary ? 1 : 0, createdAt);
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
    countSessions: database.prepare<[], { count: number }>('SELECT count(*) AS count FROM sessions'),
    snapshots: ids('snapshots'),
    snapshot: ids('snapshots WHERE id = ?'),
    snapshotsOf: ids('snapshots WHERE session_id = ? AND account = ?'),
    taken: database.prepare<[string, string, string, string], unknown>(
      `SELECT 1 FROM sessions WHERE id = ? UNION ALL SELECT 1 FROM snapshots WHERE id = ?
       UNION ALL SELECT 1 FROM snapshots WHERE share_id = ? UNION ALL SELECT 1 FROM files WHERE id = ?`,
    ),
    entries: history.read(false, true),
    places: database.prepare<[segment: number, from: number, to: number, limit: number], PlaceColumns>(
      `SELECT seq, message, tokens, group_seq AS "group", pinned, held, reasoning, border FROM entries
       WHERE segment = ? AND seq BETWEEN ? AND ? ORDER BY seq ${BOUND_LIMIT}`,
    ),
    insertMessage: history.insertMessage,
    insertEntry: history.insertEntry,
  };
}
