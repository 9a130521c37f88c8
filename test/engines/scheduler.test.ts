import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runInSlices, sliceIsOver, yieldToEventLoop } from '../../emulator/engines/scheduler.ts';

/** Keeps the event loop busy. */
function holdFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('all work of one tick shares a slice, and the next tick has its own', async () => {
  await nextTick();
  expect(sliceIsOver()).toBe(false);
  holdFor(15);
  expect(sliceIsOver()).toBe(true);
  expect(sliceIsOver()).toBe(true);
  await yieldToEventLoop();
  expect(sliceIsOver()).toBe(false);
});

test('runs work in slices: returns its result, and lets other work run in between', async () => {
  const seen: string[] = [];
  function* work(): Generator<void, string> {
    for (let i = 0; i < 3; i++) {
      seen.push('work');
      holdFor(15);
      yield;
    }
    return 'done';
  }
  const others = (async () => {
    for (let i = 0; i < 3; i++) {
      await nextTick();
      seen.push('other');
    }
  })();
  expect(await runInSlices(work())).toBe('done');
  await others;
  expect(seen.lastIndexOf('work')).toBeGreaterThan(seen.indexOf('other'));
});

test('resumes many waiting works over several ticks', async () => {
  await nextTick();
  const ticks = new Set<number>();
  let tick = 0;
  let waiting = true;
  const watch = () => {
    tick++;
    if (waiting) setImmediate(watch);
  };
  setImmediate(watch);
  sliceIsOver();
  holdFor(15);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      if (sliceIsOver()) await yieldToEventLoop();
      ticks.add(tick);
      holdFor(5);
    }),
  );
  waiting = false;
  expect(ticks.size).toBeGreaterThan(2);
});
