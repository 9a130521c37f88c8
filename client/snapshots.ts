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
import { type BareCall, type Call, type OptionalCall, readCall, readTarget } from './call.ts';

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
  create(...call: OptionalCall<'session_id', CreateSnapshotRequest>): APIPromise<Snapshot> {
    const { id, params, options } = readCall('session_id', call);
    return this._client.post(`/sessions/${id}/snapshots`, { body: params, ...options });
  }

  /** List snapshots, newest first: of one session, or of the account, also those of sessions that are gone. */
  list(
    target?: string | SnapshotListParams | null,
    options?: OpenAI.RequestOptions,
  ): PagePromise<SnapshotsPage, Snapshot> {
    const { session_id, ...query } = typeof target === 'string' ? { session_id: target } : (target ?? {});
    const path =
      session_id === undefined ? '/snapshots' : `/sessions/${readTarget('session_id', session_id)}/snapshots`;
    return this._client.getAPIList(path, CursorPage<Snapshot>, { query, ...options });
  }

  /** Get a snapshot. */
  retrieve(...[target, options]: BareCall<'snapshot_id'>): APIPromise<Snapshot> {
    return this._client.get(`/snapshots/${readTarget('snapshot_id', target)}`, options);
  }

  /** Delete a snapshot and end its share. Sessions that were forked from it live on. */
  delete(...[target, options]: BareCall<'snapshot_id'>): APIPromise<SnapshotDeleted> {
    return this._client.delete(`/snapshots/${readTarget('snapshot_id', target)}`, options);
  }

  /** List the messages of a snapshot, oldest first. */
  messages(...call: OptionalCall<'snapshot_id', SnapshotMessageListParams>): PagePromise<MessagesPage, SessionMessage> {
    const { id, params: query, options } = readCall('snapshot_id', call);
    return this._client.getAPIList(`/snapshots/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Find messages of a snapshot by the words they hold, newest first. Searches all that it archives. */
  search(...call: Call<'snapshot_id', SnapshotSearchParams>): PagePromise<MessagesPage, SessionMessage> {
    const { id, params, options } = readCall('snapshot_id', call);
    const query = { scope: 'archived', ...params };
    return this._client.getAPIList(`/snapshots/${id}/messages`, CursorPage<SessionMessage>, { query, ...options });
  }

  /** Let other accounts fork the snapshot. Shared again, it keeps its id and gets the new expiry. */
  share(...call: OptionalCall<'snapshot_id', ShareRequest>): APIPromise<Snapshot> {
    const { id, params, options } = readCall('snapshot_id', call);
    return this._client.post(`/snapshots/${id}/share`, { body: params, ...options });
  }

  /** End the share of a snapshot. */
  unshare(...[target, options]: BareCall<'snapshot_id'>): APIPromise<Snapshot> {
    return this._client.delete(`/snapshots/${readTarget('snapshot_id', target)}/share`, options);
  }

  /** Get a snapshot that was shared, by its share's id, from any account. */
  shared(...[target, options]: BareCall<'share_id'>): APIPromise<SharedSnapshot> {
    return this._client.get(`/shares/${readTarget('share_id', target)}`, options);
  }
}
