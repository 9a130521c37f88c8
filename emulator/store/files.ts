import type { Database } from 'better-sqlite3';
import type { FilePurpose } from '../../contract/files.ts';
import { lazy } from '../lazy.ts';

/** An uploaded file. Its bytes are a blob, which other files and messages may share. */
export interface FileRow {
  id: string;
  account: string;
  filename: string;
  purpose: FilePurpose;
  size: number;
  createdAt: number;
  /** SHA-256 of its bytes. */
  hash: string;
}

/** Files of accounts, newest first. */
export class FileRows {
  readonly #sql: () => ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = lazy(() => statements(database));
  }

  /** Its bytes must be stored, and held until the end of the transaction. */
  insert(file: FileRow): void {
    this.#sql().insert.run(file);
  }

  /** A file of the account; another account's is not found. */
  find(account: string, id: string): FileRow | undefined {
    return this.#sql().find.get(id, account);
  }

  list(account: string): FileRow[] {
    return this.#sql().list.all(account);
  }

  /** Of all accounts, oldest first. */
  all(): FileRow[] {
    return this.#sql().all.all();
  }

  delete(id: string): void {
    this.#sql().delete.run(id);
  }

  /** How many files an account has, and their bytes. */
  usage(account: string): { count: number; size: number } {
    return this.#sql().usage.get(account) ?? { count: 0, size: 0 };
  }
}

function statements(database: Database) {
  const rows = `SELECT f.id, f.account, f.filename, f.purpose, f.size, f.created_at AS createdAt, b.hash
    FROM files f JOIN blobs b ON b.id = f.blob`;
  return {
    insert: database.prepare<[FileRow]>(
      `INSERT INTO files (id, account, filename, purpose, size, created_at, blob)
       VALUES (@id, @account, @filename, @purpose, @size, @createdAt, (SELECT id FROM blobs WHERE hash = @hash))`,
    ),
    find: database.prepare<[id: string, account: string], FileRow>(`${rows} WHERE f.id = ? AND f.account = ?`),
    list: database.prepare<[account: string], FileRow>(`${rows} WHERE f.account = ? ORDER BY f.ord DESC`),
    all: database.prepare<[], FileRow>(`${rows} ORDER BY f.ord`),
    delete: database.prepare<[id: string]>('DELETE FROM files WHERE id = ?'),
    usage: database.prepare<[account: string], { count: number; size: number }>(
      'SELECT count(*) AS count, ifnull(sum(size), 0) AS size FROM files WHERE account = ?',
    ),
  };
}
