import type { CreateSessionRequest, UpdateSessionRequest } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { Services } from '../services.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { append } from './append.ts';
import { requireSession, sameTools, saveSession, toUsage } from './session.ts';
import type { Write } from './write.ts';

/** A new session, with its first messages as one append. @throws ApiError `session_limit_reached`, or as append does */
export function createSession(
  services: Services,
  account: string,
  {
    model = services.profiles.default,
    title = null,
    metadata,
  }: Pick<CreateSessionRequest, 'model' | 'title' | 'metadata'>,
  tools: Toolset,
  write: Write,
): SessionRow {
  services.profiles.require(model);
  const session = insertSession(services, account, {
    model,
    title,
    metadata: metadata ?? {},
    toolset: services.store.toolsets.insert(tools),
    calls: 0,
    forkedFrom: null,
    view: services.store.history.create(),
  });
  requireWindow(services, session);
  if (write.items.length === 0) return session;
  const { session: written } = append(services, session, write);
  const first = { ...written, version: session.version };
  services.store.sessions.update(first);
  return first;
}

/** @throws ApiError `session_limit_reached` */
export function insertSession(
  services: Services,
  account: string,
  fields: Pick<SessionRow, 'model' | 'title' | 'metadata' | 'toolset' | 'calls' | 'forkedFrom' | 'view'>,
): SessionRow {
  const { store, limits, ids, clock } = services;
  if (store.sessions.count(account) >= limits.sessions) {
    throw new ApiError('session_limit_reached', { limit: limits.sessions });
  }
  const now = unixSeconds(clock);
  const id = ids('session');
  store.sessions.insert({ ...fields, id, account, version: 1, createdAt: now, updatedAt: now });
  return requireSession(services, account, id);
}

/** Title, metadata and tools; what is not given stays. The version steps only where something changes. */
export function updateSession(
  services: Services,
  session: SessionRow,
  update: Pick<UpdateSessionRequest, 'title' | 'metadata'>,
  tools: Toolset | undefined,
): SessionRow {
  const change: Partial<SessionRow> = {};
  if (update.title !== undefined && update.title !== session.title) change.title = update.title;
  const metadata = update.metadata === null ? {} : update.metadata;
  if (metadata && JSON.stringify(metadata) !== JSON.stringify(session.metadata)) change.metadata = metadata;
  if (tools && !sameTools(services, session, tools)) change.toolset = services.store.toolsets.insert(tools);
  if (Object.keys(change).length === 0) return session;
  requireWindow(services, { ...session, ...change });
  return saveSession(services, session, change);
}

/** Frees the session's place. Its snapshots stay. */
export function deleteSession({ store }: Services, session: SessionRow): void {
  store.sessions.delete(session.id);
  store.history.forget(session.view);
  store.collector.markDirty(session.view.segment);
  store.toolsets.release(session.toolset);
}

function requireWindow(services: Services, session: SessionRow): void {
  const { total_tokens } = toUsage(services, session);
  const limit = services.profiles.of(session.model).limits.window_tokens;
  if (total_tokens > limit) {
    throw new ApiError('context_window_exceeded', { limit, requested: total_tokens, used: total_tokens });
  }
}
