import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { characterFlags, PUNCTUATION } from '../../../emulator/engines/tokens/splitter.ts';
import { SHARED } from './oracles.ts';

/** What the alternatives of the split patterns tell apart, and what sits on their borders. */
const FRAGMENTS = [
  ...['a', 'b', 'the', 'ing', 'A', 'B', 'HTTP', 'ǅ', 'ß', 'ſ', 'é', 'İ', 'я', 'Я', 'ѐ', 'α', 'Ω', 'ﬁ'],
  ...['ʰ', 'ª', 'あ', 'カー', '한국', 'ไทย', 'ع', 'א', 'क्षि', 'ー'],
  ...['中', '的', '石头记', '〇', '々', '〆', '⺀', '〡', '𠀀', '\u{16ff0}', '\u{16fe2}', '，', '。', '「'],
  ...['\u0301', '\u0300\u0301', '\u20dd', '\ufe0f', '\u093f', '\u200d'],
  ...['0', '12', '345', '６', '½', '²', '٣', 'Ⅷ', '①'],
  ...[' ', '  ', '\t', '\u00a0', '\u3000', '\u0085', '\u2028', '\ufeff', '\u200b', '\u000b'],
  ...['\n', '\r\n', '\r', '\n\n', ' \n', '\n '],
  ...["'", "'s", "'S", "'ſ", "'t", "'LL", "'lL", "'re", "'vE", "'m", "'d", "'x", "''", '’s'],
  ...['/', '//', '!', '...', '---', '=====', '{"', '":', '_', '<|im_end|>', '<|endoftext|>', '\0', '\x7f'],
  ...['😀', '👩‍👩‍👧', '🇨🇳', '\u{e0100}', '\u{10ffff}', '\ufffd', '\ufffe', '\u{1c89}'],
];

const flags = characterFlags({ hanApart: false, trailingSlash: false, parted: false });

/** Characters that Node's Unicode version knows and the reference's does not, or the other way round, become an `x`. */
function agreedOn(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (character) => {
    const known = flags[character.codePointAt(0) ?? 0] !== PUNCTUATION;
    return known === /[\p{L}\p{N}\p{M}\p{White_Space}]/u.test(character) ? character : 'x';
  });
}

/** Any text at all of at most so many characters. */
export function anyTexts(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength }).map(agreedOn);
}

const fragment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...FRAGMENTS) },
  { weight: 1, arbitrary: anyTexts(4) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...FRAGMENTS), fc.integer({ min: 2, max: 40 })).map(([s, n]) => s.repeat(n)),
  },
);

/** Texts of at most so many fragments, nearly all of them hard cases. */
export function hardTexts(maxFragments: number): fc.Arbitrary<string> {
  return fc.array(fragment, { maxLength: maxFragments }).map((fragments) => fragments.join(''));
}

/** Texts with one or two pieces of hundreds of bytes, among hard cases. */
export function longTexts(): fc.Arbitrary<string> {
  const repeated = fc
    .tuple(fc.constantFrom(...FRAGMENTS, 'aB', 'あA', 'Aあ', 'ab中', 'qwertyuiop'), fc.integer({ min: 20, max: 260 }))
    .map(([fragment, times]) => fragment.repeat(times).slice(0, 400));
  const mixed = (alphabet: string) =>
    fc.array(fc.constantFrom(...alphabet), { minLength: 150, maxLength: 400 }).map((letters) => letters.join(''));
  const long = fc.oneof(repeated, mixed('abcdefghijklmnopqrstuvwxyz'), mixed('abcあいABC'), mixed('!?-=/.*#'));
  return fc
    .tuple(hardTexts(2), long, hardTexts(2), fc.option(long, { nil: '' }), hardTexts(2))
    .map((parts) => parts.join(''));
}

/** Runs of one kind, of a given number of characters: what makes ordinary pair merging quadratic. */
export function adversarialRuns(characters: number): Record<string, string> {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const from = (alphabet: string) => {
    const letters = Array.from(alphabet);
    return Array.from({ length: characters }, () => letters[random(letters.length)]).join('');
  };
  const lowerCase = 'abcdefghijklmnopqrstuvwxyz';
  return {
    'one letter': 'a'.repeat(characters),
    'one Han character': '中'.repeat(characters),
    'random letters': from(lowerCase),
    'mixed case': from(lowerCase + lowerCase.toUpperCase()),
    spaces: ' '.repeat(characters),
    'line ends and spaces': from('\n  '),
    emoji: '😀'.repeat(characters),
    digits: from('0123456789'),
    'combining marks': from('\u0300\u0301\u0302'),
    'random Han': from('天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏'),
    'scripts and capitals': from('あBいC'),
    punctuation: from('!?-=/.'),
  };
}

/** Enough of any one file; the references are slow. */
const REPOSITORY_CHARACTERS = 3_000;
const SHARED_CHARACTERS = 100_000;

/** The beginning of every source and text file of the product. */
export function repositoryTexts(): [path: string, text: string][] {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  return ['contract', 'docs', 'emulator', 'examples']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, String(name))))
    .filter((path) => /\.(ts|md|json|py)$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8').slice(0, REPOSITORY_CHARACTERS)]);
}

/** The real dialogues and the Chinese novel beside the project, where they are to be had. */
export function sharedTexts(): [name: string, text: string][] {
  return ['tau-airline.jsonl', 'story-of-the-stone.txt']
    .map((name) => [name, `${SHARED}data/${name}`] as const)
    .filter(([, path]) => existsSync(path))
    .map(([name, path]) => [name, readFileSync(path, 'utf8').slice(0, SHARED_CHARACTERS)]);
}

/** Texts with runs so long, or so long themselves, that the official tokenizer encodes them in parts. */
export const PARTED_TEXTS = {
  'words without spaces': 'lorem,Ipsum1dolor;'.repeat(3_000),
  'two runs': `${'naïve-'.repeat(4_500)} ${'0123456789x'.repeat(2_500)}`,
  'line ends and other white space': `a${'\r\n \x1c'.repeat(6_600)}b`,
  'emoji that are two units each': '😀x'.repeat(13_000),
  'a run that begins with the text': `${' '.repeat(60_000)}b`,
  'a run across the 400,000th character': `${'ab cd '.repeat(64_000)}${'efg1'.repeat(10_000)}`,
};
