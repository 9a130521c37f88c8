import type { Database } from 'better-sqlite3';
import type { View } from './history-rows.ts';

export type ForkOrigin = { snapshot_id: string } | { share_id: string };

export interface SessionRow {
  ord: number;
  id: string;
  account: string;
  model: string;
  title: string | null;
  metadata: Record<string, string>;
  /** Id of the session's tools; null where it has none. */
  toolset: number | null;
  version: number;
  /** Tool calls issued over the session's life. */
  calls: number;
  forkedFrom: ForkOrigin | null;
  createdAt: number;
  updatedAt: number;
  view: View;
}

interface Columns extends View {
  ord: number;
  id: string;
  account: string;
  model: string;
  title: string | null;
  metadata: string;
  toolset: number | null;
  version: number;
  calls: number;
  forked_from: string | null;
  created_at: number;
  updated_at: number;
}

export class SessionRows {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  insert(session: Omit<SessionRow, 'ord'>): void {
    this.#sql.insert.run(toColumns(session));
  }

  update(session: SessionRow): void {
    this.#sql.update.run(toColumns(session));
  }

  /** Stores only how far the window has moved on within its segment: what most changes are. */
  advance({ id, version, updatedAt, calls, view: { head, floor, tokens, messages } }: SessionRow): void {
    this.#sql.advance.run({ id, version, updated_at: updatedAt, calls, head, floor, tokens, messages });
  }

  delete(id: string): void {
    this.#sql.delete.run(id);
  }

  /** A session of the account; another account's is not found. */
  find(account: string, id: string): SessionRow | undefined {
    const row = this.#sql.find.get(id, account);
    return row && toRow(row);
  }

  count(account: string): number {
    return this.#sql.count.get(account)?.count ?? 0;
  }

  page(account: string, after: number | undefined, order: 'asc' | 'desc', limit: number): SessionRow[] {
    if (order === 'asc') return this.#sql.ascending.all(account, after ?? 0, limit).map(toRow);
    return this.#sql.descending.all(account, after ?? Number.MAX_SAFE_INTEGER, limit).map(toRow);
  }
}

function toColumns({ view, metadata, forkedFrom, createdAt, updatedAt, ...rest }: Omit<SessionRow, 'ord'>) {
  return {
    ...rest,
    ...view,
    metadata: JSON.stringify(metadata),
    forked_from: forkedFrom && JSON.stringify(forkedFrom),
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

function toRow(row: Columns): SessionRow {
  const { segment, head, floor, tokens, messages } = row;
  return {
    ord: row.ord,
    id: row.id,
    account: row.account,
    model: row.model,
    title: row.title,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    toolset: row.toolset,
    version: row.version,
    calls: row.calls,
    forkedFrom: row.forked_from === null ? null : (JSON.parse(row.forked_from) as ForkOrigin),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    view: { segment, head, floor, tokens, messages },
  };
}

function statements(database: Database) {
  return {
    insert: database.prepare(
      `INSERT INTO sessions (id, account, model, title, metadata, toolset, version, calls, forked_from,
         created_at, updated_at, segment, head, floor, tokens, messages)
       VALUES (@id, @account, @model, @title, @metadata, @toolset, @version, @calls, @forked_from,
         @created_at, @updated_at, @segment, @head, @floor, @tokens, @messages)`,
    ),
    update: database.prepare(
      `UPDATE sessions SET title = @title, metadata = @metadata, toolset = @toolset, version = @version, calls = @calls,
         updated_at = @updated_at, segment = @segment, head = @head, floor = @floor, tokens = @tokens,
         messages = @messages
       WHERE id = @id`,
    ),
    advance: database.prepare(
      `UPDATE sessions SET version = @version, updated_at = @updated_at, calls = @calls, head = @head, floor = @floor,
         tokens = @tokens, messages = @messages
       WHERE id = @id`,
    ),
    delete: database.prepare<[string]>('DELETE FROM sessions WHERE id = ?'),
    find: database.prepare<[string, string], Columns>('SELECT * FROM sessions WHERE id = ? AND account = ?'),
    count: database.prepare<[string], { count: number }>('SELECT count(*) AS count FROM sessions WHERE account = ?'),
    ascending: database.prepare<[string, number, number], Columns>(
      'SELECT * FROM sessions WHERE account = ? AND ord > ? ORDER BY ord LIMIT ?',
    ),
    descending: database.prepare<[string, number, number], Columns>(
      'SELECT * FROM sessions WHERE account = ? AND ord < ? ORDER BY ord DESC LIMIT ?',
    ),
  };
}
