import { ApiError } from '../errors.ts';

/** Sessions in which a turn or a compression runs. Any other change of them has to wait; reads need not. */
export class SessionLocks {
  #busy = new Set<string>();

  /** @throws ApiError `session_busy` */
  requireIdle(sessionId: string): void {
    if (this.#busy.has(sessionId)) {
      throw new ApiError('session_busy', { session: sessionId });
    }
  }

  /** Takes the session until the returned function is called. */
  acquire(sessionId: string): () => void {
    this.requireIdle(sessionId);
    const busy = this.#busy.add(sessionId);
    return () => {
      busy.delete(sessionId);
    };
  }

  /** Frees all: those who held a session release nothing that is taken from now on. */
  reset(): void {
    this.#busy = new Set();
  }
}
