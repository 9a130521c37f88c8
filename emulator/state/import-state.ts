import { createHash } from 'node:crypto';
import type { Limits } from '../../contract/limits.ts';
import { runInSlices } from '../engines/scheduler.ts';
import type { View } from '../store/history-rows.ts';
import type { Store } from '../store/store.ts';
import { checkState, requireWithin } from './check-state.ts';
import type { PortableState, PortableWindow } from './schema.ts';
import { unseal } from './seal.ts';
import type { StateParts } from './state.ts';
import { AlreadyHereError, StateError } from './state-error.ts';
import { writeHistories } from './write-histories.ts';

const MAX_NAMED = 5;
const MS = 1_000;

export interface ImportOptions {
  /** Puts everything into this key's account. Without it, each stays in the account of the key that it was made with. */
  key?: string;
}

/** Ids of what was taken in, in the order in which it was made. */
export interface Imported {
  sessions: string[];
  snapshots: string[];
}

/**
 * Takes in what a state file holds, all of it or nothing, in slices: other requests are answered meanwhile. Time moves on to the
 * newest instant in the file where it stands before that, so that it never runs backwards in a session.
 * @throws StateError in one line, where the file is damaged, newer, wrong in itself, or collides with what is here
 */
export async function importState(
  { store, limits, tokenizer, clock, seededIds }: StateParts,
  file: string | Uint8Array | object,
  { key }: ImportOptions,
): Promise<Imported> {
  const { generation } = store;
  const { state: value, hash } = await runInSlices(unseal(file));
  const checked = await runInSlices(checkState(value, tokenizer.name, limits));
  const { state } = checked;
  if (key !== undefined) moveInto(state, createHash('sha256').update(key).digest('hex'));
  const requireFit = (): void => {
    requireRoom(store, state, limits);
    requireNoCollision(store, state);
  };
  requireFit();
  const release = store.collector.hold();
  try {
    const segments = await runInSlices(writeHistories(store, checked));
    store.transaction(() => {
      if (store.generation !== generation) throw new StateError('the state was reset while the file was taken in');
      requireFit();
      writeRows(store, state, segments);
    });
  } finally {
    release();
  }
  // The file's ids may follow from the same seed as the next ones here would.
  seededIds?.diverge(hash);
  clock.reach(MS * newest(state));
  return { sessions: state.sessions.map(({ id }) => id), snapshots: state.snapshots.map(({ id }) => id) };
}

function moveInto(state: PortableState, account: string): void {
  for (const row of [...state.sessions, ...state.snapshots]) row.account = account;
}

/** Counts all accounts before anything is written: what a file holds is much quicker counted than taken in. */
function requireRoom(store: Store, { sessions, snapshots }: PortableState, limits: Limits): void {
  for (const [account, count] of countByAccount(sessions)) {
    requireWithin('sessions', count + store.sessions.count(account), limits);
  }
  for (const [account, count] of countByAccount(snapshots)) {
    requireWithin('snapshots', count + store.snapshots.count(account), limits);
  }
}

function countByAccount(rows: readonly { account: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { account } of rows) counts.set(account, (counts.get(account) ?? 0) + 1);
  return counts;
}

function requireNoCollision(store: Store, { sessions, snapshots }: PortableState): void {
  const shares = snapshots.flatMap(({ share }) => (share ? [share.share_id] : []));
  const ids = [...sessions.map(({ id }) => id), ...snapshots.map(({ id }) => id), ...shares];
  const taken = store.portableRows().taken(ids);
  if (taken.length === 0) return;
  const more = taken.length > MAX_NAMED ? ` and ${taken.length - MAX_NAMED} more` : '';
  throw new AlreadyHereError(
    `${taken.slice(0, MAX_NAMED).join(', ')}${more} of the file ${taken.length > 1 ? 'are' : 'is'} here already`,
  );
}

function newest({ sessions, snapshots }: PortableState): number {
  const times = [...sessions.map((row) => row.updated_at), ...snapshots.map((row) => row.created_at)];
  return times.reduce((latest, time) => Math.max(latest, time), 0);
}

/** Sessions and snapshots, by which all that was written before is seen. Part of a transaction. */
function writeRows(store: Store, state: PortableState, ids: readonly number[]): void {
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
      // What is written behind it is seen by nobody else.
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
