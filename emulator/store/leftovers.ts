import type { Database } from 'better-sqlite3';

/** Rows removed in one transaction. */
const SLICE = 100;

/** What a reset leaves behind besides segments: answers of earlier states, and lists of tools that nobody uses. */
export class Leftovers {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  /** One slice of work. True where more may be left. */
  sweep(): boolean {
    return this.#sql.reduce((removed, step) => removed + step.run(SLICE).changes, 0) > 0;
  }
}

function statements(database: Database) {
  return [
    database.prepare<[number]>(
      `DELETE FROM answers WHERE rowid IN (
         SELECT rowid FROM answers WHERE generation <> ifnull((SELECT value FROM meta WHERE name = 'generation'), 0) LIMIT ?)`,
    ),
    database.prepare<[number]>(
      `DELETE FROM toolsets WHERE id IN (
         SELECT id FROM toolsets t
         WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM snapshots WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM kept_sessions WHERE toolset = t.id)
           AND NOT EXISTS (SELECT 1 FROM kept_snapshots WHERE toolset = t.id) LIMIT ?)`,
    ),
  ];
}
