import { createHash } from 'node:crypto';
import type { Limits } from '../../contract/limits.ts';
import { runInSlices } from '../engines/scheduler.ts';
import type { View } from '../store/entries.ts';
import type { PortableRows } from '../store/portable-rows.ts';
import type { Store } from '../store/store.ts';
import { type CheckedState, checkState, requireWithin } from './check-state.ts';
import type { PortableState, PortableWindow } from './schema.ts';
import type { StateParts } from './state.ts';
import { AlreadyHereError, type Imported, type ImportOptions, StateError, unseal } from './state-file.ts';

const MAX_NAMED = 5;
const MS = 1_000;

/**
 * Imports everything from a state file, or nothing, in slices: other requests are answered meanwhile. A clock that is before the
 * latest time in the file is moved forward to it, so that time never runs backwards in a session.
 * @throws StateError in one line if the file is damaged, newer or invalid, or if its ids already exist
 */
export async function importState(
  { store, limits, profiles, tokenizer, clock, seededIds }: StateParts,
  file: string | Uint8Array | object,
  { key }: ImportOptions,
): Promise<Imported> {
  const { generation } = store;
  const { state: value, hash } = await runInSlices(unseal(file));
  const checked = await runInSlices(checkState(value, { tokenizer, limits, profiles }));
  const { state } = checked;
  if (key !== undefined) moveInto(state, createHash('sha256').update(key).digest('hex'));
  const requireFit = (): void => {
    requireRoom(store, state, limits);
    requireNoCollision(store, state);
  };
  requireFit();
  const release = store.collector.pause();
  const held: (() => void)[] = [];
  try {
    for (const blob of checked.blobs) held.push(await store.blobs.put(blob));
    const segments = await runInSlices(writeHistories(store, checked));
    store.transaction(() => {
      if (store.generation !== generation) throw new StateError('the state was reset during the import');
      requireFit();
      writeRows(store, state, segments);
    });
  } finally {
    for (const free of held) free();
    release();
  }
  // The file's ids may come from the same seed as the next ones here would.
  seededIds?.diverge(hash);
  clock.reach(MS * newest(state));
  return { sessions: state.sessions.map(({ id }) => id), snapshots: state.snapshots.map(({ id }) => id) };
}

function moveInto(state: PortableState, account: string): void {
  for (const row of [...state.sessions, ...state.snapshots, ...(state.files ?? [])]) row.account = account;
}

/** Counts all accounts before anything is written: counting is much faster than importing. */
function requireRoom(store: Store, { sessions, snapshots, files = [] }: PortableState, limits: Limits): void {
  for (const [account, count] of countByAccount(sessions)) {
    requireWithin('sessions', count + store.sessions.count(account), limits);
  }
  for (const [account, count] of countByAccount(snapshots)) {
    requireWithin('snapshots', count + store.snapshots.count(account), limits);
  }
  for (const [account, count] of countByAccount(files)) {
    requireWithin('files', count + store.files.usage(account).count, limits);
  }
}

function countByAccount(rows: readonly { account: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { account } of rows) counts.set(account, (counts.get(account) ?? 0) + 1);
  return counts;
}

function requireNoCollision(store: Store, { sessions, snapshots, files = [] }: PortableState): void {
  const shares = snapshots.flatMap(({ share }) => (share ? [share.share_id] : []));
  const ids = [...[...sessions, ...snapshots, ...files].map(({ id }) => id), ...shares];
  const taken = store.portableRows().taken(ids);
  if (taken.length === 0) return;
  const more = taken.length > MAX_NAMED ? ` and ${taken.length - MAX_NAMED} more` : '';
  throw new AlreadyHereError(
    `${taken.slice(0, MAX_NAMED).join(', ')}${more} of the file already ${taken.length > 1 ? 'exist' : 'exists'}`,
  );
}

function newest({ sessions, snapshots, files = [] }: PortableState): number {
  const times = [...sessions.map((row) => row.updated_at), ...[...snapshots, ...files].map((row) => row.created_at)];
  return times.reduce((latest, time) => Math.max(latest, time), 0);
}

/** Writes the files, and the sessions and snapshots, which make the histories visible. Part of a transaction. */
function writeRows(store: Store, state: PortableState, ids: readonly number[]): void {
  for (const { created_at, ...file } of state.files ?? []) {
    store.files.insert({ ...file, size: store.blobs.size(file.hash) ?? 0, createdAt: created_at });
  }
  const { segments } = store.history;
  const toolsets = state.toolsets.map((toolset) => store.toolsets.insert(toolset));
  const viewOf = ({ segment, ...view }: PortableWindow): View | undefined => {
    const number = segment === null ? undefined : ids[segment];
    return number === undefined ? undefined : { ...view, segment: number };
  };
  for (const { toolset, forked_from, created_at, updated_at, window, ...row } of state.sessions) {
    const view = viewOf(window);
    store.sessions.insert({
      ...row,
      toolset: toolset === null ? null : (toolsets[toolset] ?? null),
      forkedFrom: forked_from,
      createdAt: created_at,
      updatedAt: updated_at,
      // A segment of its own: nothing else sees later entries.
      view: view ? { ...view, segment: segments.graft(view.segment, view.head, view.floor) } : segments.create(),
    });
  }
  for (const { toolset, session_id, preserve_len, created_at, share, archived, restored, ...row } of state.snapshots) {
    store.snapshots.insert({
      ...row,
      toolset: toolset === null ? null : (toolsets[toolset] ?? null),
      sessionId: session_id,
      preserveLen: preserve_len,
      createdAt: created_at,
      archived: viewOf(archived) ?? segments.create(),
      restored: viewOf(restored) ?? segments.create(),
    });
    if (share) store.snapshots.share(row.id, { id: share.share_id, expiresAt: share.expires_at });
  }
}

/** Entries written in one transaction: a few milliseconds of work. */
const ENTRIES_A_STEP = 100;

/**
 * Writes the histories of a state file, which no window shows yet. Runs in slices, one transaction per step. All of it is marked
 * dirty while the collector is paused: if the import fails, even by a kill, it is removed.
 * @returns the segments' ids, in the order of the file
 */
function* writeHistories(store: Store, { state, histories }: CheckedState): Generator<void, number[]> {
  const { segments } = store.history;
  const messages = new Messages(store.portableRows(), state.messages);
  const ids: number[] = [];
  for (const [index, { parent, parent_seq }] of state.segments.entries()) {
    const segment = store.transaction(() => {
      const made = segments.graft(parent === null ? null : (ids[parent] ?? null), parent_seq, 1);
      store.collector.markDirty(made);
      return made;
    });
    ids.push(segment);
    const entries = histories.laid(index);
    for (let from = 0; from < entries.length; from += ENTRIES_A_STEP) {
      store.transaction(() => messages.place(segment, entries.slice(from, from + ENTRIES_A_STEP)));
      yield;
    }
  }
  return ids;
}

type Entries = ReturnType<CheckedState['histories']['laid']>;

/** Writes each message with the first entry that shows it, so that removing the entry removes it. */
class Messages {
  readonly #rows: PortableRows;
  readonly #messages: CheckedState['state']['messages'];
  readonly #ids: number[] = [];

  constructor(rows: PortableRows, messages: CheckedState['state']['messages']) {
    this.#rows = rows;
    this.#messages = messages;
  }

  place(segment: number, entries: Entries): void {
    for (const entry of entries) {
      const calls = 'tool_calls' in entry.body || 'tool_call_id' in entry.body;
      this.#rows.insertEntry(segment, { ...entry, message: this.#write(entry.message), calls });
    }
  }

  #write(number: number): number {
    const known = this.#ids[number];
    if (known !== undefined) return known;
    const message = this.#messages[number];
    if (!message) throw new RangeError(`there is no message number ${number}`);
    const { id, created_at, truncated, summary, body } = message;
    const written = this.#rows.insertMessage({ id, createdAt: created_at, truncated, summary, body });
    this.#ids[number] = written;
    return written;
  }
}
