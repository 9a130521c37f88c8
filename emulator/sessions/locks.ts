import { ApiError } from '../errors.ts';

/** Sessions in which a turn or a compression runs. Any other change of them has to wait; reads need not. */
export class SessionLocks {
  readonly #busy = new Set<string>();

  /** @throws ApiError `session_busy` */
  requireIdle(sessionId: string): void {
    if (this.#busy.has(sessionId)) {
      throw new ApiError(
        'session_busy',
        `The session ${sessionId} is busy with another request, please try again later`,
      );
    }
  }

  /** Takes the session until the returned function is called. */
  acquire(sessionId: string): () => void {
    this.requireIdle(sessionId);
    this.#busy.add(sessionId);
    return () => {
      this.#busy.delete(sessionId);
    };
  }
}
