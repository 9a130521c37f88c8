import { expect, test } from 'vitest';
import { findToken, Neighbours, PairMerge, type Vocabulary } from '../../../emulator/engines/tokens/vocabulary.ts';
import { buildVocabulary } from '../../../emulator/engines/tokens/vocabulary-build.ts';
import { byteTokens, finish, tokenBytes } from './small-vocabulary.ts';

function pairMerge(vocabulary: Vocabulary): PairMerge {
  return new PairMerge(vocabulary, new Neighbours(vocabulary));
}

function merged(vocabulary: ReturnType<typeof buildVocabulary>, text: string): number[] {
  const merge = pairMerge(finish(vocabulary));
  const bytes = Buffer.from(text);
  const ids: number[] = [];
  merge.begin(bytes, 0, bytes.length);
  merge.advance(Number.POSITIVE_INFINITY);
  merge.appendTo(ids);
  return ids;
}

test('the lower rank merges first, and the left one of equals', () => {
  // ab 256, bc 257, abc 258, aa 259
  expect(merged(buildVocabulary(byteTokens('ab', 'bc', 'abc', 'aa')), 'abcbcaaa')).toEqual([258, 257, 259, 0x61]);
});

test('a token that no merging yields is never part of a longer piece, but is found whole', () => {
  // b and c merge first, after which nothing makes abc of a and bc.
  const tokens = byteTokens('bc', 'ab', 'abcd', 'cd');
  const vocabulary = finish(buildVocabulary(tokens));
  expect(findToken(vocabulary, Buffer.from('abcd'), 0, 4)).toBe(258);
  expect(merged(buildVocabulary(tokens), 'abcdx')).toEqual([0x61, 256, 0x64, 0x78]);
});

test('intermediate merges do not change the result', () => {
  const vocabulary = finish(buildVocabulary(byteTokens('ab', 'ba', 'aba', 'abab')));
  const bytes = Buffer.from('abaababbaabab'.repeat(50));
  const inOne = pairMerge(vocabulary);
  inOne.begin(bytes, 0, bytes.length);
  inOne.advance(Number.POSITIVE_INFINITY);
  const inSteps = pairMerge(vocabulary);
  inSteps.begin(bytes, 0, bytes.length);
  while (!inSteps.advance(1)) expect(inSteps.count).toBeLessThanOrEqual(bytes.length);
  expect(inSteps.count).toBe(inOne.count);
});

test('a long run takes few steps, though many tokens might begin anywhere in it', () => {
  const powers = [2, 4, 8, 16, 32, 64].map((length) => '-'.repeat(length));
  const others = Array.from({ length: 125 }, (_, i) => '-'.repeat(i + 3)).filter((token) => !powers.includes(token));
  const merge = pairMerge(finish(buildVocabulary(byteTokens(...powers, ...others))));
  const bytes = Buffer.from('-'.repeat(64 * 1_000));
  merge.begin(bytes, 0, bytes.length);
  let steps = 1;
  while (!merge.advance(1)) steps++;
  expect(merge.count).toBe(1_000);
  expect(steps).toBeLessThan(bytes.length / 2);
});

test.each([
  ['no token for byte 0', tokenBytes([Buffer.of(1)])],
  ['token 256 is empty or not unique', byteTokens('a')],
  ['token 256 is empty or not unique', byteTokens('')],
  ['token 256 is longer than 1024 bytes', byteTokens('a'.repeat(1_025))],
  ['more than 262143 tokens', tokenBytes(Array.from({ length: 262_144 }, () => Buffer.of(1)))],
])('refuses an invalid byte-pair vocabulary: %s', (problem, tokens) => {
  expect(() => finish(buildVocabulary(tokens))).toThrow(problem);
});
