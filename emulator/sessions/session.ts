import type { Session, SessionMessage, SessionState, Usage } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { Services } from '../services.ts';
import type { Entry, NewEntry, NewMessage } from '../store/entries.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';

/**
 * @param param the field that names the session, where it is not the path
 * @throws ApiError `session_not_found`, also for a session of another account
 */
export function requireSession({ store }: Services, account: string, id: string, param?: string): SessionRow {
  const session = store.sessions.find(account, id);
  if (!session) throw new ApiError('session_not_found', { session: id, param });
  return session;
}

/** Stores a session's changes, one version on. @returns it as it is then */
export function saveSession(services: Services, session: SessionRow, change: Partial<SessionRow>): SessionRow {
  const next = { ...session, ...change, version: session.version + 1, updatedAt: unixSeconds(services.clock) };
  if (onlyAdvances(session, next)) services.store.sessions.advance(next);
  else services.store.sessions.update(next);
  if (next.view.segment !== session.view.segment || next.view.floor !== session.view.floor) {
    services.store.collector.markDirty(session.view.segment);
  }
  if (next.toolset !== session.toolset) services.store.toolsets.release(session.toolset);
  return next;
}

function onlyAdvances(before: SessionRow, after: SessionRow): boolean {
  const { view, toolset, title, metadata } = after;
  const sameFields = toolset === before.toolset && title === before.title && metadata === before.metadata;
  return sameFields && view.segment === before.view.segment;
}

export function sameTools({ store }: Services, { toolset }: SessionRow, { tools }: Toolset): boolean {
  return JSON.stringify(store.toolsets.read(toolset).tools) === JSON.stringify(tools);
}

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
type ShownMessage = NewMessage & Pick<Entry, 'tokens' | 'pinned'>;

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
