import type { Database, Statement } from 'better-sqlite3';
import type { ChatMessage } from '../../contract/messages.ts';
import { parseFileReference, parseReference } from '../engines/media/data-url.ts';
import { BOUND_LIMIT } from './database.ts';

/**
 * A window: where it ends (segment, head), where it begins (floor), and what stands in it, session tools excluded. `tokens`
 * holds the reasoning that a prompt keeps by default.
 */
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
  /** Tokens that the message takes more while its reasoning is in the prompt. */
  reasoning: number;
  /** Whether the prompt drops the reasoning of this message and of all before it. */
  border: boolean;
  totalReasoning: number;
  heldReasoning: number;
  /** Place of the newest border up to here, 0 where there is none; and the two sums of reasoning there. */
  lastBorder: number;
  borderTotalReasoning: number;
  borderHeldReasoning: number;
}

/** What is summed up along a history, up to an entry and with it. */
export type Sums = Pick<
  Entry,
  | 'totalTokens'
  | 'heldTokens'
  | 'heldMessages'
  | 'heldSystems'
  | 'totalReasoning'
  | 'heldReasoning'
  | 'lastBorder'
  | 'borderTotalReasoning'
  | 'borderHeldReasoning'
>;

const NO_SUMS: Sums = {
  totalTokens: 0,
  heldTokens: 0,
  heldMessages: 0,
  heldSystems: 0,
  totalReasoning: 0,
  heldReasoning: 0,
  lastBorder: 0,
  borderTotalReasoning: 0,
  borderHeldReasoning: 0,
};

type Summed = Pick<Entry, 'seq' | 'tokens' | 'reasoning' | 'border' | 'held'> & { role: ChatMessage['role'] };

/** The sums with one more entry. */
export function addToSums(before: Sums = NO_SUMS, { seq, tokens, reasoning, border, held, role }: Summed): Sums {
  const totalReasoning = before.totalReasoning + reasoning;
  const heldReasoning = before.heldReasoning + (held ? reasoning : 0);
  return {
    totalTokens: before.totalTokens + tokens,
    heldTokens: before.heldTokens + (held ? tokens : 0),
    heldMessages: before.heldMessages + (held ? 1 : 0),
    heldSystems: before.heldSystems + (held && role === 'system' ? 1 : 0),
    totalReasoning,
    heldReasoning,
    lastBorder: border ? seq : before.lastBorder,
    borderTotalReasoning: border ? totalReasoning : before.borderTotalReasoning,
    borderHeldReasoning: border ? heldReasoning : before.borderHeldReasoning,
  };
}

/** Tokens of a window's reasoning: all of it, and what of it a prompt keeps by default. */
export interface Reasoning {
  all: number;
  kept: number;
  /** The place behind which it is kept. */
  keptAfter: number;
}

type ReasoningSums = Pick<Entry, 'seq' | 'held' | 'reasoning'> & Sums;

/**
 * The reasoning of the window from one entry to another, and of the held entries before it. What a border has dropped stays
 * dropped, also where the border itself is cut away: so a shorter window never takes more tokens.
 */
export function reasoningBetween(floor: ReasoningSums, last: ReasoningSums): Reasoning {
  const heldBefore = floor.heldReasoning - (floor.held ? floor.reasoning : 0);
  const fromFloor = last.totalReasoning - floor.totalReasoning + floor.reasoning;
  const kept =
    last.lastBorder >= floor.seq
      ? last.totalReasoning - last.borderTotalReasoning
      : fromFloor + heldBefore - last.borderHeldReasoning;
  return { all: heldBefore + fromFloor, kept, keptAfter: last.lastBorder };
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
  reasoning: number;
  border: boolean;
  pinned: boolean;
  held: boolean;
  /** False where it belongs to the group of the entry before it. */
  opensGroup: boolean;
}

/**
 * An entry's columns in the order of the table: SQLite's binding takes four times as long to find as many values by name, and
 * to make an object of a row takes as long as reading it.
 */
export function toValues(segment: number, entry: Entry): number[] {
  return [
    segment,
    entry.seq,
    entry.message,
    entry.tokens,
    entry.group,
    entry.pinned ? 1 : 0,
    entry.held ? 1 : 0,
    entry.calls ? 1 : 0,
    entry.totalTokens,
    entry.heldTokens,
    entry.heldMessages,
    entry.heldSystems,
    entry.reasoning,
    entry.border ? 1 : 0,
    entry.totalReasoning,
    entry.heldReasoning,
    entry.lastBorder,
    entry.borderTotalReasoning,
    entry.borderHeldReasoning,
  ];
}

/** The same columns as they are read, without the segment. */
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
  reasoning: number,
  border: number,
  totalReasoning: number,
  heldReasoning: number,
  lastBorder: number,
  borderTotalReasoning: number,
  borderHeldReasoning: number,
];

/** An entry with its message. */
type MessageValues = [
  ...EntryValues,
  publicId: string,
  body: string,
  truncated: number,
  summary: number,
  createdAt: number,
];

export function fromValues(values: EntryValues): Entry {
  return {
    seq: values[0],
    message: values[1],
    tokens: values[2],
    group: values[3],
    pinned: values[4] === 1,
    held: values[5] === 1,
    calls: values[6] === 1,
    totalTokens: values[7],
    heldTokens: values[8],
    heldMessages: values[9],
    heldSystems: values[10],
    reasoning: values[11],
    border: values[12] === 1,
    totalReasoning: values[13],
    heldReasoning: values[14],
    lastBorder: values[15],
    borderTotalReasoning: values[16],
    borderHeldReasoning: values[17],
  };
}

/** Written out: an object of so many members that is spread into another takes thirty times as long to make, and five to read. */
export function toStoredMessage(values: MessageValues): StoredMessage {
  return {
    seq: values[0],
    message: values[1],
    tokens: values[2],
    group: values[3],
    pinned: values[4] === 1,
    held: values[5] === 1,
    calls: values[6] === 1,
    totalTokens: values[7],
    heldTokens: values[8],
    heldMessages: values[9],
    heldSystems: values[10],
    reasoning: values[11],
    border: values[12] === 1,
    totalReasoning: values[13],
    heldReasoning: values[14],
    lastBorder: values[15],
    borderTotalReasoning: values[16],
    borderHeldReasoning: values[17],
    id: values[18],
    body: JSON.parse(values[19]) as ChatMessage,
    truncated: values[20] === 1,
    summary: values[21] === 1,
    createdAt: values[22],
  };
}

/** The place of a stored message in another history: the same message, with its flags. */
export function asNewEntry(entry: NewEntry | StoredMessage): NewEntry {
  if ('opensGroup' in entry) return entry;
  const { tokens, reasoning, border, pinned, held } = entry;
  return { message: entry, tokens, reasoning, border, pinned, held, opensGroup: entry.group === entry.seq };
}

/**
 * Messages of a history that are written anew without some of the others. Where the border that has dropped their reasoning
 * is not among them, the last of those before it takes its place.
 * @param keptAfter the place of that border
 */
export function keepDropped<Place extends NewEntry | StoredMessage>(
  entries: readonly Place[],
  keptAfter: number,
): Place[] {
  const last = entries.findLastIndex((entry) => placeOf(entry) <= keptAfter);
  return entries.map((entry, index) => (index === last ? { ...entry, border: true } : entry));
}

function placeOf(entry: NewEntry | StoredMessage): number {
  if ('seq' in entry) return entry.seq;
  return 'seq' in entry.message ? entry.message.seq : Number.POSITIVE_INFINITY;
}

/** Tokens of messages in a row: reasoning counts behind the last border among them. */
export function tokensOf(entries: readonly Pick<Entry, 'tokens' | 'reasoning' | 'border'>[]): number {
  const border = entries.findLastIndex((entry) => entry.border);
  return entries.reduce((sum, { tokens, reasoning }, place) => sum + tokens + (place > border ? reasoning : 0), 0);
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
  read(onlyHeld: boolean, ascending: boolean): Statement<Range, MessageValues>;
  entry: Statement<[segment: number, seq: number], EntryValues>;
  places: Statement<[publicId: string], { segment: number; seq: number }>;
  /** @returns the row's id */
  insertMessage(body: ChatMessage, id: string, truncated: number, summary: number, createdAt: number): number;
  insertEntry: Statement<number[]>;
}

/** The named statements of the list of messages. */
export function historyStatements(database: Database): HistoryStatements {
  const columns = `e.seq, e.message, e.tokens, e.group_seq, e.pinned, e.held, e.calls,
    e.total_tokens, e.held_tokens, e.held_messages, e.held_systems,
    e.reasoning, e.border, e.total_reasoning, e.held_reasoning, e.last_border,
    e.border_total_reasoning, e.border_held_reasoning`;
  const read = (direction: string, index = '', where = ''): Statement<Range, MessageValues> =>
    database
      .prepare<Range, MessageValues>(
        `SELECT ${columns}, m.public_id, m.body, m.truncated, m.summary, m.created_at
         FROM entries e ${index} JOIN messages m ON m.id = e.message
         WHERE e.segment = ? AND e.seq BETWEEN ? AND ? ${where} ORDER BY e.seq ${direction} ${BOUND_LIMIT}`,
      )
      .raw();
  // Left alone, SQLite reads everything between the pins: a snapshot may keep a long history below the floor.
  const readHeld = (direction: string) => read(direction, 'INDEXED BY entries_held', 'AND e.held = 1');
  const all = { asc: read('ASC'), desc: read('DESC') };
  const held = { asc: readHeld('ASC'), desc: readHeld('DESC') };
  const insertMessage = database.prepare<[string, string, string, number, number, number]>(
    'INSERT INTO messages (public_id, role, body, truncated, summary, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const linkBlob = database.prepare<[message: number | bigint, hash: string]>(
    'INSERT INTO message_blobs (message, blob) SELECT ?, id FROM blobs WHERE hash = ?',
  );
  return {
    read: (onlyHeld: boolean, ascending: boolean) => (onlyHeld ? held : all)[ascending ? 'asc' : 'desc'],
    entry: database
      .prepare<[number, number], EntryValues>(`SELECT ${columns} FROM entries e WHERE e.segment = ? AND e.seq = ?`)
      .raw(),
    places: database.prepare<[string], { segment: number; seq: number }>(
      'SELECT e.segment, e.seq FROM messages m JOIN entries e ON e.message = m.id WHERE m.public_id = ?',
    ),
    insertMessage(body, id, ...flags) {
      const { lastInsertRowid: row } = insertMessage.run(id, body.role, JSON.stringify(body), ...flags);
      for (const hash of blobsIn(body)) linkBlob.run(row, hash);
      return Number(row);
    },
    insertEntry: database.prepare<number[]>(
      `INSERT INTO entries (segment, seq, message, tokens, group_seq, pinned, held, calls,
         total_tokens, held_tokens, held_messages, held_systems,
         reasoning, border, total_reasoning, held_reasoning, last_border,
         border_total_reasoning, border_held_reasoning)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  };
}

/** Hashes of what a message's pictures and videos refer to. */
export function blobsIn({ content }: ChatMessage): string[] {
  if (!Array.isArray(content)) return [];
  const found = new Set<string>();
  for (const part of content) {
    if (part.type === 'text') continue;
    const located = part.type === 'image_url' ? part.image_url : part.video_url;
    const url = typeof located === 'string' ? located : located.url;
    const hash = (parseReference(url) ?? parseFileReference(url))?.hash;
    if (hash !== undefined) found.add(hash);
  }
  return [...found];
}
