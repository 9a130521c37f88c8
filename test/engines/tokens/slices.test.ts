import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { giveWay, inSlices, sliceIsOver } from '../../../emulator/engines/tokens/slices.ts';

/** Keeps the event loop busy. */
function holdFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('a slice is shared by all who count in one turn, and the next turn has its own', async () => {
  await nextTurn();
  expect(sliceIsOver()).toBe(false);
  holdFor(15);
  expect(sliceIsOver()).toBe(true);
  expect(sliceIsOver()).toBe(true);
  await giveWay();
  expect(sliceIsOver()).toBe(false);
});

test('work in slices yields its result, and lets others in between', async () => {
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
      await nextTurn();
      seen.push('other');
    }
  })();
  expect(await inSlices(work())).toBe('done');
  await others;
  expect(seen.lastIndexOf('work')).toBeGreaterThan(seen.indexOf('other'));
});

test('many who wait are let in over several turns', async () => {
  await nextTurn();
  const turns = new Set<number>();
  let turn = 0;
  let waiting = true;
  const watch = () => {
    turn++;
    if (waiting) setImmediate(watch);
  };
  setImmediate(watch);
  sliceIsOver();
  holdFor(15);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      if (sliceIsOver()) await giveWay();
      turns.add(turn);
      holdFor(5);
    }),
  );
  waiting = false;
  expect(turns.size).toBeGreaterThan(2);
});
