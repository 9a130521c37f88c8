import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { characterFlags, Splitter } from '../../../emulator/engines/tokens/splitter.ts';
import { KIMI_K2, O200K_BASE } from '../../../emulator/engines/tokens/vocabulary-files.ts';
import { SPLIT } from './oracles.ts';
import { adversarialRuns, anyTexts, hardTexts, repositoryTexts, sharedTexts } from './texts.ts';

describe.each([O200K_BASE, KIMI_K2])('pieces under $name', ({ name, dialect }) => {
  const splitter = new Splitter(characterFlags(dialect));
  const split = (text: string): string[] => {
    const bytes = Buffer.from(text);
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = splitter.pieceEnd(bytes, at, bytes.length);
      pieces.push(bytes.toString('utf8', at, end));
      at = end;
    }
    return pieces;
  };
  const byPattern = (text: string): string[] => text.match(SPLIT[name]) ?? [];

  test('are what the published pattern matches, in texts full of hard cases', () => {
    fc.assert(
      fc.property(hardTexts(12), (text) => {
        expect(split(text)).toEqual(byPattern(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('are what the published pattern matches, in any text at all', () => {
    fc.assert(
      fc.property(anyTexts(60), (text) => {
        expect(split(text)).toEqual(byPattern(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(Object.entries(adversarialRuns(3_000)))('are what the pattern matches in a run: %s', (_, text) => {
    expect(split(text)).toEqual(byPattern(text));
  });

  test('are what the pattern matches in real text and code', () => {
    for (const [source, text] of [...repositoryTexts(), ...sharedTexts()]) {
      expect(split(text), source).toEqual(byPattern(text));
    }
  });
});
