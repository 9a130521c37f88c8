import type { CreateSessionRequest, RollbackRequest } from '../../contract/sessions.ts';
import type { CreateSnapshotRequest, Share, SharedSnapshot, ShareRequest, Snapshot } from '../../contract/snapshots.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { View } from '../store/entries.ts';
import type { ForkOrigin, SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import { insertSession } from './create.ts';
import { saveSession, toUsage } from './session.ts';
import { keepWithin, type PreparedCuts, requirePreserveLen } from './truncate.ts';

/**
 * Keeps the session's state for later: pointers only, whatever the window's size.
 * @throws ApiError `snapshot_limit_reached`, `preserve_len_too_small`
 */
export function takeSnapshot(
  services: Services,
  cuts: PreparedCuts,
  session: SessionRow,
  { preserve_len, name, metadata }: CreateSnapshotRequest,
): SnapshotRow {
  const { store, ids, clock } = services;
  requireRoomForSnapshot(services, session.account);
  const restored = preserve_len === undefined ? session.view : keepWithin(services, cuts, session, preserve_len);
  const id = ids('snapshot');
  store.snapshots.insert({
    id,
    account: session.account,
    sessionId: session.id,
    model: session.model,
    name: name ?? null,
    metadata: metadata ?? {},
    toolset: session.toolset,
    calls: session.calls,
    preserveLen: preserve_len ?? null,
    createdAt: unixSeconds(clock),
    archived: session.view,
    restored,
  });
  return requireSnapshot(services, session.account, id);
}

/** @throws ApiError `snapshot_limit_reached` */
export function requireRoomForSnapshot({ store, limits }: Services, account: string): void {
  if (store.snapshots.count(account) < limits.snapshots) return;
  throw new ApiError('snapshot_limit_reached', { limit: limits.snapshots });
}

/** @throws ApiError `snapshot_not_found`, also for a snapshot of another account */
export function requireSnapshot({ store }: Services, account: string, id: string, param = 'snapshot_id'): SnapshotRow {
  const snapshot = store.snapshots.find(account, id);
  if (!snapshot) throw new ApiError('snapshot_not_found', { snapshot: id, param });
  return snapshot;
}

/** Ends the snapshot and its share. Forks made from it live on. */
export function deleteSnapshot({ store }: Services, snapshot: SnapshotRow): void {
  store.snapshots.delete(snapshot.id);
  store.collector.markDirty(snapshot.archived.segment);
  store.collector.markDirty(snapshot.restored.segment);
  store.toolsets.release(snapshot.toolset);
}

/** Lets other accounts fork the snapshot. Sharing it again keeps the id and sets the new expiry. */
export function shareSnapshot(services: Services, snapshot: SnapshotRow, { expires_in }: ShareRequest): SnapshotRow {
  const expiresAt = expires_in == null ? null : unixSeconds(services.clock) + expires_in;
  const share = { id: snapshot.share?.id ?? services.ids('share'), expiresAt };
  services.store.snapshots.share(snapshot.id, share);
  return { ...snapshot, share };
}

/** @throws ApiError `share_not_found` where it is not shared */
export function unshareSnapshot({ store }: Services, snapshot: SnapshotRow): SnapshotRow {
  if (!snapshot.share) throw new ApiError('share_not_found', { snapshot: snapshot.id });
  store.snapshots.share(snapshot.id, null);
  return { ...snapshot, share: null };
}

/** A snapshot by its share, for any account. @throws ApiError `share_not_found`, also where it has expired */
export function requireShared({ store, clock }: Services, shareId: string): SnapshotRow {
  const snapshot = store.snapshots.findShared(shareId);
  const expiresAt = snapshot?.share?.expiresAt ?? null;
  if (!snapshot || (expiresAt !== null && expiresAt <= unixSeconds(clock)))
    throw new ApiError('share_not_found', { share: shareId, param: 'share_id' });
  return snapshot;
}

/**
 * Brings back a snapshot taken of this session: messages, pins, tools, and the model that they are counted for; not title and
 * metadata.
 * @throws ApiError `snapshot_not_found`, `snapshot_mismatch`, `preserve_len_too_small`
 */
export function rollback(
  services: Services,
  cuts: PreparedCuts,
  session: SessionRow,
  { snapshot_id, preserve_len }: RollbackRequest,
): SessionRow {
  const snapshot = requireSnapshot(services, session.account, snapshot_id);
  if (snapshot.sessionId !== session.id) {
    throw new ApiError('snapshot_mismatch', { snapshot: snapshot_id, origin: snapshot.sessionId });
  }
  const view = services.store.history.branch(choose(services, cuts, snapshot, preserve_len));
  return saveSession(services, session, { view, toolset: snapshot.toolset, model: snapshot.model });
}

/**
 * A new session that begins with a snapshot, or with another account's shared one. It shares nothing mutable.
 * @throws ApiError `session_limit_reached`, `snapshot_not_found`, `share_not_found`, `preserve_len_too_small`
 */
export function fork(
  services: Services,
  cuts: PreparedCuts,
  account: string,
  { snapshot_id, share_id, preserve_len, title, metadata }: Omit<CreateSessionRequest, 'model' | 'tools' | 'messages'>,
): SessionRow {
  const { snapshot, view, forkedFrom } =
    share_id === undefined
      ? forkOwn(services, cuts, account, snapshot_id ?? '', preserve_len)
      : forkShared(services, cuts, share_id, preserve_len);
  return insertSession(services, account, {
    model: snapshot.model,
    title: title ?? null,
    metadata: metadata ?? {},
    toolset: snapshot.toolset,
    calls: snapshot.calls,
    forkedFrom,
    view: services.store.history.branch(view),
  });
}

interface Origin {
  snapshot: SnapshotRow;
  view: View;
  forkedFrom: ForkOrigin;
}

function forkOwn(services: Services, cuts: PreparedCuts, account: string, id: string, preserveLen?: number): Origin {
  const snapshot = requireSnapshot(services, account, id);
  return { snapshot, view: choose(services, cuts, snapshot, preserveLen), forkedFrom: { snapshot_id: id } };
}

/** A share gives at most what the snapshot restores: `preserve_len` can only make it less. */
function forkShared(services: Services, cuts: PreparedCuts, id: string, preserveLen?: number): Origin {
  const snapshot = requireShared(services, id);
  const restored = { model: snapshot.model, view: snapshot.restored, toolset: snapshot.toolset };
  const view = preserveLen === undefined ? restored.view : keepWithin(services, cuts, restored, preserveLen);
  return { snapshot, view, forkedFrom: { share_id: id } };
}

function choose(
  services: Services,
  cuts: PreparedCuts,
  { model, archived, restored, toolset }: SnapshotRow,
  preserveLen: number | 'all' | undefined,
): View {
  if (preserveLen === undefined) return restored;
  if (preserveLen === 'all') return archived;
  requirePreserveLen(services, preserveLen);
  return keepWithin(services, cuts, { model, view: archived, toolset }, preserveLen);
}

export function rolledBackFacts(
  services: Services,
  snapshot: string,
  session: SessionRow,
): NonNullable<JournalEffects['rolled_back']> {
  return { snapshot, total: toUsage(services, session).total_tokens, first_place: session.view.floor };
}

export function toSnapshot(services: Services, row: SnapshotRow): Snapshot {
  const tools = services.store.toolsets.tokens(row.toolset);
  return {
    id: row.id,
    snapshot_id: row.id,
    object: 'session.snapshot',
    session_id: row.sessionId,
    name: row.name,
    metadata: row.metadata,
    preserve_len: row.preserveLen,
    usage: { total_tokens: tools + row.restored.tokens, tools_tokens: tools, messages: row.restored.messages },
    archived: { total_tokens: tools + row.archived.tokens, messages: row.archived.messages },
    created_at: row.createdAt,
    share: toShare(row),
  };
}

export function toSharedSnapshot(services: Services, row: SnapshotRow): SharedSnapshot {
  const { session_id, metadata, archived, ...shown } = toSnapshot(services, row);
  return shown;
}

function toShare({ share }: SnapshotRow): Share | null {
  return share && { share_id: share.id, expires_at: share.expiresAt };
}
