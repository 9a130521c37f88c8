import { execFileSync, type StdioOptions } from 'node:child_process';

/**
 * Slow proofs run one slice at each commit and as a whole with `npm run test:all`: the slice is `KIMI_TEST_SLICE`, or the
 * commit's number. `all` takes everything.
 */
const SLICE = 'KIMI_TEST_SLICE';

/** Vitest's global setup: chooses the slice for all workers, and prints it, so that a red run can be repeated. */
export function setup(): void {
  const slice = process.env[SLICE] || headCommit();
  process.env[SLICE] = slice;
  console.log(`${SLICE}=${slice}`);
}

/** One in `every` of a list; all of them after `every` slices. */
export function slice<Item>(items: readonly Item[], every: number): Item[] {
  return items.filter((_, index) => isTurn(index, every));
}

/** Whether what stands at this place of a list is in the slice. */
export function isTurn(place: number, every: number): boolean {
  const start = sliceOf(every);
  return start === 'all' || place % every === start;
}

/** Steps through a list whose length is not known: where to begin, and how far each step goes. */
export function strideOf(every: number): { start: number; stride: number } {
  const start = sliceOf(every);
  return start === 'all' ? { start: 0, stride: 1 } : { start, stride: every };
}

function sliceOf(every: number): number | 'all' {
  const value = process.env[SLICE] ?? '0';
  if (value === 'all') return 'all';
  const number = Number(`0x${value.slice(0, 8)}`);
  if (!Number.isInteger(number)) throw new Error(`${SLICE} must be "all" or a hexadecimal number, not ${value}`);
  return number % every;
}

/** Outside of a repository, such as in an unpacked archive, always the same. */
function headCommit(): string {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8', stdio }).trim();
  } catch {
    return '0';
  }
}
