import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TokenizerFileError } from '../emulator/engines/tokens/tokenizer.ts';
import { KIMI_K2, O200K_BASE } from '../emulator/engines/tokens/vocabulary-files.ts';
import {
  INSTALLED_FILE,
  type OpenTokenizerOptions,
  openTokenizer,
  userCacheFolder,
  userDataFolder,
} from '../emulator/tokenizer.ts';
import { collectGarbage } from './support/garbage.ts';

let folder: string;
let options: Required<Pick<OpenTokenizerOptions, 'env' | 'dataDir' | 'cacheDir'>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kimi-emulator-test-'));
  options = { env: {}, dataDir: join(folder, 'data'), cacheDir: join(folder, 'cache') };
  mkdirSync(options.dataDir);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Rank lines as in Kimi's file, and as many, but of another vocabulary. */
function rankLines(ranks: number): string {
  const file = createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json');
  const { bpe_ranks } = JSON.parse(readFileSync(file, 'utf8')) as { bpe_ranks: string };
  const tokens = bpe_ranks.split(' ').slice(2, ranks + 2);
  return tokens.map((token, rank) => `${token} ${rank}\n`).join('');
}

function written(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('the vocabulary that counts', () => {
  test('is o200k_base by default', () => {
    expect(openTokenizer(options)).toMatchObject({ name: 'o200k_base', exact: false });
    expect(openTokenizer({ ...options, env: { KIMI_TOKENIZER: '' }, file: '' }).name).toBe('o200k_base');
  });

  test('is the file given, before KIMI_TOKENIZER, before an installed one', () => {
    const fileNamed = (error: unknown) => /tokenizer file (\S+)/.exec(String(error))?.[1];
    const opened = (more: OpenTokenizerOptions) => {
      try {
        return openTokenizer({ ...options, ...more }).name;
      } catch (error) {
        return fileNamed(error);
      }
    };
    writeFileSync(join(options.dataDir, INSTALLED_FILE), 'no vocabulary');
    expect(opened({ file: '/given', env: { KIMI_TOKENIZER: '/environment' } })).toBe('/given');
    expect(opened({ env: { KIMI_TOKENIZER: '/environment' } })).toBe('/environment');
    expect(opened({})).toBe(join(options.dataDir, INSTALLED_FILE));
    expect(opened({ file: O200K_BASE.name })).toBe('o200k_base');
  });

  test('is looked for in the user’s data folder', () => {
    const env = { HOME: folder, LOCALAPPDATA: folder };
    const installed = join(userDataFolder(env), INSTALLED_FILE);
    expect(openTokenizer({ env, cacheDir: options.cacheDir }).name).toBe('o200k_base');
    mkdirSync(dirname(installed), { recursive: true });
    writeFileSync(installed, 'no vocabulary');
    expect(() => openTokenizer({ env, cacheDir: options.cacheDir })).toThrow(installed);
  });

  test('is called unverified unless it is the file that Moonshot published', async () => {
    const source = openTokenizer({ ...options, file: written('other.model', rankLines(KIMI_K2.ranks)) });
    expect(source).toMatchObject({ name: 'kimi-k2-unverified', exact: false });
    const tokenizer = await source.load();
    expect(tokenizer).toMatchObject({ name: 'kimi-k2-unverified', exact: false });
    expect(tokenizer.count('hello world')).toBe(2);
  });
});

describe('a file that cannot be used is refused in one line that names it', () => {
  test.each([
    ['is missing', () => join(folder, 'missing'), 'does not exist'],
    ['is a folder', () => folder, 'is not a file'],
    ['is empty', () => written('empty', ''), 'is not a tiktoken vocabulary'],
    ['is JSON', () => written('json', '{"model":{"type":"BPE"}}'), 'is not a tiktoken vocabulary'],
    ['is binary', () => written('binary', '\0\0\0\0 0\n'), 'is not a tiktoken vocabulary'],
  ])('when it %s', (_, make, problem) => {
    const file = make();
    const open = () => openTokenizer({ ...options, file });
    expect(open).toThrow(TokenizerFileError);
    expect(open).toThrow(`tokenizer file ${file} ${problem}`);
    expect(open).not.toThrow('\n');
  });

  const whole = rankLines(KIMI_K2.ranks);
  test.each([
    ['has too few ranks', () => rankLines(1_000), 'it has 1000 ranks where 163584 are expected'],
    ['ends within a line', () => `${rankLines(1_000)}IQ`, 'line 1001 is not'],
    ['has a line of something else in it', () => whole.replace('\n', '\nnothing\n'), 'line 2 is not'],
    ['is there twice', () => whole + whole, 'line 163585 is not'],
    ['has a token twice', () => whole.replace(/^(\S+)( 0\n)\S+/, '$1$2$1'), 'token 1 is empty or not unique'],
  ])('when it %s, before anything is counted', (_, make, problem) => {
    const file = written('damaged.model', make());
    const open = () => openTokenizer({ ...options, file });
    expect(open).toThrow(TokenizerFileError);
    expect(open).toThrow(`tokenizer file ${file} cannot be used: ${problem}`);
  });
});

test('a vocabulary file that is deleted or replaced before its first use is still the chosen one', async () => {
  const file = written('other.model', rankLines(KIMI_K2.ranks));
  const source = openTokenizer({ ...options, file });
  writeFileSync(file, 'no vocabulary any more');
  expect((await source.load()).count('hello world')).toBe(2);
});

test('a vocabulary is parsed on first use, once, and then read from the cache', async () => {
  const source = openTokenizer(options);
  expect(readdirSync(folder)).toEqual(['data']);
  expect(await source.load()).toBe(await source.load());
  const [cacheFile = '', ...more] = readdirSync(options.cacheDir);
  expect(more).toEqual([]);
  const cachePath = join(options.cacheDir, cacheFile);
  const cached = readFileSync(cachePath);

  // Another folder, as this process shares what it has loaded from the first.
  for (const [place, content] of [cached, cached.subarray(0, -1)].entries()) {
    const cacheDir = join(folder, `cache-${place}`);
    mkdirSync(cacheDir);
    writeFileSync(join(cacheDir, cacheFile), content);
    const again = await openTokenizer({ ...options, cacheDir }).load();
    expect(again.encode('hello world')).toEqual([24_912, 2_375]);
    expect(readFileSync(join(cacheDir, cacheFile)).equals(cached)).toBe(true);
  }
});

test('emulators of one process count with one copy of a vocabulary', async () => {
  const source = openTokenizer(options);
  const first = await source.load();
  collectGarbage();
  expect(await openTokenizer(options).load()).toBe(first);
  expect(await source.load()).toBe(first);
});

test('the user’s data and cache folders are the emulator’s own, under the user’s home', () => {
  for (const folder of [userDataFolder({}), userCacheFolder({})]) {
    expect(isAbsolute(folder)).toBe(true);
    expect(folder).toContain('kimi-emulator');
  }
  expect(userDataFolder({})).not.toBe(userCacheFolder({}));
});

describe.runIf(process.platform === 'linux')('the user’s folders on Linux', () => {
  test('follow the XDG base directory specification', () => {
    const env = { HOME: '/home/u', XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/cache' };
    expect(userDataFolder(env)).toBe(join('/data', 'kimi-emulator'));
    expect(userCacheFolder(env)).toBe(join('/cache', 'kimi-emulator'));
  });

  test('are the default where variables are unset or relative', () => {
    for (const env of [{ HOME: '/home/u' }, { HOME: '/home/u', XDG_DATA_HOME: 'data', XDG_CACHE_HOME: '' }]) {
      expect(userDataFolder(env)).toBe('/home/u/.local/share/kimi-emulator');
      expect(userCacheFolder(env)).toBe('/home/u/.cache/kimi-emulator');
    }
  });
});
