import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** Gives way to the event loop: `if (pacer.due()) await pacer.rest();` in every loop whose length the input decides. */
export class Pacer {
  #since = performance.now();

  due(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
