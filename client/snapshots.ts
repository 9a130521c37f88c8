import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
import { CursorPage, type PagePromise } from 'openai/core/pagination';
import { APIResource } from 'openai/core/resource';
import type { SessionMessage } from '../contract/sessions.ts';
import type {
  CreateSnapshotRequest,
  Scope,
  SharedSnapshot,
  ShareRequest,
  Snapshot,
  SnapshotDeleted,
} from '../contract/snapshots.ts';
import { type CallArguments, readCall, readId, type SessionId, type ShareId, type SnapshotId } from './call.ts';

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
