import type { Database, Statement } from 'better-sqlite3';
import type { ChatMessage } from '../../contract/messages.ts';

/** A window: where it ends (segment, head), where it begins (floor), and what stands in it, session tools excluded. */
export interface View {
  segment: number;
  head: number;
  floor: number;
  tokens: number;
  messages: number;
}

/** A message's place in a history. The cumulative columns include the entry itself and count from the root. */
export interface Entry {
  seq: number;
  message: number;
  tokens: number;
  /** Where the entry's group begins; a group is never split. */
  group: number;
  /** The message's own pin. */
  pinned: boolean;
  /** Whether a pin on any member keeps the group. */
  held: boolean;
  /** Whether its group is of tool calls and their results. */
  calls: boolean;
  totalTokens: number;
  heldTokens: number;
  heldMessages: number;
  heldSystems: number;
}

export interface StoredMessage extends Entry {
  id: string;
  body: ChatMessage;
  truncated: boolean;
  summary: boolean;
  createdAt: number;
}

/** The end of a window: what must be known of it to write behind it. */
export interface Tail {
  last: Entry | undefined;
  /** The newest group where it is one of tool calls; otherwise nothing can join it, and it is not read. */
  calls: StoredMessage[];
}

/** A message that is not stored yet. */
export interface NewMessage {
  id: string;
  body: ChatMessage;
  truncated: boolean;
  summary: boolean;
  createdAt: number;
}

/** An entry to write: a new message, or one that is stored already and gets another place. */
export interface NewEntry {
  message: NewMessage | StoredMessage;
  tokens: number;
  pinned: boolean;
  held: boolean;
  /** False where it belongs to the group of the entry before it. */
  opensGroup: boolean;
}

/** Columns as SQLite returns them. */
interface EntryColumns {
  seq: number;
  message: number;
  tokens: number;
  group_seq: number;
  pinned: number;
  held: number;
  calls: number;
  total_tokens: number;
  held_tokens: number;
  held_messages: number;
  held_systems: number;
}

interface MessageColumns extends EntryColumns {
  public_id: string;
  body: string;
  truncated: number;
  summary: number;
  created_at: number;
}

function toEntry(row: EntryColumns): Entry {
  return {
    seq: row.seq,
    message: row.message,
    tokens: row.tokens,
    group: row.group_seq,
    pinned: row.pinned === 1,
    held: row.held === 1,
    calls: row.calls === 1,
    totalTokens: row.total_tokens,
    heldTokens: row.held_tokens,
    heldMessages: row.held_messages,
    heldSystems: row.held_systems,
  };
}

/** An entry's columns in the order of the table: SQLite's binding takes four times as long to find twelve values by name. */
export function toValues(segment: number, entry: Entry): number[] {
  const { seq, message, tokens, group, totalTokens, heldTokens, heldMessages, heldSystems } = entry;
  const flags = [entry.pinned ? 1 : 0, entry.held ? 1 : 0, entry.calls ? 1 : 0];
  return [segment, seq, message, tokens, group, ...flags, totalTokens, heldTokens, heldMessages, heldSystems];
}

/** The same columns as they are read for one entry, without the segment. */
type EntryValues = [
  seq: number,
  message: number,
  tokens: number,
  group: number,
  pinned: number,
  held: number,
  calls: number,
  totalTokens: number,
  heldTokens: number,
  heldMessages: number,
  heldSystems: number,
];

export function fromValues(values: EntryValues): Entry {
  const [seq, message, tokens, group, pinned, held, calls, totalTokens, heldTokens, heldMessages, heldSystems] = values;
  const flags = { pinned: pinned === 1, held: held === 1, calls: calls === 1 };
  return { seq, message, tokens, group, ...flags, totalTokens, heldTokens, heldMessages, heldSystems };
}

export function toStoredMessage(row: MessageColumns): StoredMessage {
  return {
    ...toEntry(row),
    id: row.public_id,
    body: JSON.parse(row.body) as ChatMessage,
    truncated: row.truncated === 1,
    summary: row.summary === 1,
    createdAt: row.created_at,
  };
}

/** Tokens before `entry` that no pin holds: what a cut there would remove, counted from the root. */
export function freeTokensBefore(entry: Entry): number {
  return entry.totalTokens - entry.heldTokens - (entry.held ? 0 : entry.tokens);
}

export function heldMessagesBefore(entry: Entry): number {
  return entry.heldMessages - (entry.held ? 1 : 0);
}

type Range = [segment: number, from: number, to: number, limit: number];

/** Written out because what TypeScript infers cannot be named in a declaration file. */
interface HistoryStatements {
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
