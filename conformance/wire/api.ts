import { ChatCompletion } from '../../contract/chat.ts';
import { listOf } from '../../contract/lists.ts';
import { Session, SessionAppend, SessionMessage } from '../../contract/sessions.ts';
import { Snapshot } from '../../contract/snapshots.ts';
import type { Budget } from '../core/budget.ts';
import { type CreatedResources, RUN_MARK } from '../core/created-resources.ts';
import { expectBody, expectEqual, expectTrue } from '../core/expect.ts';
import { Mismatch, NotSent } from '../core/verdict.ts';
import { type Connection, type StopCondition, Unresponsive } from './connection.ts';
import type { Exchanges } from './exchanges.ts';
import type { Reply } from './reply.ts';
import type { Message, State } from './sessions.ts';

const Messages = listOf(SessionMessage);
const Snapshots = listOf(Snapshot);
const LONGEST_PAGE = 100;
/** A window of more pages than this is endless. */
const MAX_PAGES = 200;

/** What a request may carry besides its path and JSON body. */
export interface SendOptions {
  headers?: Record<string, string>;
  /** Another key than the account's, or none. */
  key?: string | null;
  /** The body as it is, instead of JSON. */
  raw?: string | Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
  /** Stops reading, and drops the connection, once this says so. */
  stopWhen?: StopCondition;
}

export interface ApiOptions {
  connection: Connection;
  baseURL: string;
  key: string;
  /** How the account is called in the record of created resources. */
  account: string;
  exchanges: Exchanges;
  resources: CreatedResources;
  budget: Budget;
  /** What requests to a path carry where they do not say otherwise, because of the model that is tested. */
  defaults?: Readonly<Record<string, object>>;
  /** Aborted when the run is interrupted. */
  signal: AbortSignal;
}

/**
 * Plain requests in the name of one account. Nothing is repaired or hidden; whatever is created is noted for clean-up. Behind them the
 * calls that most cases are made of: each expects success. @throws Mismatch or Inconclusive otherwise
 */
export class Api {
  readonly account: string;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.account = options.account;
  }

  /** What tells sessions of this run from all others. */
  get mark(): Record<string, string> {
    return { [RUN_MARK]: this.#options.resources.run };
  }

  get(path: string, send?: SendOptions): Promise<Reply> {
    return this.send('GET', path, undefined, send);
  }

  post(path: string, body: unknown = {}, send?: SendOptions): Promise<Reply> {
    return this.send('POST', path, body, send);
  }

  delete(path: string, send?: SendOptions): Promise<Reply> {
    return this.send('DELETE', path, undefined, send);
  }

  /**
   * Paths are those below the base URL: `/sessions`.
   * @throws Inconclusive where no whole answer came, NotRun where the money is used up or the target is gone
   */
  async send(
    method: string,
    path: string,
    body?: unknown,
    { headers, raw, signal, stopWhen, key = this.#options.key }: SendOptions = {},
  ): Promise<Reply> {
    const { connection, baseURL, resources, budget, account, exchanges } = this.#options;
    const what = `${method} /v1${path}`;
    const full = this.#withDefaults(method, path, body);
    const content = raw ?? (full === undefined ? undefined : JSON.stringify(full));
    const reservation = budget.reserve({ method, path, content, body: full });
    const creates = resources.recordIntent(account, method, path);
    // What a creation made is known by its answer alone, so that no interruption drops it.
    const signals = [...(signal ? [signal] : []), ...(creates ? [] : [this.#options.signal])];
    try {
      const reply = await connection.send(
        what,
        {
          method,
          url: baseURL + path,
          headers: {
            ...(key !== null && { Authorization: `Bearer ${key}` }),
            ...(content !== undefined && { 'Content-Type': 'application/json' }),
            ...headers,
          },
          ...(content !== undefined && { body: content }),
          signal: AbortSignal.any(signals),
        },
        stopWhen,
      );
      exchanges.record(account, `${what} → ${reply.status} ${reply.text}`);
      resources.recordReply(account, method, path, reply);
      reservation.settle(reply);
      return reply;
    } catch (error) {
      exchanges.record(account, `${what} → ${error instanceof Error ? error.message : error}`);
      if (error instanceof NotSent || error instanceof Unresponsive) {
        resources.settle(account, method, path);
        reservation.release();
      }
      throw error;
    }
  }

  /** A fork has the model of what it is made from. */
  #withDefaults(method: string, path: string, body: unknown): unknown {
    const defaults = this.#options.defaults?.[path];
    if (!defaults || method !== 'POST' || typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    return 'snapshot_id' in body || 'share_id' in body ? body : { ...defaults, ...body };
  }

  /** A session that carries the mark of its run, unless the body has metadata of its own. */
  async createSession(body: object = {}): Promise<Session> {
    return expectBody(await this.post('/sessions', { metadata: this.mark, ...body }), Session);
  }

  async getSession(id: string): Promise<Session> {
    return expectBody(await this.get(`/sessions/${id}`), Session);
  }

  /** One write of one message, or of several. */
  async append(id: string, write: Message | Message[], send?: SendOptions): Promise<SessionAppend> {
    const body = Array.isArray(write) ? { messages: write } : write;
    return expectBody(await this.post(`/sessions/${id}/messages`, body, send), SessionAppend);
  }

  async createSnapshot(id: string, body: object = {}): Promise<Snapshot> {
    return expectBody(await this.post(`/sessions/${id}/snapshots`, body), Snapshot);
  }

  /** A turn that is not streamed. Carries `max_tokens`, because an answer without a limit could cost anything. */
  async chat(body: { model: string; [field: string]: unknown }): Promise<ChatCompletion> {
    return expectBody(await this.post('/chat/completions', { max_tokens: 64, ...body }), ChatCompletion);
  }

  /** All messages of a window, or of a snapshot (`/snapshots/ID/messages?scope=archived`), over all its pages. */
  async readMessages(path: string): Promise<SessionMessage[]> {
    const messages: SessionMessage[] = [];
    let after = '';
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const joint = path.includes('?') ? '&' : '?';
      const page = expectBody(await this.get(`${path}${joint}limit=${LONGEST_PAGE}${after}`), Messages);
      messages.push(...page.data);
      if (!page.has_more) return messages;
      expectTrue(page.data.length > 0, `GET ${path}: a page without messages says has_more`);
      after = `&after=${page.last_id}`;
    }
    throw new Mismatch(`GET ${path}: the pages do not end`);
  }

  windowOf(id: string): Promise<SessionMessage[]> {
    return this.readMessages(`/sessions/${id}/messages`);
  }

  async stateOf(id: string): Promise<State> {
    return { session: await this.getSession(id), messages: await this.windowOf(id) };
  }

  /** @throws Mismatch where the session is not exactly as it was */
  async expectUnchanged(before: State): Promise<void> {
    expectEqual(await this.stateOf(before.session.id), before, 'the session after a request that must change nothing');
  }

  /** The newest snapshots of a session. */
  async snapshotsOf(id: string): Promise<Snapshot[]> {
    return expectBody(await this.get(`/sessions/${id}/snapshots`), Snapshots).data;
  }

  /** Shares a snapshot. @returns the share_id @throws Mismatch, Inconclusive */
  async share(snapshotId: string, body: object = {}): Promise<string> {
    const reply = await this.post(`/snapshots/${snapshotId}/share`, body);
    const id = expectBody(reply, Snapshot).share?.share_id;
    if (id === undefined) throw new Mismatch(`${reply.what}: a share without a share_id`);
    return id;
  }
}
