import type { ErrorCode } from '../../contract/errors.ts';
import { deriveFacts } from './derive-facts.ts';
import type { Facts } from './facts.ts';
import { type KeptText, keepText, memoryOf } from './kept-text.ts';
import { type Addressed, operationOf } from './operation-of.ts';

/** What one costs beside its texts, roughly: the object, its headers, its facts. */
const OWN_BYTES = 1_024;
const NONE: readonly string[] = [];

/** What was sent of a stream. */
export interface Streamed {
  events: number;
  /** How it ended; undefined while it runs. `left`: the reader had gone, or took nothing any more. */
  ended?: 'whole' | 'left' | 'failed';
}

/** Who asks, and for what. */
export interface Asked {
  method: string;
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  idempotencyKey: string | undefined;
}

/**
 * One request and its answer as references to what the server had in hand anyway. Nothing is read out of them before it is
 * asked for: this is made for every request.
 */
export class Exchange {
  /** Counts all requests of this process. */
  readonly n: number;
  /** Milliseconds since the epoch, on the emulator's clock. */
  readonly at: number;
  readonly asked: Asked;
  account: string | undefined;
  /** Kept to be taken out of what is shown. */
  key: string | undefined;
  /** The session that the body names. */
  bodySession: string | undefined;
  /** 0 while the request is under way. */
  status = 0;
  /** A fault dropped the connection: before anything was done where there is no status, else in place of the answer. */
  lost = false;
  /** Effects of the faults that acted on it. */
  faults: readonly string[] = NONE;
  code: ErrorCode | undefined;
  request: KeptText | undefined;
  requestBytes = 0;
  answer: KeptText | undefined;
  /** Of the answer. */
  headers: Readonly<Record<string, string>> | undefined;
  streamed: Streamed | undefined;
  told: Facts | undefined;
  /** At most what it takes in memory. */
  bytes = OWN_BYTES;
  #addressed: Addressed | undefined;
  #facts: Facts | undefined;

  constructor(n: number, at: number, asked: Asked) {
    this.n = n;
    this.at = at;
    this.asked = asked;
  }

  by(account: string, key: string): void {
    this.account = account;
    this.key = key;
  }

  of(session: string): void {
    this.bodySession = session;
  }

  refusedWith(code: ErrorCode): void {
    this.code = code;
  }

  lose(): void {
    this.lost = true;
  }

  struck(fault: string): void {
    this.faults = [...this.faults, fault];
  }

  get addressed(): Addressed {
    this.#addressed ??= operationOf(this.asked.method, this.asked.path);
    return this.#addressed;
  }

  get succeeded(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The session that it is about, as far as request and answer name one. */
  get session(): string | undefined {
    const { created, deleted } = this.facts;
    return this.addressed.ids.session ?? this.bodySession ?? created?.session ?? deleted?.session;
  }

  /** What it did. Nothing where it was refused, is under way, or was answered from memory. */
  get facts(): Facts {
    if (this.told?.reset) return this.told;
    if (!this.succeeded || this.headers?.['Idempotent-Replayed'] !== undefined) return {};
    this.#facts ??= deriveFacts(this);
    return { ...this.#facts, ...this.told };
  }

  /** The version of the session that the answer names. */
  get version(): number | undefined {
    const etag = this.headers?.ETag;
    return etag === undefined ? undefined : Number(etag.slice(1, -1));
  }

  keepRequest(bytes: Uint8Array): void {
    this.request = keepText(bytes);
    this.requestBytes = bytes.length;
    this.bytes += memoryOf(this.request);
  }

  keepAnswer(text: string): void {
    this.answer = keepText(text);
    this.bytes += memoryOf(this.answer);
  }
}
