import type { CreateSessionRequest, RollbackRequest } from '../../contract/sessions.ts';
import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { View } from '../store/entries.ts';
import type { ForkOrigin, SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import { changed } from './append.ts';
import { insertSession } from './create.ts';
import type { PreparedCuts } from './prepared-cuts.ts';
import { requireShared, requireSnapshot } from './snapshot.ts';
import { keepWithin, requirePreserveLen } from './truncate.ts';

/**
 * Brings back a snapshot taken of this session: messages, pins and tools; not title, metadata and model.
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
  return changed(services, session, { view, toolset: snapshot.toolset });
}

/**
 * A new session that begins where a snapshot, or another account's shared one, stands. It shares nothing mutable.
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
  const restored = { view: snapshot.restored, toolset: snapshot.toolset };
  const view = preserveLen === undefined ? restored.view : keepWithin(services, cuts, restored, preserveLen);
  return { snapshot, view, forkedFrom: { share_id: id } };
}

function choose(
  services: Services,
  cuts: PreparedCuts,
  { archived, restored, toolset }: SnapshotRow,
  preserveLen: number | 'all' | undefined,
): View {
  if (preserveLen === undefined) return restored;
  if (preserveLen === 'all') return archived;
  requirePreserveLen(services, preserveLen);
  return keepWithin(services, cuts, { view: archived, toolset }, preserveLen);
}
