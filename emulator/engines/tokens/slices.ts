import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long counting, whoever asked for it, holds the event loop before it gives way. */
const SLICE_MS = 8;
/** How long it holds the loop at most, by beginning what has given way once already. */
const OVERDUE_MS = 20;

let sliceStart = 0;

/**
 * Whether the present slice is used up. All counting of one turn of the event loop shares one slice, so that a thousand
 * small texts in a row hold it no longer than one long text does.
 */
export function sliceIsOver(): boolean {
  return sliceAgeMs() > SLICE_MS;
}

/**
 * Lets everything else that waits have its turn. Comes back in the next turn even if a longer work has used that turn's slice up
 * before, lest it wait for that work's end.
 */
export async function giveWay(): Promise<void> {
  do await nextTurn();
  while (sliceAgeMs() > OVERDUE_MS);
}

/** How long ago counting began in this turn of the event loop; it begins with the first call. */
function sliceAgeMs(): number {
  const now = performance.now();
  if (sliceStart === 0) {
    sliceStart = now;
    setImmediate(() => {
      sliceStart = 0;
    });
  }
  return now - sliceStart;
}

/** Steps of well under a microsecond each, at most some twenty, that work in slices takes between two yields. */
export const STEPS_A_YIELD = 256;

/** Runs work that yields every millisecond or so, in slices. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    if (sliceIsOver()) await giveWay();
    const step = work.next();
    if (step.done) return step.value;
  }
}
