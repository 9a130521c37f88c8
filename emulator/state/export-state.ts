import type { SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import type { Toolset } from '../store/toolsets.ts';
import { ExportedHistories } from './export-histories.ts';
import type { PortableState } from './schema.ts';
import { type FileParts, Sealing } from './seal.ts';
import { StateError } from './state-error.ts';
import { VisibleSegments } from './visible-segments.ts';

/**
 * A state file: all sessions and snapshots, or one session with the snapshots taken of it. Work in slices. All of it is of the
 * moment of the first step, in which everything is read that can change; histories cannot, as long as the collector is held.
 * @throws StateError where there is no such session
 */
export function* exportState(store: Store, tokenizer: string, session?: string): Generator<void, FileParts> {
  const { sessions, snapshots } = readRows(store, session);
  const visible = new VisibleSegments(store.history.segments);
  for (const { view } of sessions) visible.add(view);
  for (const { archived, restored } of snapshots) {
    visible.add(archived);
    visible.add(restored);
  }
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
  file.add(',"segments":[');
  for (const text of histories.segments()) {
    file.add(text);
    yield;
  }
  file.add(']');
  yield* addList(file, 'sessions', oneByOne(sessions, portable.session));
  yield* addList(file, 'snapshots', oneByOne(snapshots, portable.snapshot));
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

function* oneByOne<Row, Item extends object>(rows: readonly Row[], toItem: (row: Row) => Item): Generator<[Item]> {
  for (const row of rows) yield [toItem(row)];
}

/** By their ids, in the order in which rows name them. */
function readToolsets(store: Store, rows: readonly { toolset: number | null }[]): Map<number, Toolset> {
  const found = new Map<number, Toolset>();
  for (const { toolset } of rows) {
    if (toolset !== null && !found.has(toolset)) found.set(toolset, store.toolsets.read(toolset));
  }
  return found;
}

/** How rows stand in a file. */
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
