import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BytePairTokenizer } from './byte-pair-tokenizer.ts';
import { KIMI_K2, O200K_BASE, type VocabularyKind } from './known-vocabularies.ts';
import { readWhole } from './read-whole.ts';
import { sha256 } from './sha256.ts';
import { inSlices } from './slices.ts';
import type { Tokenizer, TokenizerSource } from './tokenizer.ts';
import { TokenizerFileError } from './tokenizer-file-error.ts';
import { type Environment, userCacheFolder, userDataFolder } from './user-folders.ts';
import type { Vocabulary } from './vocabulary.ts';
import { buildVocabulary } from './vocabulary-build.ts';
import { cachedVocabularyPath, readCachedVocabulary, writeCachedVocabulary } from './vocabulary-cache.ts';

/** The file of an installed Kimi vocabulary in the user's data folder. */
export const INSTALLED_FILE = 'kimi-k2.tiktoken.model';
/** No vocabulary comes near it. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

export interface OpenTokenizerOptions {
  /** A Kimi vocabulary file, or `o200k_base` for the vocabulary that is always at hand. Default: `KIMI_TOKENIZER`. */
  file?: string | undefined;
  env?: Environment;
  /** Where parsed vocabularies are kept; default: the user's cache folder. */
  cacheDir?: string;
  /** Where an installed vocabulary is looked for; default: the user's data folder. */
  dataDir?: string;
}

/**
 * Chooses the vocabulary that counts: the file given, else an installed Kimi vocabulary, else `o200k_base`. What is known to
 * the byte is not parsed before `load()`; any other file is, so that a damaged one is refused here.
 * @throws TokenizerFileError where the file chosen is missing or is no vocabulary
 */
export function openTokenizer(options: OpenTokenizerOptions = {}): TokenizerSource {
  const { env = process.env, dataDir = userDataFolder(env), cacheDir = userCacheFolder(env) } = options;
  const file = options.file || env.KIMI_TOKENIZER;
  if (file === O200K_BASE.name) return openO200kBase(cacheDir);
  if (file) return openKimi(file, cacheDir);
  const installed = join(dataDir, INSTALLED_FILE);
  return existsSync(installed) ? openKimi(installed, cacheDir) : openO200kBase(cacheDir);
}

function openKimi(path: string, cacheDir: string): TokenizerSource {
  const file = readVocabularyFile(path);
  const exact = sha256(file) === KIMI_K2.sha256;
  const name = exact ? KIMI_K2.name : `${KIMI_K2.name}-unverified`;
  if (!exact) requireVocabulary(file, path);
  return source({ ...KIMI_K2, name, exact, path, cacheDir }, file);
}

/** Asked once: the walk through the loader is a twentieth of what an emulator costs to create. */
let o200kBasePath: string | undefined;

/** Works it out and throws it away: what is kept in the cache is read faster. */
function requireVocabulary(file: Buffer, path: string): void {
  try {
    const work = vocabularyOf(file, KIMI_K2);
    while (!work.next().done);
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): TokenizerFileError {
  return new TokenizerFileError(`tokenizer file ${path} cannot be used: ${(error as Error).message}`);
}

function openO200kBase(cacheDir: string): TokenizerSource {
  o200kBasePath ??= createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json');
  return source({ ...O200K_BASE, exact: false, path: o200kBasePath, cacheDir });
}

function readVocabularyFile(path: string): Buffer {
  const problem = (what: string) => new TokenizerFileError(`tokenizer file ${path} ${what}`);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw problem('does not exist');
  if (!stats.isFile()) throw problem('is not a file');
  if (stats.size > MAX_FILE_BYTES) throw problem('is too large for a vocabulary');
  const file = readFileSync(path);
  if (!/^[A-Za-z0-9+/]+=* 0\r?\n/.test(file.toString('latin1', 0, 64))) {
    throw problem('is not a tiktoken vocabulary (its first line is no token of rank 0)');
  }
  return file;
}

interface Choice extends VocabularyKind {
  readonly exact: boolean;
  readonly path: string;
  readonly cacheDir: string;
}

/** @param file what the file holds, where it was read already: it may be another when it is needed */
function source(choice: Choice, file?: Buffer): TokenizerSource {
  let held = file;
  let loading: Promise<Tokenizer> | undefined;
  return {
    name: choice.name,
    exact: choice.exact,
    load: () => {
      loading ??= load(choice, held).then(
        (tokenizer) => {
          held = undefined;
          return tokenizer;
        },
        (error) => {
          loading = undefined;
          throw error;
        },
      );
      return loading;
    },
  };
}

async function load(choice: Choice, held: Buffer | undefined): Promise<Tokenizer> {
  const { cacheDir, name, path } = choice;
  const cachePath = cachedVocabularyPath(cacheDir, name);
  try {
    const [file, cache] = await Promise.all([held ?? readWhole(path), readWhole(cachePath).catch(() => undefined)]);
    const key = sha256(file);
    let vocabulary = cache && readCachedVocabulary(cache, key);
    if (!vocabulary) {
      vocabulary = await inSlices(vocabularyOf(file, choice));
      await writeCachedVocabulary(cachePath, key, vocabulary);
    }
    return new BytePairTokenizer(vocabulary, choice);
  } catch (error) {
    throw unusable(path, error);
  }
}

function* vocabularyOf(file: Buffer, { parse, ranks }: VocabularyKind): Generator<void, Vocabulary> {
  const tokens = yield* parse(file);
  const found = tokens.starts.length - 1;
  if (found !== ranks) throw new RangeError(`it has ${found} ranks where ${ranks} are expected`);
  return yield* buildVocabulary(tokens);
}
