import type { Session, SessionMessage, SessionState, Usage } from '../../contract/sessions.ts';
import type { Share, SharedSnapshot, Snapshot } from '../../contract/snapshots.ts';
import type { Services } from '../services.ts';
import type { Entry, NewEntry, NewMessage } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';

export function toUsage({ store, limits }: Services, { view, toolset }: Pick<SessionRow, 'view' | 'toolset'>): Usage {
  const tools = store.toolsets.tokens(toolset);
  const total = tools + view.tokens;
  return {
    total_tokens: total,
    tools_tokens: tools,
    remaining_tokens: limits.window_tokens - total,
    messages: view.messages,
  };
}

export function toSession(services: Services, row: SessionRow): Session {
  const { sessions, append_tokens, min_preserve_tokens, window_tokens, snapshots } = services.limits;
  return {
    id: row.id,
    session_id: row.id,
    object: 'session',
    model: row.model,
    title: row.title,
    metadata: row.metadata,
    tools: services.store.toolsets.read(row.toolset).tools,
    version: row.version,
    created_at: row.createdAt,
    updated_at: row.updatedAt,
    usage: toUsage(services, row),
    limits: { sessions, append_tokens, min_preserve_tokens, window_tokens, snapshots },
    forked_from: row.forkedFrom,
  };
}

export function toSessionState(services: Services, row: SessionRow): SessionState {
  return { id: row.id, version: row.version, usage: toUsage(services, row) };
}

/** What is shown of a message, stored or about to be. */
export type ShownMessage = NewMessage & Pick<Entry, 'tokens' | 'pinned'>;

export function toMessage(sessionId: string, message: ShownMessage): SessionMessage {
  const { role, content, name, tool_calls, tool_call_id } = message.body;
  return {
    id: message.id,
    object: 'session.message',
    session_id: sessionId,
    role,
    content,
    ...(name !== undefined && { name }),
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
    tokens: message.tokens,
    pinned: message.pinned,
    truncated: message.truncated,
    summary: message.summary,
    created_at: message.createdAt,
  };
}

export function writtenMessage(sessionId: string, { message, tokens, pinned }: NewEntry): SessionMessage {
  return toMessage(sessionId, { ...message, tokens, pinned });
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
