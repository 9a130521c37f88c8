import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work of this many milliseconds is followed by a turn of the event loop. */
const SLICE_MS = 6;

/** Lets long work give way to the event loop, and end where its request was given up. */
export class Pace {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** True when it is time to `await rest()`; cheap enough for every few thousand characters. */
  get due(): boolean {
    return performance.now() - this.#since > SLICE_MS;
  }

  /** Waits for the event loop. Throws the signal's reason once the request is given up. */
  async rest(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}
