import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildVocabulary } from '../../../emulator/engines/tokens/vocabulary-build.ts';
import {
  cachedVocabularyPath,
  readCachedVocabulary,
  writeCachedVocabulary,
} from '../../../emulator/engines/tokens/vocabulary-files.ts';
import { byteTokens, finish } from './small-vocabulary.ts';

const KEY = 'a'.repeat(64);
const vocabulary = finish(buildVocabulary(byteTokens('th', 'the', 'in', 'ing')));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kimi-emulator-test-'));
  path = cachedVocabularyPath(join(folder, 'made', 'on demand'), 'tiny');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a cached vocabulary equals the original', async () => {
  await writeCachedVocabulary(path, KEY, vocabulary);
  expect(readCachedVocabulary(readFileSync(path), KEY)).toEqual(vocabulary);
});

test('a second cached vocabulary replaces the first', async () => {
  const other = finish(buildVocabulary(byteTokens('xy')));
  await writeCachedVocabulary(path, KEY, vocabulary);
  await writeCachedVocabulary(path, KEY, other);
  expect(readCachedVocabulary(readFileSync(path), KEY)).toEqual(other);
});

describe('is not used', () => {
  test('when it was made from another file', async () => {
    await writeCachedVocabulary(path, KEY, vocabulary);
    expect(readCachedVocabulary(readFileSync(path), 'b'.repeat(64))).toBeUndefined();
  });

  test('when any byte of it has changed', async () => {
    await writeCachedVocabulary(path, KEY, vocabulary);
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at += 97) {
      const damaged = Buffer.from(good);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(readCachedVocabulary(damaged, KEY), `byte ${at}`).toBeUndefined();
    }
  });

  test('when it is cut short, empty or something else', async () => {
    await writeCachedVocabulary(path, KEY, vocabulary);
    const good = readFileSync(path);
    for (const length of [0, 1, 32, 67, 68, good.length - 1]) {
      expect(readCachedVocabulary(Buffer.from(good.subarray(0, length)), KEY), `${length} bytes`).toBeUndefined();
    }
    expect(readCachedVocabulary(Buffer.concat([good, Buffer.alloc(4)]), KEY)).toBeUndefined();
    expect(readCachedVocabulary(Buffer.alloc(100_000), KEY)).toBeUndefined();
  });
});

test('a vocabulary cache that cannot be written is ignored', async () => {
  const file = join(folder, 'a file');
  writeFileSync(file, 'no folder');
  await expect(writeCachedVocabulary(join(file, 'x.bin'), KEY, vocabulary)).resolves.toBeUndefined();
  expect(readFileSync(file, 'utf8')).toBe('no folder');
});
