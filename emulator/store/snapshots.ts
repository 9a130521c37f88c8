import type { Database, Statement } from 'better-sqlite3';
import { lazy } from '../lazy.ts';
import { BOUND_LIMIT } from './database.ts';
import type { View } from './entries.ts';

export interface SnapshotRow {
  ord: number;
  id: string;
  account: string;
  sessionId: string;
  model: string;
  name: string | null;
  metadata: Record<string, string>;
  toolset: number | null;
  calls: number;
  preserveLen: number | null;
  createdAt: number;
  share: { id: string; expiresAt: number | null } | null;
  /** The whole window as it was. */
  archived: View;
  /** What a restore brings back. */
  restored: View;
}

interface Columns {
  ord: number;
  id: string;
  account: string;
  session_id: string;
  model: string;
  name: string | null;
  metadata: string;
  toolset: number | null;
  calls: number;
  preserve_len: number | null;
  created_at: number;
  share_id: string | null;
  share_expires_at: number | null;
  archived_segment: number;
  archived_head: number;
  archived_floor: number;
  archived_tokens: number;
  archived_messages: number;
  restored_segment: number;
  restored_head: number;
  restored_floor: number;
  restored_tokens: number;
  restored_messages: number;
}

interface SnapshotPage {
  account: string;
  sessionId?: string;
  after?: number;
  order: 'asc' | 'desc';
  limit: number;
}

export class SnapshotRows {
  readonly #sql: () => ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = lazy(() => statements(database));
  }

  insert(snapshot: Omit<SnapshotRow, 'ord' | 'share'>): void {
    this.#sql().insert.run({
      id: snapshot.id,
      account: snapshot.account,
      session_id: snapshot.sessionId,
      model: snapshot.model,
      name: snapshot.name,
      metadata: JSON.stringify(snapshot.metadata),
      toolset: snapshot.toolset,
      calls: snapshot.calls,
      preserve_len: snapshot.preserveLen,
      created_at: snapshot.createdAt,
      ...viewColumns('archived', snapshot.archived),
      ...viewColumns('restored', snapshot.restored),
    });
  }

  share(id: string, share: SnapshotRow['share']): void {
    this.#sql().share.run(share?.id ?? null, share?.expiresAt ?? null, id);
  }

  delete(id: string): void {
    this.#sql().delete.run(id);
  }

  find(account: string, id: string): SnapshotRow | undefined {
    const row = this.#sql().find.get(id, account);
    return row && toRow(row);
  }

  /** A shared snapshot of any account. Whether the share has expired is the caller's to judge. */
  findShared(shareId: string): SnapshotRow | undefined {
    const row = this.#sql().findShared.get(shareId);
    return row && toRow(row);
  }

  count(account: string): number {
    return this.#sql().count.get(account)?.count ?? 0;
  }

  page({ account, sessionId, after, order, limit }: SnapshotPage): SnapshotRow[] {
    const from = after ?? (order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER);
    if (sessionId === undefined) return this.#sql().ofAccount[order].all(account, from, limit).map(toRow);
    return this.#sql().ofSession[order].all(sessionId, account, from, limit).map(toRow);
  }
}

function viewColumns(name: 'archived' | 'restored', view: View): Record<string, number> {
  return Object.fromEntries(Object.entries(view).map(([column, value]) => [`${name}_${column}`, value]));
}

function toRow(row: Columns): SnapshotRow {
  return {
    ord: row.ord,
    id: row.id,
    account: row.account,
    sessionId: row.session_id,
    model: row.model,
    name: row.name,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    toolset: row.toolset,
    calls: row.calls,
    preserveLen: row.preserve_len,
    createdAt: row.created_at,
    share: row.share_id === null ? null : { id: row.share_id, expiresAt: row.share_expires_at },
    archived: {
      segment: row.archived_segment,
      head: row.archived_head,
      floor: row.archived_floor,
      tokens: row.archived_tokens,
      messages: row.archived_messages,
    },
    restored: {
      segment: row.restored_segment,
      head: row.restored_head,
      floor: row.restored_floor,
      tokens: row.restored_tokens,
      messages: row.restored_messages,
    },
  };
}

function statements(database: Database) {
  const insertColumns = `id, account, session_id, model, name, metadata, toolset, calls, preserve_len, created_at,
    archived_segment, archived_head, archived_floor, archived_tokens, archived_messages,
    restored_segment, restored_head, restored_floor, restored_tokens, restored_messages`;
  const ofAccount = (order: string): Statement<[string, number, number], Columns> =>
    database.prepare(`SELECT * FROM snapshots WHERE account = ? AND ${order} ${BOUND_LIMIT}`);
  const ofSession = (order: string): Statement<[string, string, number, number], Columns> =>
    database.prepare(`SELECT * FROM snapshots WHERE session_id = ? AND account = ? AND ${order} ${BOUND_LIMIT}`);
  const asc = 'ord > ? ORDER BY ord';
  const desc = 'ord < ? ORDER BY ord DESC';
  return {
    insert: database.prepare(
      `INSERT INTO snapshots (${insertColumns}) VALUES (${insertColumns.replaceAll(/\w+/g, '@$&')})`,
    ),
    share: database.prepare<[string | null, number | null, string]>(
      'UPDATE snapshots SET share_id = ?, share_expires_at = ? WHERE id = ?',
    ),
    delete: database.prepare<[string]>('DELETE FROM snapshots WHERE id = ?'),
    find: database.prepare<[string, string], Columns>('SELECT * FROM snapshots WHERE id = ? AND account = ?'),
    findShared: database.prepare<[string], Columns>('SELECT * FROM snapshots WHERE share_id = ?'),
    count: database.prepare<[string], { count: number }>('SELECT count(*) AS count FROM snapshots WHERE account = ?'),
    ofAccount: { asc: ofAccount(asc), desc: ofAccount(desc) },
    ofSession: { asc: ofSession(asc), desc: ofSession(desc) },
  };
}
