import type { Database } from 'better-sqlite3';

/** The answer of a request that succeeded, kept under its idempotency key. */
export interface StoredAnswer {
  fingerprint: string;
  status: number;
  etag: string | null;
  body: string;
}

interface Columns extends StoredAnswer {
  expires_at: number;
}

const PURGE = 64;

export class Answers {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  find(account: string, key: string, now: number): StoredAnswer | undefined {
    const row = this.#sql.find.get(account, key);
    return row && row.expires_at > now ? row : undefined;
  }

  /** Keeps an answer until `expiresAt`, and forgets a few that have expired by `now` (Unix seconds). */
  save(account: string, key: string, answer: StoredAnswer, now: number, expiresAt: number): void {
    this.#sql.purge.run(now, PURGE);
    this.#sql.save.run({ account, key, expires_at: expiresAt, ...answer });
  }
}

function statements(database: Database) {
  return {
    find: database.prepare<[string, string], Columns>(
      'SELECT fingerprint, status, etag, body, expires_at FROM answers WHERE account = ? AND key = ?',
    ),
    save: database.prepare(
      `INSERT OR REPLACE INTO answers (account, key, fingerprint, status, etag, body, expires_at)
       VALUES (@account, @key, @fingerprint, @status, @etag, @body, @expires_at)`,
    ),
    purge: database.prepare<[number, number]>(
      'DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE expires_at <= ? LIMIT ?)',
    ),
  };
}
