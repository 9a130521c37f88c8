import { it, type TestFunction } from 'vitest';
import { isTurn } from './slice.ts';

/**
 * Vitest's `it` for tests that take seconds each: one in `every` of those of a file runs at each commit, and all of them
 * with `KIMI_TEST_SLICE=all`.
 * @example
 * const itInTurn = inTurn(2);
 * itInTurn('compiles with module nodenext', async () => …);
 */
export function inTurn(every: number): (title: string, body: TestFunction) => void {
  let count = 0;
  return (title, body) => {
    it.runIf(isTurn(count, every))(title, body);
    count += 1;
  };
}
