import type { Blobs } from '../store/blobs.ts';
import type { StoredMessage, View } from '../store/entries.ts';
import { blobsIn } from '../store/entries.ts';
import type { FileRow } from '../store/files.ts';
import type { PortableRows } from '../store/portable-rows.ts';
import type { Segments, Span } from '../store/segments.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import type { PortableEntry, PortableFile, PortableMessage, PortableState, PortableWindow } from './schema.ts';
import { type FileParts, Sealing, StateError } from './state-file.ts';

/**
 * Exports all sessions, snapshots and files, or one session with the snapshots taken of it. Runs in slices. The first step reads
 * everything that can change; histories cannot while the collector is paused.
 * @throws StateError if there is no such session
 */
export function* exportState(store: Store, tokenizer: string, session?: string): Generator<void, FileParts> {
  const { sessions, snapshots } = readRows(store, session);
  const visible = new VisibleSegments(store.history.segments);
  for (const { view } of sessions) visible.add(view);
  for (const { archived, restored } of snapshots) {
    visible.add(archived);
    visible.add(restored);
  }
  const files = session === undefined ? store.files.all() : [];
  const toolsets = readToolsets(store, [...sessions, ...snapshots]);
  yield;
  const histories = new ExportedHistories(visible, store.portableRows());
  const portable = toPortable(histories, new Map([...toolsets.keys()].map((id, number) => [id, number])));
  const file = new Sealing();
  file.add(`{"tokenizer":${JSON.stringify(tokenizer)}`);
  yield* addList(
    file,
    'toolsets',
    oneByOne([...toolsets.values()], ({ tokens, tools }) => ({ tokens, tools })),
  );
  yield* addList(file, 'messages', histories.messages());
  const hashes = new Set([...histories.blobs, ...files.map(({ hash }) => hash)]);
  if (hashes.size > 0) yield* addBlobs(file, store.blobs, hashes);
  file.add(',"segments":[');
  for (const text of histories.segments()) {
    file.add(text);
    yield;
  }
  file.add(']');
  yield* addList(file, 'sessions', oneByOne(sessions, portable.session));
  yield* addList(file, 'snapshots', oneByOne(snapshots, portable.snapshot));
  if (files.length > 0) yield* addList(file, 'files', oneByOne(files, toPortableFile));
  file.add('}');
  return file.seal();
}

function* addList(file: Sealing, name: keyof PortableState, steps: Iterable<readonly object[]>): Generator<void> {
  file.add(`,"${name}":[`);
  let comma = '';
  for (const items of steps) {
    for (const item of items) {
      file.add(comma + JSON.stringify(item));
      comma = ',';
    }
    yield;
  }
  file.add(']');
}

/** A part at a time: one picture may be as long as a body. */
function* addBlobs(file: Sealing, blobs: Blobs, hashes: Iterable<string>): Generator<void> {
  file.add(',"blobs":[');
  let comma = '';
  for (const hash of hashes) {
    file.add(`${comma}{"hash":"${hash}","base64":"`);
    comma = ',';
    for (const bytes of blobs.read(hash)) {
      file.add(Buffer.from(bytes).toString('base64'));
      yield;
    }
    file.add('"}');
  }
  file.add(']');
}

function* oneByOne<Row, Item extends object>(rows: readonly Row[], toItem: (row: Row) => Item): Generator<[Item]> {
  for (const row of rows) yield [toItem(row)];
}

/** By id, in the order of the rows. */
function readToolsets(store: Store, rows: readonly { toolset: number | null }[]): Map<number, Toolset> {
  const found = new Map<number, Toolset>();
  for (const { toolset } of rows) {
    if (toolset !== null && !found.has(toolset)) found.set(toolset, store.toolsets.read(toolset));
  }
  return found;
}

/** Converts rows to the form of the file. */
function toPortable(histories: ExportedHistories, toolsets: ReadonlyMap<number, number>) {
  const toolsetOf = (id: number | null) => (id === null ? null : (toolsets.get(id) ?? null));
  return {
    session: (row: SessionRow): PortableState['sessions'][number] => ({
      id: row.id,
      account: row.account,
      model: row.model,
      title: row.title,
      metadata: row.metadata,
      toolset: toolsetOf(row.toolset),
      version: row.version,
      calls: row.calls,
      forked_from: row.forkedFrom,
      created_at: row.createdAt,
      updated_at: row.updatedAt,
      window: histories.windowOf(row.view),
    }),
    snapshot: (row: SnapshotRow): PortableState['snapshots'][number] => ({
      id: row.id,
      account: row.account,
      session_id: row.sessionId,
      model: row.model,
      name: row.name,
      metadata: row.metadata,
      toolset: toolsetOf(row.toolset),
      calls: row.calls,
      preserve_len: row.preserveLen,
      created_at: row.createdAt,
      share: row.share && { share_id: row.share.id, expires_at: row.share.expiresAt },
      archived: histories.windowOf(row.archived),
      restored: histories.windowOf(row.restored),
    }),
  };
}

function toPortableFile({ id, account, filename, purpose, createdAt, hash }: FileRow): PortableFile {
  return { id, account, filename, purpose, created_at: createdAt, hash };
}

function readRows(store: Store, session?: string): { sessions: SessionRow[]; snapshots: SnapshotRow[] } {
  const rows = store.portableRows();
  const named = rows.sessions(session);
  const [only] = named;
  if (session !== undefined && !only) throw new StateError(`there is no session ${session}`);
  return {
    sessions: named.flatMap(({ id, account }) => store.sessions.find(account, id) ?? []),
    snapshots: rows
      .snapshots(session === undefined ? undefined : only)
      .flatMap(({ id, account }) => store.snapshots.find(account, id) ?? []),
  };
}

/**
 * The messages and segments that windows show, numbered in the order in which windows reach them, one step at a time. Must be
 * called for messages, then segments, then windows: each needs the numbers of those before.
 */
class ExportedHistories {
  readonly #visible: VisibleSegments;
  readonly #rows: PortableRows;
  readonly #messages = new Map<number, number>();
  /** Hashes that the messages refer to. */
  readonly blobs = new Set<string>();
  /** Numbers of segments, in their order. */
  readonly #segments = new Map<number, number>();
  readonly #parents = new Map<number, number | null>();

  constructor(visible: VisibleSegments, rows: PortableRows) {
    this.#visible = visible;
    this.#rows = rows;
  }

  *messages(): Generator<PortableMessage[]> {
    for (const path of this.#visible.paths()) {
      let parent: number | null = null;
      for (const segment of path) {
        if (!this.#segments.has(segment)) {
          let seen = 0;
          for (const places of this.#visible.places(segment, (...range) => this.#rows.entries(...range))) {
            seen += places.length;
            yield this.#newOf(places);
          }
          // Nothing shows the entries before the first visible one.
          if (seen === 0 && parent === null) continue;
          this.#parents.set(segment, parent === null ? null : (this.#segments.get(parent) ?? null));
          this.#segments.set(segment, this.#segments.size);
        }
        parent = segment;
      }
    }
  }

  /** As consecutive pieces of JSON text. */
  *segments(): Generator<string> {
    for (const [segment, number] of this.#segments) {
      const parent = this.#parents.get(segment) ?? null;
      yield `${number === 0 ? '' : ','}{"parent":${parent},"parent_seq":${this.#visible.parentSeq(segment)},"entries":[`;
      let comma = '';
      for (const places of this.#visible.places(segment, (...range) => this.#rows.places(...range))) {
        const entries = places.map(({ seq, message, reasoning, border, ...place }): PortableEntry => {
          const thought = { ...(reasoning > 0 && { reasoning }), ...(border && { border }) };
          return { seq, message: this.#messages.get(message) ?? 0, ...place, ...thought };
        });
        if (entries.length === 0) continue;
        yield comma + entries.map((entry) => JSON.stringify(entry)).join();
        comma = ',';
      }
      yield ']}';
    }
  }

  windowOf(view: View): PortableWindow {
    const { head, floor, tokens, messages } = view;
    const segment = this.#visible.segmentOf(view);
    return { segment: segment === null ? null : (this.#segments.get(segment) ?? null), head, floor, tokens, messages };
  }

  #newOf(places: readonly StoredMessage[]): PortableMessage[] {
    return places.flatMap(({ message, id, createdAt, truncated, summary, body }) => {
      if (this.#messages.has(message)) return [];
      this.#messages.set(message, this.#messages.size);
      for (const hash of blobsIn(body)) this.blobs.add(hash);
      return { id, created_at: createdAt, truncated, summary, body: body as PortableMessage['body'] };
    });
  }
}

type Run = [from: number, to: number];

/** The visible part of one segment. */
interface Shown {
  segment: number;
  from: number;
  /** The last place that any window shows. */
  to: number;
  /** Ranges that windows show completely; before their floor they show only held entries. */
  runs: Run[];
}

/** Reads the places of a segment in order, from one to another, at most `limit`. */
type ReadPlaces<Place> = (segment: number, from: number, to: number, limit: number) => Place[];

/** Places read per step: a millisecond of work. */
const PLACES_A_STEP = 100;

/**
 * The parts of the segments that windows show, numbered in the order in which windows reach them, parents first: the same
 * windows give the same numbers, whatever the collector has removed and whatever the segments' ids are.
 */
class VisibleSegments {
  readonly #segments: Segments;
  readonly #shown = new Map<number, Shown>();
  readonly #paths = new Map<number, readonly number[]>();

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  add(view: View): void {
    const path = [...this.#segments.spans(view, 1)].reverse();
    for (const span of path) this.#show(span, view.floor);
    const last = path.at(-1);
    if (last && !this.#paths.has(last.segment))
      this.#paths.set(
        last.segment,
        path.map(({ segment }) => segment),
      );
  }

  /** The segment that holds a window's last entry; null for an empty window. */
  segmentOf(view: View): number | null {
    const [last] = this.#segments.spans(view, Math.max(1, view.head));
    return last?.segment ?? null;
  }

  /** The path of segments to each window, root first; windows that end in the same segment share a path. */
  paths(): Iterable<readonly number[]> {
    return this.#paths.values();
  }

  /** The place of its parent's history after which a segment begins. */
  parentSeq(segment: number): number {
    return (this.#shown.get(segment)?.from ?? 1) - 1;
  }

  /** The visible places of a segment, one step at a time. */
  *places<Place extends { seq: number; held: boolean }>(
    segment: number,
    read: ReadPlaces<Place>,
  ): Generator<readonly Place[]> {
    const shown = this.#shown.get(segment);
    if (!shown) return;
    const runs = merged(shown.runs);
    let run = 0;
    for (let from = 1; from <= shown.to; ) {
      const found = read(segment, from, shown.to, PLACES_A_STEP);
      const last = found.at(-1);
      if (!last) return;
      yield found.filter(({ seq, held }) => {
        while ((runs[run]?.[1] ?? Number.POSITIVE_INFINITY) < seq) run += 1;
        return held || (runs[run]?.[0] ?? Number.POSITIVE_INFINITY) <= seq;
      });
      from = last.seq + 1;
    }
  }

  #show({ segment, from, to }: Span, floor: number): void {
    const shown = this.#shown.get(segment) ?? { segment, from, to, runs: [] };
    this.#shown.set(segment, shown);
    shown.to = Math.max(shown.to, to);
    if (to >= floor) shown.runs.push([Math.max(from, floor), to]);
  }
}

/** The same ranges in order, adjoining ones merged. */
function merged(runs: readonly Run[]): Run[] {
  const found: Run[] = [];
  for (const [from, to] of runs.toSorted((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}
