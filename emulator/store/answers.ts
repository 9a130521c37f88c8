import type { Database } from 'better-sqlite3';

/** The answer of a request that succeeded, stored under its idempotency key. */
export interface StoredAnswer {
  fingerprint: string;
  status: number;
  etag: string | null;
  body: string;
}

interface Columns extends StoredAnswer {
  expires_at: number;
  generation: number;
}

const PURGE = 64;

export class Answers {
  readonly #sql: ReturnType<typeof statements>;
  #generation: number;

  constructor(database: Database) {
    this.#sql = statements(database);
    this.#generation = this.#sql.generation.get()?.value ?? 0;
  }

  /** Makes all answers unfindable, in a transaction; the collector deletes them. */
  dropAll(transaction: (work: () => number) => number): void {
    // Adopted only once it is committed.
    this.#generation = transaction(() => this.#sql.nextGeneration.get()?.value ?? 0);
  }

  find(account: string, key: string, now: number): StoredAnswer | undefined {
    const row = this.#sql.find.get(account, key);
    return row && row.expires_at > now && row.generation === this.#generation ? row : undefined;
  }

  /** Keeps an answer until `expiresAt`, and forgets a few that have expired by `now` (Unix seconds). */
  save(account: string, key: string, answer: StoredAnswer, now: number, expiresAt: number): void {
    this.#sql.purge.run(now, PURGE);
    this.#sql.save.run({ account, key, expires_at: expiresAt, generation: this.#generation, ...answer });
  }
}

function statements(database: Database) {
  return {
    find: database.prepare<[string, string], Columns>(
      'SELECT fingerprint, status, etag, body, expires_at, generation FROM answers WHERE account = ? AND key = ?',
    ),
    save: database.prepare(
      `INSERT OR REPLACE INTO answers (account, key, fingerprint, status, etag, body, expires_at, generation)
       VALUES (@account, @key, @fingerprint, @status, @etag, @body, @expires_at, @generation)`,
    ),
    generation: database.prepare<[], { value: number }>("SELECT value FROM meta WHERE name = 'generation'"),
    nextGeneration: database.prepare<[], { value: number }>(
      `INSERT INTO meta (name, value) VALUES ('generation', 1)
       ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
    ),
    purge: database.prepare<[number, number]>(
      'DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE expires_at <= ? LIMIT ?)',
    ),
  };
}
