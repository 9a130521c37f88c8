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
export interface EntryColumns {
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

export interface MessageColumns extends EntryColumns {
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
export type EntryValues = [
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
