import type { APIPromise } from 'openai';
import OpenAI from 'openai';
import { CursorPage, type PagePromise } from 'openai/core/pagination';
import { APIResource } from 'openai/core/resource';
import type { InputMessage } from '../contract/messages.ts';
import type {
  AppendAcknowledgement,
  AppendEnd,
  CompressRequest,
  CreateSessionRequest,
  RollbackRequest,
  Session,
  SessionAppend,
  SessionCompression,
  SessionDeleted,
  SessionMessage,
  SessionTruncation,
  TruncateRequest,
  UpdateSessionRequest,
} from '../contract/sessions.ts';
import type {
  CreateSnapshotRequest,
  Scope,
  SharedSnapshot,
  ShareRequest,
  Snapshot,
  SnapshotDeleted,
} from '../contract/snapshots.ts';
import { DEFAULT_MODEL } from './defaults.ts';
import { appendStream, type MessageSource } from './streams.ts';

export type SessionCreateParams = Omit<CreateSessionRequest, 'snapshot_id' | 'share_id' | 'preserve_len'>;
export type SessionAppendParams = InputMessage | { messages: InputMessage[] };

/** What a fork keeps for itself, and how much of the snapshot it takes. */
export type SessionForkParams = Pick<CreateSessionRequest, 'preserve_len' | 'title' | 'metadata'>;

export interface SessionPinParams {
  message_id: string;
  pinned?: boolean;
}

export type SessionsPage = CursorPage<Session>;

/** Long-context sessions: the server keeps the messages, the client sends new ones only. */
export class Sessions extends APIResource {
  snapshots: Snapshots = new Snapshots(this._client);
  /** Another name of `snapshots`: the one that the article about the session API uses. */
  snapshot: Snapshots = this.snapshots;

  /**
   * Create a session. `messages` are its first append; `model` is `kimi-k3` where none is named.
   * @example
   * ```ts
   * const { session_id } = await client.sessions.create({ messages: [{ role: 'system', content: 'Be brief.' }] });
   * ```
   */
  create(body: SessionCreateParams = {}, options?: OpenAI.RequestOptions): APIPromise<Session> {
    return this._client.post('/sessions', { body: { ...body, model: body.model ?? DEFAULT_MODEL }, ...options });
  }

  /** Get a session, with the tokens and messages in its window and the limits in force. */
  retrieve(session: string | SessionId, options?: OpenAI.RequestOptions): APIPromise<Session> {
    return this._client.get(`/sessions/${readId('session_id', session)}`, options);
  }

  /** Change title, metadata or tools. Fields that are left out keep their values. */
  update(session_id: string, params: UpdateSessionRequest, options?: OpenAI.RequestOptions): APIPromise<Session>;
  update(params: UpdateSessionRequest & SessionId, options?: OpenAI.RequestOptions): APIPromise<Session>;
  update(...call: CallArguments): APIPromise<Session> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}`, { body: params, ...options });
  }

  /** List the account's sessions, newest first. */
  list(query: ListParams = {}, options?: OpenAI.RequestOptions): PagePromise<SessionsPage, Session> {
    return this._client.getAPIList('/sessions', CursorPage<Session>, { query, ...options });
  }

  /** Delete a session. Its snapshots stay. */
  delete(session: string | SessionId, options?: OpenAI.RequestOptions): APIPromise<SessionDeleted> {
    return this._client.delete(`/sessions/${readId('session_id', session)}`, options);
  }

  /** Append one message or several, all of them or none, within `append_tokens`. */
  append(session_id: string, params: SessionAppendParams, options?: OpenAI.RequestOptions): APIPromise<SessionAppend>;
  append(params: SessionAppendParams & SessionId, options?: OpenAI.RequestOptions): APIPromise<SessionAppend>;
  append(...call: CallArguments): APIPromise<SessionAppend> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/messages`, { body: params, ...options });
  }

  /**
   * Append messages as they come: each is one write, committed and acknowledged before the next is asked for more than a
   * little ahead. Nothing is retried; resent with the same `idempotencyKey`, what was committed is acknowledged again.
   * @returns acknowledgements, and in the end the session's state
   * @throws APIError for the first message that is refused; those acknowledged before stay
   * @example
   * ```ts
   * const lines = ['one', 'two'].map((content) => ({ role: 'user' as const, content }));
   * for await (const { index, usage } of client.sessions.appendStream(session_id, lines)) {
   *   console.log(index, usage.total_tokens);
   * }
   * ```
   */
  appendStream(
    session: string | SessionId,
    messages: MessageSource,
    options?: OpenAI.RequestOptions,
  ): AsyncGenerator<AppendAcknowledgement, AppendEnd> {
    return appendStream(this._client, `/sessions/${readId('session_id', session)}/messages`, messages, options);
  }

  /** List the window, oldest first. */
  messages(
    session_id: string,
    params?: ListParams | null,
    options?: OpenAI.RequestOptions,
  ): PagePromise<MessagesPage, SessionMessage>;
  messages(params: ListParams & SessionId, options?: OpenAI.RequestOptions): PagePromise<MessagesPage, SessionMessage>;
  messages(...call: CallArguments): PagePromise<MessagesPage, SessionMessage> {
    const { id, params: query, options } = readCall('session_id', call);
    return this._client.getAPIList(`/sessions/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Pin a message, so that it survives truncate and compress, or take its pin away. */
  pin(session_id: string, params: SessionPinParams, options?: OpenAI.RequestOptions): APIPromise<SessionMessage>;
  pin(params: SessionPinParams & SessionId, options?: OpenAI.RequestOptions): APIPromise<SessionMessage>;
  pin(...call: CallArguments): APIPromise<SessionMessage> {
    const { id, params, options } = readCall('session_id', call);
    const { message_id, pinned = true } = params as SessionPinParams;
    const path = `/sessions/${id}/messages/${segment('message_id', message_id)}`;
    return this._client.post(path, { body: { pinned }, ...options });
  }

  /** Cut the head of the window down to `preserve_len` tokens. */
  truncate(session_id: string, params: TruncateRequest, options?: OpenAI.RequestOptions): APIPromise<SessionTruncation>;
  truncate(params: TruncateRequest & SessionId, options?: OpenAI.RequestOptions): APIPromise<SessionTruncation>;
  truncate(...call: CallArguments): APIPromise<SessionTruncation> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/truncate`, { body: params, ...options });
  }

  /** Replace the window, but for tools, pins and what `preserve_len` keeps, by one structured summary. */
  compress(
    session_id: string,
    params?: CompressRequest | null,
    options?: OpenAI.RequestOptions,
  ): APIPromise<SessionCompression>;
  compress(params: CompressRequest & SessionId, options?: OpenAI.RequestOptions): APIPromise<SessionCompression>;
  compress(...call: CallArguments): APIPromise<SessionCompression> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/compress`, { body: params, ...options });
  }

  /** Bring back a snapshot taken of this session. */
  rollback(session_id: string, params: RollbackRequest, options?: OpenAI.RequestOptions): APIPromise<Session>;
  rollback(params: RollbackRequest & SessionId, options?: OpenAI.RequestOptions): APIPromise<Session>;
  rollback(...call: CallArguments): APIPromise<Session> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/rollback`, { body: params, ...options });
  }

  /** Create a session that begins where a snapshot, or a snapshot that another account shares, stands. */
  fork(snapshot_id: string, params?: SessionForkParams | null, options?: OpenAI.RequestOptions): APIPromise<Session>;
  fork(params: SessionForkParams & (SnapshotId | ShareId), options?: OpenAI.RequestOptions): APIPromise<Session>;
  fork(...[first, second, third]: CallArguments): APIPromise<Session> {
    if (typeof first === 'string')
      return this._client.post('/sessions', { body: { snapshot_id: first, ...second }, ...third });
    return this._client.post('/sessions', { body: first, ...(second as OpenAI.RequestOptions | undefined) });
  }
}

/** Parameters of every list. `after` is the id of the last item seen. */
export interface ListParams {
  limit?: number;
  after?: string;
  order?: 'asc' | 'desc';
}

export interface SnapshotListParams extends ListParams {
  /** Snapshots of this session only; without it, of the whole account. */
  session_id?: string;
}

export interface SnapshotMessageListParams extends ListParams {
  /** `restored` (default): what a rollback brings back. `archived`: the whole window as it stood. */
  scope?: Scope;
}

export interface SnapshotSearchParams extends SnapshotMessageListParams {
  /** Words that a message must hold, all of them, whatever their case. */
  query: string;
}

export type SnapshotsPage = CursorPage<Snapshot>;
export type MessagesPage = CursorPage<SessionMessage>;

/** Keep, find and share states of sessions. */
export class Snapshots extends APIResource {
  /** Keep the session's state. `preserve_len` says how much of it a rollback brings back; without it, all. */
  create(
    session_id: string,
    params?: CreateSnapshotRequest | null,
    options?: OpenAI.RequestOptions,
  ): APIPromise<Snapshot>;
  create(params: CreateSnapshotRequest & SessionId, options?: OpenAI.RequestOptions): APIPromise<Snapshot>;
  create(...call: CallArguments): APIPromise<Snapshot> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/snapshots`, { body: params, ...options });
  }

  /** List snapshots, newest first: of one session, or of the account, also those of sessions that are gone. */
  list(
    target?: string | SnapshotListParams | null,
    options?: OpenAI.RequestOptions,
  ): PagePromise<SnapshotsPage, Snapshot> {
    const { session_id, ...query } = typeof target === 'string' ? { session_id: target } : (target ?? {});
    const path = session_id === undefined ? '/snapshots' : `/sessions/${readId('session_id', session_id)}/snapshots`;
    return this._client.getAPIList(path, CursorPage<Snapshot>, { query, ...options });
  }

  /** Get a snapshot. */
  retrieve(snapshot: string | SnapshotId, options?: OpenAI.RequestOptions): APIPromise<Snapshot> {
    return this._client.get(`/snapshots/${readId('snapshot_id', snapshot)}`, options);
  }

  /** Delete a snapshot and end its share. Sessions that were forked from it live on. */
  delete(snapshot: string | SnapshotId, options?: OpenAI.RequestOptions): APIPromise<SnapshotDeleted> {
    return this._client.delete(`/snapshots/${readId('snapshot_id', snapshot)}`, options);
  }

  /** List the messages of a snapshot, oldest first. */
  messages(
    snapshot_id: string,
    params?: SnapshotMessageListParams | null,
    options?: OpenAI.RequestOptions,
  ): PagePromise<MessagesPage, SessionMessage>;
  messages(
    params: SnapshotMessageListParams & SnapshotId,
    options?: OpenAI.RequestOptions,
  ): PagePromise<MessagesPage, SessionMessage>;
  messages(...call: CallArguments): PagePromise<MessagesPage, SessionMessage> {
    const { id, params: query, options } = readCall('snapshot_id', call);
    return this._client.getAPIList(`/snapshots/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Find messages of a snapshot by the words they hold, newest first. Searches all that it archives. */
  search(
    snapshot_id: string,
    params: SnapshotSearchParams,
    options?: OpenAI.RequestOptions,
  ): PagePromise<MessagesPage, SessionMessage>;
  search(
    params: SnapshotSearchParams & SnapshotId,
    options?: OpenAI.RequestOptions,
  ): PagePromise<MessagesPage, SessionMessage>;
  search(...call: CallArguments): PagePromise<MessagesPage, SessionMessage> {
    const { id, params, options } = readCall('snapshot_id', call);
    const query = { scope: 'archived', ...params };
    return this._client.getAPIList(`/snapshots/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Let other accounts fork the snapshot. Shared again, it keeps its id and gets the new expiry. */
  share(snapshot_id: string, params?: ShareRequest | null, options?: OpenAI.RequestOptions): APIPromise<Snapshot>;
  share(params: ShareRequest & SnapshotId, options?: OpenAI.RequestOptions): APIPromise<Snapshot>;
  share(...call: CallArguments): APIPromise<Snapshot> {
    const { id, params, options } = readCall('snapshot_id', call);
    return this._client.post(`/snapshots/${id}/share`, { body: params, ...options });
  }

  /** End the share of a snapshot. */
  unshare(snapshot: string | SnapshotId, options?: OpenAI.RequestOptions): APIPromise<Snapshot> {
    return this._client.delete(`/snapshots/${readId('snapshot_id', snapshot)}/share`, options);
  }

  /** Get a snapshot that was shared, by its share's id, from any account. */
  shared(share: string | ShareId, options?: OpenAI.RequestOptions): APIPromise<SharedSnapshot> {
    return this._client.get(`/shares/${readId('share_id', share)}`, options);
  }
}

/** What names a session, a snapshot or a share where the id stands among the parameters. */
export interface SessionId {
  session_id: string;
}
export interface SnapshotId {
  snapshot_id: string;
}
export interface ShareId {
  share_id: string;
}

/**
 * The arguments of a method in either spelling: the SDK's, with the id first, or one object that holds the id as well, as in
 * `sessions.truncate({ session_id, preserve_len })`. The overloads of each method say what it takes.
 */
type CallArguments = [target: string | object, params?: object | null, options?: OpenAI.RequestOptions | undefined];

interface ReadCall {
  /** Safe as one segment of a path. */
  id: string;
  params: object;
  options: OpenAI.RequestOptions | undefined;
}

/** Reads either spelling. @throws OpenAIError where the id is missing or cannot stand in a path */
function readCall(name: string, [target, second, third]: CallArguments): ReadCall {
  if (typeof target === 'string') return { id: segment(name, target), params: second ?? {}, options: third };
  const { [name]: id, ...params } = (target ?? {}) as Record<string, unknown>;
  return { id: segment(name, id), params, options: (second ?? undefined) as OpenAI.RequestOptions | undefined };
}

/** The id of a method that takes nothing else, safe as one segment of a path. @throws OpenAIError as `readCall` */
function readId<Name extends string>(name: Name, target: string | Record<Name, string>): string {
  return segment(name, typeof target === 'string' ? target : target?.[name]);
}

/** An id as a segment of a path. A path would silently lose `.` and `..`, and so address something else. */
function segment(name: string, id: unknown): string {
  if (typeof id !== 'string' || id === '' || id === '.' || id === '..') {
    throw new OpenAI.OpenAIError(`${name} must be an id, not ${JSON.stringify(id) ?? 'undefined'}`);
  }
  return encodeURIComponent(id);
}
