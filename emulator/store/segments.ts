import type { Database } from 'better-sqlite3';
import type { View } from './entries.ts';
import type { Stretch } from './window-memory.ts';

/** Branches of branches are walked one by one; beyond this depth a window gets a root of its own. */
export const MAX_DEPTH = 64;
const MAX_KNOWN = 4_096;

/** The stretch of one segment that a view sees. */
export interface Span {
  segment: number;
  depth: number;
  from: number;
  to: number;
}

interface Columns {
  parent: number | null;
  parent_seq: number;
  depth: number;
}

interface KnownSegment extends Columns {
  /** Differs from that of every other segment, also where a segment has got the id of one that is gone. */
  birth: number;
}

/** Runs of entries, each of which may continue another one from a given place, as a branch continues a history. */
export class Segments {
  readonly #sql: ReturnType<typeof statements>;
  readonly #known = new Map<number, KnownSegment>();
  #births = 0;

  constructor(database: Database) {
    this.#sql = statements(database);
  }

  /** An empty window with a segment of its own. */
  create(): View {
    const segment = this.#insert(null, 0, 0, 1);
    return { segment, head: 0, floor: 1, tokens: 0, messages: 0 };
  }

  /** The view up to `seq`, on an empty segment behind it; none where the branches have grown too deep. */
  branch(view: View, seq: number): View | undefined {
    const [parent] = this.spans({ ...view, head: seq }, seq);
    const depth = parent ? parent.depth + 1 : 0;
    if (depth > MAX_DEPTH) return undefined;
    const segment = this.#insert(parent?.segment ?? null, seq, depth, view.floor);
    return { ...view, segment, head: seq };
  }

  /** An empty segment behind `seq` of another one, or of a history that is here no more; for windows from `floor` on. */
  graft(parent: number | null, seq: number, floor: number): number {
    const depth = parent === null ? 0 : (this.#find(parent)?.depth ?? 0) + 1;
    return this.#insert(parent, seq, depth, floor);
  }

  /** The spans of a view that reach down to `downTo`, newest first. */
  *spans(view: View, downTo: number): Generator<Span> {
    let segment: number | null = view.segment;
    let to = view.head;
    while (segment !== null && to >= downTo && to > 0) {
      const row: KnownSegment | undefined = this.#find(segment);
      if (!row) return;
      if (to > row.parent_seq) yield { segment, depth: row.depth, from: row.parent_seq + 1, to };
      to = Math.min(to, row.parent_seq);
      segment = row.parent;
    }
  }

  /** Undefined where the segment is gone. */
  birthOf(segment: number): number | undefined {
    return this.#find(segment)?.birth;
  }

  /** The path of a view, its end first: the segment where it ends, also where nothing stands on it, and those that it continues. */
  *stretches(view: View): Generator<Stretch> {
    let segment: number | null = view.segment;
    let to = view.head;
    while (segment !== null) {
      const row: KnownSegment | undefined = this.#find(segment);
      if (!row) return;
      yield { birth: row.birth, to };
      to = Math.min(to, row.parent_seq);
      segment = row.parent;
    }
  }

  #insert(parent: number | null, parentSeq: number, depth: number, floor: number): number {
    const segment = Number(this.#sql.insert.run(parent, parentSeq, depth, floor).lastInsertRowid);
    this.#remember(segment, { parent, parent_seq: parentSeq, depth });
    return segment;
  }

  /** Where a segment begins never changes, so it is read once. An id that is given again is remembered anew. */
  #find(segment: number): KnownSegment | undefined {
    const known = this.#known.get(segment);
    if (known) return known;
    const row = this.#sql.find.get(segment);
    return row && this.#remember(segment, row);
  }

  #remember(segment: number, row: Columns): KnownSegment {
    const [oldest] = this.#known.size >= MAX_KNOWN ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#births += 1;
    const known = { ...row, birth: this.#births };
    this.#known.set(segment, known);
    return known;
  }
}

function statements(database: Database) {
  return {
    find: database.prepare<[number], Columns>('SELECT parent, parent_seq, depth FROM segments WHERE id = ?'),
    insert: database.prepare<[number | null, number, number, number]>(
      'INSERT INTO segments (parent, parent_seq, depth, kept_floor) VALUES (?, ?, ?, ?)',
    ),
  };
}
