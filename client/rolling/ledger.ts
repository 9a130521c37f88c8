import type { Checkpoint, RollingState } from '../checkpoint.ts';

/** The state of a rolling session, written down before and after every step. */
export class Ledger {
  #state: RollingState;
  readonly #checkpoint: Checkpoint | undefined;

  constructor(state: RollingState, checkpoint: Checkpoint | undefined) {
    this.#state = state;
    this.#checkpoint = checkpoint;
  }

  get state(): Readonly<RollingState> {
    return this.#state;
  }

  /** The session. @throws Error where it has not been created yet, which `open` rules out */
  get session() {
    if (!this.#state.session) throw new Error('the session has not been created');
    return this.#state.session;
  }

  /** Number of a step that begins now. Takes effect with the change that it is part of. */
  get nextStep(): number {
    return this.#state.step + 1;
  }

  /** Takes a change over once it is written down. */
  async save(change: Partial<RollingState>): Promise<void> {
    const next = { ...this.#state, ...change };
    await this.#checkpoint?.save(next);
    this.#state = next;
  }

  /** The same for the same step, also in another process. */
  key(step: number, part: string | number): string {
    return `${this.#state.id}-${step}-${part}`;
  }
}
