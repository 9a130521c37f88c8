import { setImmediate as nextTick } from 'node:timers/promises';

/**
 * The one scheduler: long work runs in slices of `SLICE_MS` and lets the event loop run in between. Everything whose length
 * a request decides uses it:
 *
 * - in a loop, `if (sliceIsOver()) await yieldToEventLoop(signal);` every few thousand characters, or every millisecond;
 *   with `SMALL_STEPS` where steps are shorter
 * - synchronous code as a generator that yields every millisecond or so, under `runInSlices`
 *
 * A process has one event loop, so all work of one tick shares one slice, whichever emulator asked for it.
 */

/** Milliseconds that work may hold the event loop before it yields. */
const SLICE_MS = 5;
/** Milliseconds that it holds the loop at most, by resuming work that has yielded once already. */
const OVERDUE_MS = 20;
/** Steps, of well under a microsecond to some twenty, between two yields of a generator. */
export const STEPS_PER_YIELD = 256;

/** For `sliceIsOver` in loops whose steps mostly take less than 0.1 ms: looking at the clock would cost more than the step. */
export const SMALL_STEPS = 4;

/** When the slice of the present tick began; 0 before any. A property of the event loop, of which a process has one. */
let sliceStart = 0;
let calls = 0;

/**
 * Whether the slice of the present tick is used up. The first call of a tick begins a slice.
 * @param stride look at the clock at every such call only
 */
export function sliceIsOver(stride = 1): boolean {
  return ++calls % stride === 0 && sliceAgeMs() > SLICE_MS;
}

/**
 * Lets all other work run first. Resumes in the next tick even if other work has used that tick's slice up, unless it is
 * overdue: otherwise one long work would keep all others waiting.
 * @throws the reason of `signal`, once that is aborted
 */
export async function yieldToEventLoop(signal?: AbortSignal): Promise<void> {
  do await nextTick();
  while (sliceAgeMs() > OVERDUE_MS);
  signal?.throwIfAborted();
}

/** Between two steps of which each takes milliseconds: lets other work run where the slice is used up. */
export async function yieldIfOver(): Promise<void> {
  if (sliceIsOver()) await yieldToEventLoop();
}

/**
 * Runs work that yields every millisecond or so, in slices.
 * @throws what the work throws
 * @example const state = await runInSlices(checkState(file));
 */
export async function runInSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    if (sliceIsOver()) await yieldToEventLoop();
    const step = work.next();
    if (step.done) return step.value;
  }
}

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
