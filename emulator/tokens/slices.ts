import { setImmediate as immediate } from 'node:timers/promises';

/** How long counting, whoever asked for it, may hold the event loop before others get their turn. */
const SLICE_MS = 8;

let sliceEnd = 0;

/**
 * Whether the present slice is used up. All counting of one turn of the event loop shares one slice, so that a thousand
 * small texts in a row hold it no longer than one long text does.
 */
export function sliceIsOver(): boolean {
  const now = performance.now();
  if (sliceEnd !== 0) return now > sliceEnd;
  sliceEnd = now + SLICE_MS;
  setImmediate(() => {
    sliceEnd = 0;
  });
  return false;
}

/** Lets everything else that waits have its turn. */
export async function nextTurn(): Promise<void> {
  await immediate();
}

/** Runs work that yields every millisecond or so, in slices. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    if (sliceIsOver()) await nextTurn();
    const step = work.next();
    if (step.done) return step.value;
  }
}
