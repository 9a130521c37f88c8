import type { Database } from 'better-sqlite3';
import type { Tool } from '../../contract/messages.ts';

export interface Toolset {
  tools: Tool[];
  tokens: number;
}

const NONE: Toolset = { tools: [], tokens: 0 };

/** Lists of tools, immutable, so that a snapshot of a session copies only an id. */
export class Toolsets {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  insert({ tools, tokens }: Toolset): number | null {
    if (tools.length === 0) return null;
    return Number(this.#sql.insert.run(JSON.stringify(tools), tokens).lastInsertRowid);
  }

  read(id: number | null): Toolset {
    const row = id === null ? undefined : this.#sql.read.get(id);
    return row ? { tools: JSON.parse(row.tools) as Tool[], tokens: row.tokens } : NONE;
  }

  tokens(id: number | null): number {
    return id === null ? 0 : (this.#sql.tokens.get(id)?.tokens ?? 0);
  }

  /** Forgets a list that no session and no snapshot uses any more. */
  release(id: number | null): void {
    if (id !== null) this.#sql.release.run({ id });
  }
}

function statements(database: Database) {
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
