import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;
/** Steps between two looks at the clock; a step takes mostly well under a tenth of a millisecond. */
const STEPS_PER_CHECK = 4;

/** Gives way to the event loop: `if (pacer.due()) await pacer.rest();` in every loop whose length the input decides. */
export class Pacer {
  #since = performance.now();
  #steps = 0;

  due(): boolean {
    return ++this.#steps % STEPS_PER_CHECK === 0 && performance.now() - this.#since >= SLICE_MS;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
