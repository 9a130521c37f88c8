import { expect, test } from 'vitest';
import { PieceMemo } from '../../../emulator/engines/tokens/byte-pair-tokenizer.ts';

const bytesOf = (text: string) => Buffer.from(text);

function remembered(memo: PieceMemo, text: string): number {
  const bytes = bytesOf(text);
  const place = memo.placeOf(bytes, 0, bytes.length);
  return place === -1 ? 0 : memo.countAt(place, bytes, 0, bytes.length);
}

function remember(memo: PieceMemo, text: string, count: number): void {
  const bytes = bytesOf(text);
  const place = memo.placeOf(bytes, 0, bytes.length);
  if (place !== -1) memo.remember(place, bytes, 0, bytes.length, count);
}

test('the count of a piece is stored, wherever the piece is', () => {
  const memo = new PieceMemo();
  remember(memo, 'kimi', 2);
  const bytes = bytesOf('the kimi emulator');
  expect(memo.countAt(memo.placeOf(bytes, 4, 8), bytes, 4, 8)).toBe(2);
  expect(remembered(memo, 'kim')).toBe(0);
});

test('of pieces that share a slot the last one is stored, and none is mistaken for another', () => {
  const memo = new PieceMemo();
  // Far more pieces than places, all of one length.
  const pieces = Array.from({ length: 120_000 }, (_, i) => `p${String(i).padStart(6, '0')}`);
  const countOf = (i: number) => 1 + (i % 6);
  const forgotten = pieces.filter((piece, i) => {
    remember(memo, piece, countOf(i));
    return remembered(memo, piece) !== countOf(i);
  });
  expect(forgotten).toEqual([]);
  const counts = pieces.map((piece) => remembered(memo, piece));
  expect(counts.every((count, i) => count === 0 || count === countOf(i))).toBe(true);
  expect(counts.filter((count) => count !== 0).length).toBeGreaterThan(4_000);
  expect(counts.filter((count) => count === 0).length).toBeGreaterThan(80_000);
});

test('the counts of long pieces are not stored', () => {
  const memo = new PieceMemo();
  remember(memo, 'x'.repeat(33), 3);
  expect(remembered(memo, 'x'.repeat(33))).toBe(0);
});
