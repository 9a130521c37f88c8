import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { characterFlags } from '../../../emulator/engines/tokens/character-flags.ts';
import { HeadSplits } from '../../../emulator/engines/tokens/head-splits.ts';
import { KIMI_K2, O200K_BASE } from '../../../emulator/engines/tokens/known-vocabularies.ts';
import { Splitter } from '../../../emulator/engines/tokens/splitter.ts';
import { TailSplits } from '../../../emulator/engines/tokens/tail-splits.ts';
import { hardTexts } from './texts.ts';

describe.each([O200K_BASE, KIMI_K2])('under $name', ({ dialect }) => {
  const splitter = new Splitter(characterFlags(dialect));

  function pieceEnds(bytes: Uint8Array, from: number, end: number): number[] {
    const ends: number[] = [];
    for (let at = from; at < end; ) {
      at = splitter.pieceEnd(bytes, at, end);
      ends.push(at);
    }
    return ends;
  }

  test('the pieces of every head are those of that head as a text of its own', () => {
    fc.assert(
      fc.property(hardTexts(8), (text) => {
        const bytes = Buffer.from(text);
        const closed: number[] = [];
        const found: number[][] = [];
        const wanted: number[][] = [];
        const heads = new HeadSplits(splitter, bytes, 0, (_, end) => closed.push(end));
        while (heads.at < bytes.length) {
          heads.step();
          const open = [heads.border, heads.at].filter((end) => end > heads.start);
          found.push([...new Set([...closed, ...open])]);
          wanted.push(pieceEnds(bytes, 0, heads.at));
        }
        expect(found).toEqual(wanted);
      }),
      { numRuns: 800 },
    );
  });

  test('the first piece of every tail is that of the tail as a text of its own', () => {
    fc.assert(
      fc.property(hardTexts(8), (text) => {
        const bytes = Buffer.from(text);
        const tails = new TailSplits(splitter, bytes, bytes.length, bytes.length);
        const found: number[] = [];
        const wanted: number[] = [];
        let start = bytes.length;
        for (const character of Array.from(text).reverse()) {
          start -= Buffer.byteLength(character);
          found.push(tails.pieceEndAt(start));
          wanted.push(splitter.pieceEnd(bytes, start, bytes.length));
        }
        expect(found).toEqual(wanted);
      }),
      { numRuns: 800 },
    );
  });
});
