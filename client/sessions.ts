import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
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
import { appendStream, type MessageSource } from './append-stream.ts';
import { type BareCall, type Call, type OptionalCall, readCall, readTarget, segment } from './call.ts';
import { type ListParams, type MessagesPage, Snapshots } from './snapshots.ts';

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
  snapshot: Snapshots = new Snapshots(this._client);

  /** Create a session. `messages` are its first append. */
  create(body: SessionCreateParams = {}, options?: OpenAI.RequestOptions): APIPromise<Session> {
    return this._client.post('/sessions', { body, ...options });
  }

  /** Get a session: what stands in its window, and the limits in force. */
  retrieve(...[target, options]: BareCall<'session_id'>): APIPromise<Session> {
    return this._client.get(`/sessions/${readTarget('session_id', target)}`, options);
  }

  /** Change title, metadata or tools. What is not given stays. */
  update(...call: Call<'session_id', UpdateSessionRequest>): APIPromise<Session> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}`, { body: params, ...options });
  }

  /** List the account's sessions, newest first. */
  list(query: ListParams = {}, options?: OpenAI.RequestOptions): PagePromise<SessionsPage, Session> {
    return this._client.getAPIList('/sessions', CursorPage<Session>, { query, ...options });
  }

  /** Delete a session. Its snapshots stay. */
  delete(...[target, options]: BareCall<'session_id'>): APIPromise<SessionDeleted> {
    return this._client.delete(`/sessions/${readTarget('session_id', target)}`, options);
  }

  /** Append one message or several, all of them or none, within `append_tokens`. */
  append(...call: Call<'session_id', SessionAppendParams>): APIPromise<SessionAppend> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/messages`, { body: params, ...options });
  }

  /**
   * Append messages as they come: each is one write, committed and acknowledged before the next is asked for more than a
   * little ahead. Nothing is retried; resent with the same `idempotencyKey`, what was committed is acknowledged again.
   * @returns acknowledgements, and in the end the session's state
   * @throws APIError for the first message that is refused; those acknowledged before stay
   */
  appendStream(
    target: string | { session_id: string },
    messages: MessageSource,
    options?: OpenAI.RequestOptions,
  ): AsyncGenerator<AppendAcknowledgement, AppendEnd> {
    return appendStream(this._client, `/sessions/${readTarget('session_id', target)}/messages`, messages, options);
  }

  /** List the window, oldest first. */
  messages(...call: OptionalCall<'session_id', ListParams>): PagePromise<MessagesPage, SessionMessage> {
    const { id, params: query, options } = readCall('session_id', call);
    return this._client.getAPIList(`/sessions/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Pin a message, so that it survives truncate and compress, or take its pin away. */
  pin(...call: Call<'session_id', SessionPinParams>): APIPromise<SessionMessage> {
    const { id, params, options } = readCall('session_id', call);
    const { message_id, pinned = true } = params;
    const path = `/sessions/${id}/messages/${segment('message_id', message_id)}`;
    return this._client.post(path, { body: { pinned }, ...options });
  }

  /** Cut the head of the window down to `preserve_len` tokens. */
  truncate(...call: Call<'session_id', TruncateRequest>): APIPromise<SessionTruncation> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/truncate`, { body: params, ...options });
  }

  /** Replace the window, but for tools, pins and what `preserve_len` keeps, by one structured summary. */
  compress(...call: OptionalCall<'session_id', CompressRequest>): APIPromise<SessionCompression> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/compress`, { body: params, ...options });
  }

  /** Bring back a snapshot taken of this session. */
  rollback(...call: Call<'session_id', RollbackRequest>): APIPromise<Session> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/rollback`, { body: params, ...options });
  }

  /** Create a session that begins where a snapshot, or a snapshot that another account shares, stands. */
  fork(
    ...call:
      | OptionalCall<'snapshot_id', SessionForkParams>
      | [params: SessionForkParams & { share_id: string }, options?: OpenAI.RequestOptions]
  ): APIPromise<Session> {
    const [first, second, third] = call;
    const body = typeof first === 'string' ? { snapshot_id: first, ...second } : first;
    const options = typeof first === 'string' ? third : second;
    return this._client.post('/sessions', { body, ...(options as OpenAI.RequestOptions) });
  }
}
