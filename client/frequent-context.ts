import type { InputMessage, Tool } from '../contract/messages.ts';
import type { Session } from '../contract/sessions.ts';
import type { Snapshot } from '../contract/snapshots.ts';
import { fingerprint } from './checkpoint.ts';
import { isSessionError } from './errors.ts';
import type { KimiClient } from './kimi-client.ts';
import { type Sleep, sleep, withRetries } from './retry.ts';
import { Density, planWrites } from './rolling/fit.ts';
import { sumBytes } from './rolling/write.ts';
import type { SessionForkParams } from './sessions.ts';

export interface FrequentContextOptions {
  /** Names the context among others of the account. A new content under a name replaces the one before. */
  name: string;
  model?: string;
  tools?: Tool[];
  signal?: AbortSignal;
  /** Waits between tries, and for another process that is making the same. */
  sleep?: Sleep;
}

/** What not writing the same content again has saved. */
export interface Savings {
  /** Tokens of the content, as they stand in every fork. */
  tokens: number;
  forks: number;
  /** Tokens that would have been written, had each fork begun empty. */
  savedTokens: number;
}

const PAGE = 100;
const RETRIES = 6;

/**
 * Content that many sessions begin with, written once: kept as a snapshot under the hash of what it is, found again by later
 * runs, forked for each use. Concurrent first uses, also of several processes, make one.
 * @example
 * ```ts
 * const handbook = new FrequentContext(client, { name: 'handbook' });
 * const session = await handbook.fork('Rule 1: read the handbook.');
 * ```
 */
export class FrequentContext {
  readonly #client: KimiClient;
  readonly #options: FrequentContextOptions;
  readonly #known = new Map<string, Promise<Snapshot>>();
  readonly #savings: Savings = { tokens: 0, forks: 0, savedTokens: 0 };

  constructor(client: KimiClient, options: FrequentContextOptions) {
    this.#client = client;
    this.#options = options;
  }

  get savings(): Readonly<Savings> {
    return { ...this.#savings };
  }

  /** A new session that begins with the content. Close it like any other. */
  async fork(content: string | readonly InputMessage[], params: SessionForkParams = {}): Promise<Session> {
    const { signal } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const snapshot = await this.snapshot(content);
      try {
        const session = await this.#client.sessions.fork(snapshot.id, params, { signal });
        this.#count(snapshot);
        return session;
      } catch (error) {
        // Another process has dropped it.
        if (!isSessionError(error, 'snapshot_not_found') || attempt > 0) throw error;
        this.#known.clear();
      }
    }
  }

  /** The snapshot of the content, made where there is none. */
  async snapshot(content: string | readonly InputMessage[]): Promise<Snapshot> {
    const messages = typeof content === 'string' ? [{ role: 'system' as const, content, pinned: true }] : content;
    const { model, tools = [] } = this.#options;
    const hash = await fingerprint({ model, tools, messages });
    const known = this.#known.get(hash);
    if (known) return known;
    const finding = this.#findOrMake(hash, messages);
    this.#known.set(hash, finding);
    finding.catch(() => this.#known.delete(hash));
    return finding;
  }

  /** Deletes the snapshots kept under this name. Sessions that were forked from them live on. */
  async drop(): Promise<void> {
    this.#known.clear();
    for (const snapshot of await this.#stored()) await this.#delete(snapshot);
  }

  async #findOrMake(hash: string, messages: readonly InputMessage[]): Promise<Snapshot> {
    const stored = await this.#stored();
    const current = stored.find(({ metadata }) => metadata.content_hash === hash);
    const made = current ?? (await this.#make(hash, messages));
    for (const snapshot of stored) if (snapshot.id !== made.id) await this.#delete(snapshot);
    for (const other of this.#known.keys()) if (other !== hash) this.#known.delete(other);
    if (!current) this.#savings.savedTokens -= made.usage.total_tokens;
    return made;
  }

  /** Every step has a key that the content determines, so that several processes make one snapshot. */
  async #make(hash: string, messages: readonly InputMessage[]): Promise<Snapshot> {
    const key = await fingerprint([this.#options.name, hash]);
    const snapshot = await this.#makeUnder(key, hash, messages);
    if (snapshot && (await this.#exists(snapshot))) return snapshot;
    // Made within a day, dropped, and now wanted again: the server answers with what is gone.
    const again = await this.#makeUnder(`${key}-${crypto.randomUUID()}`, hash, messages);
    if (!again) throw new Error('the session of a frequent context was deleted while it was written');
    return again;
  }

  async #makeUnder(key: string, hash: string, messages: readonly InputMessage[]): Promise<Snapshot | undefined> {
    const { name, model, tools, signal } = this.#options;
    const step = (part: string | number) => ({ idempotencyKey: `${key}-${part}`, maxRetries: 0, signal });
    const { sessions } = this.#client;
    const body = { title: `frequent context ${name}`, ...(model !== undefined && { model }), ...(tools && { tools }) };
    const session = await this.#withRetries(() => sessions.create(body, step('create')));
    try {
      await this.#write(session, messages, step);
      const about = { name: body.title, metadata: { frequent_context: name, content_hash: hash } };
      return await this.#withRetries(() => sessions.snapshots.create(session.id, about, step('snapshot')));
    } catch (error) {
      if (isSessionError(error, 'session_not_found')) return undefined;
      throw error;
    } finally {
      // The snapshot is what counts; a session that stays behind costs one place.
      await this.#withRetries(() => sessions.delete(session.id, step('delete'))).catch(() => undefined);
    }
  }

  async #write(session: Session, messages: readonly InputMessage[], step: (part: number) => object): Promise<void> {
    const density = new Density(session.limits.append_tokens);
    const writes = planWrites(messages, density.maxBytes);
    for (let index = 0; writes[0]; ) {
      const [write] = writes;
      try {
        await this.#withRetries(() => this.#client.sessions.append(session.id, { messages: write }, step(index)));
        writes.shift();
        index += 1;
      } catch (error) {
        if (!isSessionError(error, 'append_too_large') || !density.refused(sumBytes(write))) throw error;
        writes.splice(0, 1, ...planWrites(write, density.maxBytes));
      }
    }
  }

  /** Every step has a key, so that it may be sent until it is answered. */
  #withRetries<Value>(work: () => Promise<Value>): Promise<Value> {
    const { signal, sleep: wait = sleep } = this.#options;
    return withRetries(work, { retries: RETRIES, sleep: wait, signal });
  }

  async #stored(): Promise<Snapshot[]> {
    const { name, signal } = this.#options;
    const found: Snapshot[] = [];
    for await (const snapshot of this.#client.sessions.snapshots.list({ limit: PAGE }, { signal })) {
      if (snapshot.metadata.frequent_context === name) found.push(snapshot);
    }
    return found;
  }

  async #exists(snapshot: Snapshot): Promise<boolean> {
    try {
      await this.#client.sessions.snapshots.retrieve(snapshot.id, { signal: this.#options.signal });
      return true;
    } catch (error) {
      if (isSessionError(error, 'snapshot_not_found')) return false;
      throw error;
    }
  }

  async #delete(snapshot: Snapshot): Promise<void> {
    await this.#client.sessions.snapshots.delete(snapshot.id).catch((error: unknown) => {
      if (!isSessionError(error, 'snapshot_not_found')) throw error;
    });
  }

  #count({ usage }: Snapshot): void {
    this.#savings.tokens = usage.total_tokens;
    this.#savings.forks += 1;
    this.#savings.savedTokens += usage.total_tokens;
  }
}
