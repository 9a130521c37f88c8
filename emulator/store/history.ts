import type { Database, Statement } from 'better-sqlite3';
import {
  type Entry,
  type EntryColumns,
  freeTokensBefore,
  heldMessagesBefore,
  type MessageColumns,
  type NewEntry,
  type StoredMessage,
  toEntry,
  toStoredMessage,
  type View,
} from './history-rows.ts';

/** Branches of branches are walked one by one; beyond this depth a window gets a root of its own. */
const MAX_DEPTH = 64;

/** The stretch of one segment that a view sees. */
interface Span {
  segment: number;
  from: number;
  to: number;
}

interface SegmentColumns {
  parent: number | null;
  parent_seq: number;
  depth: number;
}

export interface PageRequest {
  after?: number;
  order: 'asc' | 'desc';
  limit: number;
}

/** The persistent list of messages: views are pointers into it, so that taking and restoring one copies nothing. */
export class History {
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  /** An empty window with a segment of its own. */
  create(): View {
    const segment = this.#newSegment(null, 0, 0, 1);
    return { segment, head: 0, floor: 1, tokens: 0, messages: 0 };
  }

  /** Writes entries behind a view's head. The view's segment must be its session's own. */
  append(view: View, entries: readonly NewEntry[]): View {
    let last = this.last(view);
    let { head, tokens, messages } = view;
    for (const { message, tokens: size, pinned, held, opensGroup } of entries) {
      head += 1;
      const row: Entry = {
        seq: head,
        message: 'message' in message ? message.message : this.#insertMessage(message),
        tokens: size,
        group: opensGroup || !last ? head : last.group,
        pinned,
        held,
        totalTokens: (last?.totalTokens ?? 0) + size,
        heldTokens: (last?.heldTokens ?? 0) + (held ? size : 0),
        heldMessages: (last?.heldMessages ?? 0) + (held ? 1 : 0),
        heldSystems: (last?.heldSystems ?? 0) + (held && message.body.role === 'system' ? 1 : 0),
      };
      this.#sql.insertEntry.run({ ...row, segment: view.segment, pinned: pinned ? 1 : 0, held: held ? 1 : 0 });
      last = row;
      tokens += size;
      messages += 1;
    }
    return { ...view, head, tokens, messages };
  }

  /** The same window on a segment of its own: what is written behind it is seen by nobody else. */
  branch(view: View): View {
    return this.#branchAt(view, view.head) ?? this.rewrite([...this.window(view)]);
  }

  /** The window with everything from `seq` on replaced by `entries`. */
  replaceTail(view: View, seq: number, entries: readonly NewEntry[], floor = view.floor): View {
    const base = this.#branchAt({ ...view, floor }, seq - 1);
    if (!base) return this.rewrite([...this.window({ ...view, floor, head: seq - 1 }), ...entries]);
    return this.measure(this.append(base, entries));
  }

  /** A window of its own that holds just these entries. */
  rewrite(entries: readonly (NewEntry | StoredMessage)[]): View {
    return this.append(this.create(), entries.map(asNewEntry));
  }

  /** The view with its token and message counts worked out from the cumulative columns. */
  measure(view: View): View {
    const head = this.last(view);
    const floor = this.entry(view, view.floor);
    if (!head || !floor) return { ...view, tokens: 0, messages: 0 };
    const tokens = head.totalTokens - freeTokensBefore(floor);
    return { ...view, tokens, messages: view.head - view.floor + 1 + heldMessagesBefore(floor) };
  }

  last(view: View): Entry | undefined {
    return view.head === 0 ? undefined : this.entry(view, view.head);
  }

  /** The entry at `seq`, by an index look-up in the segment that holds it. */
  entry(view: View, seq: number): Entry | undefined {
    for (const span of this.#spans(view, seq)) {
      if (span.from > seq || span.to < seq) continue;
      const row = this.#sql.entry.get(span.segment, seq);
      return row && toEntry(row);
    }
    return undefined;
  }

  /** The newest group, oldest member first; empty where the window is. */
  newestGroup(view: View): StoredMessage[] {
    const last = this.last(view);
    return last ? this.#read(view, last.group, view.head) : [];
  }

  /** Everything in the window, oldest first. */
  window(view: View): StoredMessage[] {
    return this.page(view, { order: 'asc', limit: -1 });
  }

  /** A page of the window. `after` is the place of the last entry seen; a limit of −1 means all. */
  page(view: View, { after, order, limit }: PageRequest): StoredMessage[] {
    const ascending = order === 'asc';
    const above = ascending ? (after ?? 0) + 1 : 1;
    const below = ascending ? view.head : (after ?? view.head + 1) - 1;
    const pins = { held: true, from: above, to: Math.min(below, view.floor - 1) };
    const run = { held: false, from: Math.max(above, view.floor), to: below };
    const found: StoredMessage[] = [];
    for (const part of ascending ? [pins, run] : [run, pins]) {
      const rest = limit < 0 ? -1 : limit - found.length;
      if (rest !== 0) found.push(...this.#read(view, part.from, part.to, part.held, order, rest));
    }
    return found;
  }

  /** The entry of a message by its public id, if it stands in the window. */
  find(view: View, publicId: string): Entry | undefined {
    for (const place of this.#sql.places.iterate(publicId)) {
      const entry = this.entry(view, place.seq);
      if (entry?.message === place.message && (entry.seq >= view.floor || entry.held)) return entry;
    }
    return undefined;
  }

  #read(view: View, from: number, to: number, held = false, order = 'asc', limit = -1): StoredMessage[] {
    if (from > to) return [];
    const spans = [...this.#spans(view, from)].filter((span) => span.from <= to);
    if (order === 'asc') spans.reverse();
    const statement = this.#sql.read(held, order === 'asc');
    const found: StoredMessage[] = [];
    for (const span of spans) {
      const rest = limit < 0 ? -1 : limit - found.length;
      if (rest === 0) break;
      const rows = statement.all(span.segment, Math.max(from, span.from), Math.min(to, span.to), rest);
      for (const row of rows) found.push(toStoredMessage(row));
    }
    return found;
  }

  /** The spans of a view that reach down to `downTo`, newest first. */
  *#spans(view: View, downTo: number): Generator<Span> {
    let segment: number | null = view.segment;
    let to = view.head;
    while (segment !== null && to >= downTo && to > 0) {
      const row: SegmentColumns | undefined = this.#sql.segment.get(segment);
      if (!row) return;
      if (to > row.parent_seq) yield { segment, from: row.parent_seq + 1, to };
      to = Math.min(to, row.parent_seq);
      segment = row.parent;
    }
  }

  /** An empty segment behind `seq`; none where the branches have grown too deep. */
  #branchAt(view: View, seq: number): View | undefined {
    let parent: number | null = null;
    let depth = 0;
    for (const span of this.#spans({ ...view, head: seq }, seq)) {
      parent = span.segment;
      depth = (this.#sql.segment.get(span.segment)?.depth ?? 0) + 1;
      break;
    }
    if (depth > MAX_DEPTH) return undefined;
    const segment = this.#newSegment(parent, seq, depth, view.floor);
    return { ...view, segment, head: seq };
  }

  #newSegment(parent: number | null, parentSeq: number, depth: number, floor: number): number {
    return Number(this.#sql.insertSegment.run(parent, parentSeq, depth, floor).lastInsertRowid);
  }

  #insertMessage({ id, body, truncated, summary, createdAt }: Exclude<NewEntry['message'], StoredMessage>): number {
    const flags = [truncated ? 1 : 0, summary ? 1 : 0] as const;
    return Number(
      this.#sql.insertMessage.run(id, body.role, JSON.stringify(body), ...flags, createdAt).lastInsertRowid,
    );
  }
}

function asNewEntry(entry: NewEntry | StoredMessage): NewEntry {
  if ('opensGroup' in entry) return entry;
  const { tokens, pinned, held } = entry;
  return { message: entry, tokens, pinned, held, opensGroup: entry.group === entry.seq };
}

function statements(database: Database) {
  const columns = `e.seq, e.message, e.tokens, e.group_seq, e.pinned, e.held,
    e.total_tokens, e.held_tokens, e.held_messages, e.held_systems`;
  const read = (where: string, direction: string): Statement<[number, number, number, number], MessageColumns> =>
    database.prepare(
      `SELECT ${columns}, m.public_id, m.body, m.truncated, m.summary, m.created_at
       FROM entries e JOIN messages m ON m.id = e.message
       WHERE e.segment = ? AND e.seq BETWEEN ? AND ? ${where} ORDER BY e.seq ${direction} LIMIT ?`,
    );
  const all = { asc: read('', 'ASC'), desc: read('', 'DESC') };
  const held = { asc: read('AND e.held = 1', 'ASC'), desc: read('AND e.held = 1', 'DESC') };
  return {
    read: (onlyHeld: boolean, ascending: boolean) => (onlyHeld ? held : all)[ascending ? 'asc' : 'desc'],
    segment: database.prepare<[number], SegmentColumns>('SELECT parent, parent_seq, depth FROM segments WHERE id = ?'),
    entry: database.prepare<[number, number], EntryColumns>(
      `SELECT ${columns} FROM entries e WHERE e.segment = ? AND e.seq = ?`,
    ),
    places: database.prepare<[string], { message: number; seq: number }>(
      `SELECT m.id AS message, e.seq FROM messages m JOIN entries e ON e.message = m.id WHERE m.public_id = ?`,
    ),
    insertSegment: database.prepare<[number | null, number, number, number]>(
      'INSERT INTO segments (parent, parent_seq, depth, kept_floor) VALUES (?, ?, ?, ?)',
    ),
    insertMessage: database.prepare<[string, string, string, number, number, number]>(
      'INSERT INTO messages (public_id, role, body, truncated, summary, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    insertEntry: database.prepare(
      `INSERT INTO entries (segment, seq, message, tokens, group_seq, pinned, held,
         total_tokens, held_tokens, held_messages, held_systems)
       VALUES (@segment, @seq, @message, @tokens, @group, @pinned, @held,
         @totalTokens, @heldTokens, @heldMessages, @heldSystems)`,
    ),
  };
}
