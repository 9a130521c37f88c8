import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../../emulator/engines/compression/ranking.ts';

describe('Heap', () => {
  it('gives items by falling score, the smaller number first among equals', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (scores) => {
        const heap = new Heap(scores.length);
        for (const [item, score] of scores.entries()) heap.push(item, score);
        const sorted = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
        expect(scores.map(() => heap.pop())).toEqual(sorted);
        expect([heap.pop(), heap.best]).toEqual([-1, Number.NEGATIVE_INFINITY]);
      }),
    );
  });

  it('takes items again while others are taken out', () => {
    const heap = new Heap(3);
    for (const [item, score] of [5, 9, 7].entries()) heap.push(item, score);
    expect(heap.pop()).toBe(1);
    heap.push(1, 6);
    expect([heap.best, heap.pop(), heap.pop(), heap.pop()]).toEqual([7, 2, 1, 0]);
  });
});
