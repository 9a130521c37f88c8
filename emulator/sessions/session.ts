import type { Session, SessionMessage, SessionState, Usage } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { Entry, NewEntry, NewMessage } from '../store/entries.ts';
import type { PastChange } from '../store/past.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { asSent, type MediaSource } from './media.ts';
import type { ReadMessage, Write } from './write.ts';

/**
 * @param param the field that names the session, where it is not the path
 * @throws ApiError `session_not_found`, also for a session of another account
 */
export function requireSession({ store }: Services, account: string, id: string, param?: string): SessionRow {
  const session = store.sessions.find(account, id);
  if (!session) throw new ApiError('session_not_found', { session: id, param });
  return session;
}

/** What a change may ask for before its transaction, when it can still wait. */
export interface Preparing<Loaded = SessionRow> {
  /** Where the pictures and videos of the request are. */
  readonly media: MediaSource;
  /** Loads the session. @throws ApiError `session_not_found`, `version_conflict`, `session_busy` */
  load(): Loaded;
  /** Loads the session, and locks it until the request ends. @throws as `load` does */
  hold(): Loaded;
  /** Stores the bytes that a write's messages refer to, in slices. */
  storeBlobs(write: Pick<Write, 'blobs'>): Promise<void>;
}

/** A change of state: what has to be awaited before it, such as counting, and what it does in its transaction. */
export interface Change<Prepared, Loaded = SessionRow> {
  prepare?(mutation: Preparing<Loaded>): Promise<Prepared>;
  /** May run more than once, with nothing left of the run before: see `PreparedCuts`. */
  apply(session: Loaded, prepared: Prepared): Applied;
}

/** What a change has done: its answer, and what the journal, the bill and faults are to know. */
export interface Applied {
  body: object;
  status?: 200 | 201;
  version?: number;
  /** The body as it is written, where another server wrote it. */
  text?: string;
  effects?: JournalEffects;
  history?: HistoryStep;
  /** For the session's past. */
  past?: PastChange;
  newTokens?: number;
  /** The text of an answer that is streamed. */
  streamed?: string;
}

/** What has become of a session's history, for the bill of a client without sessions. */
interface HistoryStep {
  session: string;
  step: 'created' | 'written' | 'deleted' | { restored: string } | { snapshot: string };
  /** Messages that were written. */
  items?: readonly ReadMessage[];
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
  const { view, model, toolset, title, metadata } = after;
  const sameFields =
    model === before.model && toolset === before.toolset && title === before.title && metadata === before.metadata;
  return sameFields && view.segment === before.view.segment;
}

export function sameTools({ store }: Services, { toolset }: SessionRow, { tools }: Toolset): boolean {
  return JSON.stringify(store.toolsets.read(toolset).tools) === JSON.stringify(tools);
}

type Counted = Pick<SessionRow, 'model' | 'view' | 'toolset'>;

export function toUsage({ store, profiles }: Services, { model, view, toolset }: Counted): Usage {
  const tools = store.toolsets.tokens(toolset);
  const total = tools + view.tokens;
  return {
    total_tokens: total,
    tools_tokens: tools,
    remaining_tokens: profiles.of(model).limits.window_tokens - total,
    messages: view.messages,
  };
}

export function toSession(services: Services, row: SessionRow): Session {
  const { sessions, append_tokens, min_preserve_tokens, window_tokens, snapshots } = services.profiles.of(
    row.model,
  ).limits;
  const toolset = services.store.toolsets.read(row.toolset);
  return {
    id: row.id,
    session_id: row.id,
    object: 'session',
    model: row.model,
    title: row.title,
    metadata: row.metadata,
    get tools() {
      return toolset.tools;
    },
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
type ShownMessage = NewMessage & Pick<Entry, 'tokens' | 'reasoning' | 'pinned'>;

/** @param keptAfter where the window begins to keep reasoning: see `History.reasoning` */
export function toMessage(
  sessionId: string,
  message: ShownMessage & { seq: number },
  keptAfter: number,
): SessionMessage {
  return showMessage(sessionId, message, message.seq > keptAfter);
}

/** Messages that were written together, at the end of the window. */
export function writtenMessages(sessionId: string, written: readonly NewEntry[]): SessionMessage[] {
  const border = written.findLastIndex((entry) => entry.border);
  return written.map(({ message, tokens, reasoning, pinned }, place) =>
    showMessage(sessionId, { ...message, tokens, reasoning, pinned }, place > border),
  );
}

/** Its tokens are what it takes in the window now: those of its reasoning too where that is kept. */
function showMessage(sessionId: string, message: ShownMessage, keepsReasoning: boolean): SessionMessage {
  const { role, content, name, tool_calls, tool_call_id, reasoning_content, tools } = message.body;
  return {
    id: message.id,
    object: 'session.message',
    session_id: sessionId,
    role,
    content: Array.isArray(content) ? content.map(asSent) : content,
    ...(name !== undefined && { name }),
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
    ...(reasoning_content !== undefined && { reasoning_content }),
    ...(tools && { tools }),
    tokens: message.tokens + (keepsReasoning ? message.reasoning : 0),
    ...(message.reasoning > 0 && { reasoning_tokens: message.reasoning }),
    pinned: message.pinned,
    truncated: message.truncated,
    summary: message.summary,
    created_at: message.createdAt,
  };
}
