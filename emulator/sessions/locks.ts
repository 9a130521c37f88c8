import { ApiError } from '../api-error.ts';

/** What belongs to one request while it runs: sessions in which a turn or a compression runs, and idempotency keys. */
export class Locks {
  #sessions = new Set<string>();
  #keys = new Set<string>();

  /** Any other change of a held session has to wait; reads need not. @throws ApiError `session_busy` */
  requireIdle(sessionId: string): void {
    if (this.#sessions.has(sessionId)) throw new ApiError('session_busy', { session: sessionId });
  }

  /** Holds the session until the returned function is called. @throws ApiError `session_busy` */
  acquire(sessionId: string): () => void {
    this.requireIdle(sessionId);
    const sessions = this.#sessions.add(sessionId);
    return () => void sessions.delete(sessionId);
  }

  /** Holds the key until the returned function is called. @throws ApiError `request_in_progress` */
  claimKey(key: string): () => void {
    if (this.#keys.has(key)) throw new ApiError('request_in_progress', {});
    const keys = this.#keys.add(key);
    return () => void keys.delete(key);
  }

  /** Frees all: those who held something release nothing that is held from now on. */
  reset(): void {
    this.#sessions = new Set();
    this.#keys = new Set();
  }
}
