import { expect, test } from 'vitest';
import {
  characterFlags,
  DIGIT,
  HAN,
  LOWER,
  NEWLINE,
  PUNCTUATION,
  SPACE,
  TRAILING,
  UPPER,
} from '../../../emulator/engines/tokens/splitter.ts';
import { tiktokenOracle } from './oracles.ts';

const NONE = /[^\s\S]/u;
const PATTERNS: [flag: number, o200k: RegExp, kimi: RegExp][] = [
  [UPPER, /[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]/u, /(?!\p{Script=Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]/u],
  [LOWER, /[\p{Ll}\p{Lm}\p{Lo}\p{M}]/u, /(?!\p{Script=Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}]/u],
  [PUNCTUATION, /[^\p{White_Space}\p{L}\p{N}]/u, /[^\p{White_Space}\p{L}\p{N}]/u],
  [DIGIT, /\p{N}/u, /\p{N}/u],
  [SPACE, /\p{White_Space}/u, /\p{White_Space}/u],
  [NEWLINE, /[\r\n]/u, /[\r\n]/u],
  [TRAILING, /[\r\n/]/u, /[\r\n]/u],
  [HAN, NONE, /\p{Script=Han}/u],
];

const o200k = characterFlags({ hanApart: false, trailingSlash: true, parted: false });
const kimi = characterFlags({ hanApart: true, trailingSlash: false, parted: false });

/** Beyond these planes nothing is assigned that a pattern names, except what tags and selectors there are. */
const ASSIGNED = [
  [0, 0xd7ff],
  [0xe000, 0x33fff],
  [0xe0000, 0xe0fff],
] as const;

/** Whether Node, by its own Unicode version, sees a character as the tables do. */
function nodeAgrees(code: number): boolean {
  const character = String.fromCodePoint(code);
  const [inO200k, inKimi] = [o200k[code] ?? 0, kimi[code] ?? 0];
  return PATTERNS.every(([flag, o200kPattern, kimiPattern]) => {
    const agrees = (flags: number, pattern: RegExp) => ((flags & flag) !== 0) === pattern.test(character);
    return agrees(inO200k, o200kPattern) && agrees(inKimi, kimiPattern);
  });
}

test('the checked-in classes are Unicode’s, and where Node’s version has others, the reference sides with the table', () => {
  const oracle = tiktokenOracle();
  // Punctuation takes an apostrophe along; after anything else it begins the contraction `'m`.
  const punctuationEnding = oracle("!'m").at(-1);
  const contested: number[] = [];
  for (const [first, last] of ASSIGNED) {
    for (let code = first; code <= last; code++) if (!nodeAgrees(code)) contested.push(code);
  }
  expect(o200k.subarray(0x34000, 0xe0000).every((flags) => flags === PUNCTUATION)).toBe(true);
  expect(o200k.subarray(0xe1000).every((flags) => flags === PUNCTUATION)).toBe(true);
  for (const code of contested) {
    const isPunctuation = o200k[code] === PUNCTUATION;
    const ending = oracle(`${String.fromCodePoint(code)}'m`).at(-1);
    expect(ending === punctuationEnding, `U+${code.toString(16)}`).toBe(isPunctuation);
  }
  // Each version of Unicode adds some 5,000 characters; more would mean that the table is wrong.
  expect(contested.length).toBeLessThan(16_000);
});
