import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrefixSplits, SuffixSplits } from '../../../emulator/engines/tokens/incremental-splits.ts';
import { characterFlags, Splitter } from '../../../emulator/engines/tokens/splitter.ts';
import { KIMI_K2, O200K_BASE } from '../../../emulator/engines/tokens/vocabulary-files.ts';
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

  test('the pieces of every prefix are those of that prefix as a text of its own', () => {
    fc.assert(
      fc.property(hardTexts(8), (text) => {
        const bytes = Buffer.from(text);
        const closed: number[] = [];
        const found: number[][] = [];
        const wanted: number[][] = [];
        const prefixes = new PrefixSplits(splitter, bytes, 0, (_, end) => closed.push(end));
        while (prefixes.at < bytes.length) {
          prefixes.step();
          const open = [prefixes.border, prefixes.at].filter((end) => end > prefixes.start);
          found.push([...new Set([...closed, ...open])]);
          wanted.push(pieceEnds(bytes, 0, prefixes.at));
        }
        expect(found).toEqual(wanted);
      }),
      { numRuns: 800 },
    );
  });

  test('the first piece of every suffix is that of the suffix as a text of its own', () => {
    fc.assert(
      fc.property(hardTexts(8), (text) => {
        const bytes = Buffer.from(text);
        const suffixes = new SuffixSplits(splitter, bytes, bytes.length, bytes.length);
        const found: number[] = [];
        const wanted: number[] = [];
        let start = bytes.length;
        for (const character of Array.from(text).reverse()) {
          start -= Buffer.byteLength(character);
          found.push(suffixes.pieceEndAt(start));
          wanted.push(splitter.pieceEnd(bytes, start, bytes.length));
        }
        expect(found).toEqual(wanted);
      }),
      { numRuns: 800 },
    );
  });
});
