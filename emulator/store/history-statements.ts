import type { Database, Statement } from 'better-sqlite3';
import type { EntryValues, MessageColumns } from './history-rows.ts';

type Range = [segment: number, from: number, to: number, limit: number];

/** Written out because what TypeScript infers cannot be named in a declaration file. */
export interface HistoryStatements {
  read(onlyHeld: boolean, ascending: boolean): Statement<Range, MessageColumns>;
  entry: Statement<[segment: number, seq: number], EntryValues>;
  places: Statement<[publicId: string], { segment: number; seq: number }>;
  insertMessage: Statement<[string, string, string, number, number, number]>;
  insertEntry: Statement<number[]>;
}

/** The named statements of the list of messages. */
export function historyStatements(database: Database): HistoryStatements {
  const columns = `e.seq, e.message, e.tokens, e.group_seq, e.pinned, e.held, e.calls,
    e.total_tokens, e.held_tokens, e.held_messages, e.held_systems`;
  const read = (direction: string, index = '', where = ''): Statement<Range, MessageColumns> =>
    database.prepare(
      `SELECT ${columns}, m.public_id, m.body, m.truncated, m.summary, m.created_at
       FROM entries e ${index} JOIN messages m ON m.id = e.message
       WHERE e.segment = ? AND e.seq BETWEEN ? AND ? ${where} ORDER BY e.seq ${direction} LIMIT ?`,
    );
  // Left alone, SQLite reads everything between the pins: a snapshot may keep a long history below the floor.
  const readHeld = (direction: string) => read(direction, 'INDEXED BY entries_held', 'AND e.held = 1');
  const all = { asc: read('ASC'), desc: read('DESC') };
  const held = { asc: readHeld('ASC'), desc: readHeld('DESC') };
  return {
    read: (onlyHeld: boolean, ascending: boolean) => (onlyHeld ? held : all)[ascending ? 'asc' : 'desc'],
    // An array: to make an object of it takes as long as reading it.
    entry: database
      .prepare<[number, number], EntryValues>(`SELECT ${columns} FROM entries e WHERE e.segment = ? AND e.seq = ?`)
      .raw(),
    places: database.prepare<[string], { segment: number; seq: number }>(
      'SELECT e.segment, e.seq FROM messages m JOIN entries e ON e.message = m.id WHERE m.public_id = ?',
    ),
    insertMessage: database.prepare<[string, string, string, number, number, number]>(
      'INSERT INTO messages (public_id, role, body, truncated, summary, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    insertEntry: database.prepare<number[]>(
      `INSERT INTO entries (segment, seq, message, tokens, group_seq, pinned, held, calls,
         total_tokens, held_tokens, held_messages, held_systems)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  };
}
