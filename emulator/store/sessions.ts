import type { Database } from 'better-sqlite3';
import type { Tool } from '../../contract/messages.ts';
import { lazy } from '../lazy.ts';
import { BOUND_LIMIT } from './database.ts';
import type { View } from './entries.ts';

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

/** A row as an array, in this order: to make an object of it in SQLite's binding takes twice the time of reading it. */
const COLUMNS = `ord, id, account, model, title, metadata, toolset, version, calls, forked_from, created_at, updated_at,
  segment, head, floor, tokens, messages`;
type Columns = [
  ord: number,
  id: string,
  account: string,
  model: string,
  title: string | null,
  metadata: string,
  toolset: number | null,
  version: number,
  calls: number,
  forkedFrom: string | null,
  createdAt: number,
  updatedAt: number,
  segment: number,
  head: number,
  floor: number,
  tokens: number,
  messages: number,
];

export class SessionRows {
  readonly #sql: ReturnType<typeof sessionStatements>;

  constructor(database: Database) {
    this.#sql = sessionStatements(database);
  }

  insert(session: Omit<SessionRow, 'ord'>): void {
    this.#sql.insert.run(toColumns(session));
  }

  update(session: SessionRow): void {
    this.#sql.update.run(toColumns(session));
  }

  /** Stores only how far the window has moved on within its segment: what most changes are. */
  advance({ id, version, updatedAt, calls, view: { head, floor, tokens, messages } }: SessionRow): void {
    this.#sql.advance.run(version, updatedAt, calls, head, floor, tokens, messages, id);
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
  const [ord, id, account, model, title, metadata, toolset, version, calls, forkedFrom, createdAt, updatedAt] = row;
  const [, , , , , , , , , , , , segment, head, floor, tokens, messages] = row;
  return {
    ord,
    id,
    account,
    model,
    title,
    metadata: JSON.parse(metadata) as Record<string, string>,
    toolset,
    version,
    calls,
    forkedFrom: forkedFrom === null ? null : (JSON.parse(forkedFrom) as ForkOrigin),
    createdAt,
    updatedAt,
    view: { segment, head, floor, tokens, messages },
  };
}

function sessionStatements(database: Database) {
  return {
    insert: database.prepare(
      `INSERT INTO sessions (id, account, model, title, metadata, toolset, version, calls, forked_from,
         created_at, updated_at, segment, head, floor, tokens, messages)
       VALUES (@id, @account, @model, @title, @metadata, @toolset, @version, @calls, @forked_from,
         @created_at, @updated_at, @segment, @head, @floor, @tokens, @messages)`,
    ),
    update: database.prepare(
      `UPDATE sessions SET model = @model, title = @title, metadata = @metadata, toolset = @toolset, version = @version, calls = @calls,
         updated_at = @updated_at, segment = @segment, head = @head, floor = @floor, tokens = @tokens,
         messages = @messages
       WHERE id = @id`,
    ),
    advance: database.prepare<[number, number, number, number, number, number, number, string]>(
      `UPDATE sessions SET version = ?, updated_at = ?, calls = ?, head = ?, floor = ?, tokens = ?, messages = ?
       WHERE id = ?`,
    ),
    delete: database.prepare<[string]>('DELETE FROM sessions WHERE id = ?'),
    find: database
      .prepare<[string, string], Columns>(`SELECT ${COLUMNS} FROM sessions WHERE id = ? AND account = ?`)
      .raw(),
    count: database.prepare<[string], { count: number }>('SELECT count(*) AS count FROM sessions WHERE account = ?'),
    ascending: database
      .prepare<[string, number, number], Columns>(
        `SELECT ${COLUMNS} FROM sessions WHERE account = ? AND ord > ? ORDER BY ord ${BOUND_LIMIT}`,
      )
      .raw(),
    descending: database
      .prepare<[string, number, number], Columns>(
        `SELECT ${COLUMNS} FROM sessions WHERE account = ? AND ord < ? ORDER BY ord DESC ${BOUND_LIMIT}`,
      )
      .raw(),
  };
}

export interface Toolset {
  tools: Tool[];
  tokens: number;
}

const NONE: Toolset = { tools: [], tokens: 0 };

/** Lists of tools, immutable, so that a snapshot of a session copies only an id. */
export class Toolsets {
  readonly #sql: () => ReturnType<typeof toolsetStatements>;
  readonly #inPast: { has(id: number): boolean };

  /** @param inPast lists that past windows have */
  constructor(database: Database, inPast: { has(id: number): boolean } = new Set()) {
    this.#sql = lazy(() => toolsetStatements(database));
    this.#inPast = inPast;
  }

  insert({ tools, tokens }: Toolset): number | null {
    if (tools.length === 0) return null;
    return Number(this.#sql().insert.run(JSON.stringify(tools), tokens).lastInsertRowid);
  }

  /** Its tools are parsed when they are asked for, so that a list of sessions is written in slices. */
  read(id: number | null): Toolset {
    const row = id === null ? undefined : this.#sql().read.get(id);
    if (!row) return NONE;
    const tools = lazy(() => JSON.parse(row.tools) as Tool[]);
    return {
      tokens: row.tokens,
      get tools() {
        return tools();
      },
    };
  }

  tokens(id: number | null): number {
    return id === null ? 0 : (this.#sql().tokens.get(id)?.tokens ?? 0);
  }

  /** Forgets a list that no session, no snapshot and no past window uses any more. */
  release(id: number | null): void {
    if (id !== null && !this.#inPast.has(id)) this.#sql().release.run({ id });
  }
}

function toolsetStatements(database: Database) {
  return {
    insert: database.prepare<[string, number]>('INSERT INTO toolsets (tools, tokens) VALUES (?, ?)'),
    read: database.prepare<[number], { tools: string; tokens: number }>(
      'SELECT tools, tokens FROM toolsets WHERE id = ?',
    ),
    tokens: database.prepare<[number], { tokens: number }>('SELECT tokens FROM toolsets WHERE id = ?'),
    release: database.prepare(
      `DELETE FROM toolsets WHERE id = @id
         AND NOT EXISTS (SELECT 1 FROM sessions WHERE toolset = @id)
         AND NOT EXISTS (SELECT 1 FROM snapshots WHERE toolset = @id)
         AND NOT EXISTS (SELECT 1 FROM kept_sessions WHERE toolset = @id)
         AND NOT EXISTS (SELECT 1 FROM kept_snapshots WHERE toolset = @id)`,
    ),
  };
}
