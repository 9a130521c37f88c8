import type { CreateSnapshotRequest, ShareRequest } from '../../contract/snapshots.ts';
import { unixSeconds } from '../clock.ts';
import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import type { PreparedCuts } from './prepared-cuts.ts';
import { keepWithin } from './truncate.ts';

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

/** Lets other accounts fork the snapshot. Shared again, it keeps its id and gets the new expiry. */
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
