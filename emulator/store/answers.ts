import type { Database } from 'better-sqlite3';
import { BOUND_LIMIT } from './database.ts';

/** The answer of a request that succeeded, stored under its idempotency key. */
interface StoredAnswer {
  fingerprint: string;
  status: number;
  etag: string | null;
  body: string;
}

interface Columns extends StoredAnswer {
  expires_at: number;
  generation: number;
}

const PURGE_ROWS = 64;
const MAX_ANSWERS = 65_536;

/** Answers by account and key. The newest 65,536 are stored: on a clock that stands still none ever expires. */
export class Answers {
  readonly #sql: ReturnType<typeof statements>;
  readonly #max: number;
  #generation: number;

  constructor(database: Database, max = MAX_ANSWERS) {
    this.#sql = statements(database);
    this.#max = max;
    this.#generation = this.#sql.generation.get()?.value ?? 0;
  }

  /** Makes all answers unfindable, in a transaction; the collector deletes them. */
  dropAll(transaction: (work: () => number) => number): void {
    // Adopted only once it is committed.
    this.#generation = transaction(() => {
      this.#sql.forgetCalls.run();
      return this.#sql.nextGeneration.get()?.value ?? 0;
    });
  }

  /**
   * Notes that another server is asked for the answer. A note that is there already is of a call that was lost with its process:
   * answered there perhaps, and never stored here.
   * @returns whether one was lost
   */
  beginCall(account: string, key: string): boolean {
    return this.#sql.beginCall.run(account, key).changes === 0;
  }

  /** Once the outcome of the call is known. */
  endCall(account: string, key: string): void {
    this.#sql.endCall.run(account, key);
  }

  find(account: string, key: string, now: number): StoredAnswer | undefined {
    const row = this.#sql.find.get(account, key);
    return row && row.expires_at > now && row.generation === this.#generation ? row : undefined;
  }

  /** Stores an answer until `expiresAt`, and deletes a few that have expired by `now` (Unix seconds) or are too many. */
  save(account: string, key: string, answer: StoredAnswer, now: number, expiresAt: number): void {
    this.#sql.purge.run(now, PURGE_ROWS);
    const row = { account, key, expires_at: expiresAt, generation: this.#generation, ...answer };
    const { lastInsertRowid } = this.#sql.save.run(row);
    this.#sql.purgeOldest.run(Number(lastInsertRowid) - this.#max, PURGE_ROWS);
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
    beginCall: database.prepare<[string, string]>('INSERT OR IGNORE INTO calls (account, key) VALUES (?, ?)'),
    endCall: database.prepare<[string, string]>('DELETE FROM calls WHERE account = ? AND key = ?'),
    forgetCalls: database.prepare<[]>('DELETE FROM calls'),
    purgeOldest: database.prepare<[number, number]>(
      `DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE rowid <= ? ${BOUND_LIMIT})`,
    ),
    purge: database.prepare<[number, number]>(
      `DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE expires_at <= ? ${BOUND_LIMIT})`,
    ),
  };
}
