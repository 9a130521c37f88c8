import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readWhole, sha256 } from '../files.ts';
import { runInSlices } from '../scheduler.ts';
import { BytePairTokenizer } from './byte-pair-tokenizer.ts';
import { type Tokenizer, TokenizerFileError, type TokenizerSource } from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';
import { buildVocabulary } from './vocabulary-build.ts';
import {
  cachedVocabularyPath,
  KIMI_K2,
  O200K_BASE,
  readCachedVocabulary,
  type VocabularyKind,
  writeCachedVocabulary,
} from './vocabulary-files.ts';

/** Bytes; far more than any known vocabulary. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

/** The vocabulary that the `tiktoken` package carries. Its parsed form is cached in `cacheDir`. */
export function openO200kBase(cacheDir: string): TokenizerSource {
  const resolve = () => createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json');
  return source({ ...O200K_BASE, exact: false, path: resolve, cacheDir });
}

/**
 * A Kimi vocabulary file. One that is not Moonshot's to the byte is named `kimi-k2-unverified`, and is parsed at once.
 * @throws TokenizerFileError if the file is missing or is not a vocabulary
 */
export function openKimi(path: string, cacheDir: string): TokenizerSource {
  const file = readVocabularyFile(path);
  const exact = sha256(file) === KIMI_K2.sha256;
  const name = exact ? KIMI_K2.name : `${KIMI_K2.name}-unverified`;
  if (!exact) requireVocabulary(file, path);
  return source({ ...KIMI_K2, name, exact, path: () => path, cacheDir }, file);
}

/** Parses it and discards the result: reading it from the cache later is faster. */
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

function readVocabularyFile(path: string): Buffer {
  const problem = (what: string) => new TokenizerFileError(`tokenizer file ${path} ${what}`);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw problem('does not exist');
  if (!stats.isFile()) throw problem('is not a file');
  if (stats.size > MAX_FILE_BYTES) throw problem('is too large for a vocabulary');
  const file = readFileSync(path);
  if (!/^[A-Za-z0-9+/]+=* 0\r?\n/.test(file.toString('latin1', 0, 64))) {
    throw problem('is not a tiktoken vocabulary (its first line is not a token of rank 0)');
  }
  return file;
}

interface Choice extends VocabularyKind {
  readonly exact: boolean;
  /** Called at the first load: finding a package takes a twentieth of what creating an emulator takes. */
  readonly path: () => string;
  readonly cacheDir: string;
}

/** @param content what the file holds, if it was read already: the file may be another by the time it is loaded */
function source(choice: Choice, content?: Buffer): TokenizerSource {
  let file = content;
  let loading: Promise<Tokenizer> | undefined;
  return {
    name: choice.name,
    exact: choice.exact,
    load: () => {
      if (loading) return loading;
      // Held as it is: who shares it finds it for as long as somebody does.
      loading = shared(choice, file);
      loading.then(
        () => {
          file = undefined;
        },
        () => {
          loading = undefined;
        },
      );
      return loading;
    },
  };
}

/**
 * Vocabularies that emulators of this process count with, each once: it never changes, and takes 13 MB. Not of an emulator, since
 * the next one needs the same. What nobody uses any more is collected.
 */
const inUse = new Map<string, WeakRef<Promise<Tokenizer>>>();

/** The vocabulary that another emulator has loaded, or one that is loaded now. */
function shared(choice: Choice, content: Buffer | undefined): Promise<Tokenizer> {
  // A user's file by what it holds: under the same path may be another by now.
  const key = [choice.name, choice.cacheDir, content ? sha256(content) : ''].join('\0');
  const known = inUse.get(key)?.deref();
  if (known) return known;
  const loading = load(choice, content);
  inUse.set(key, new WeakRef(loading));
  loading.catch(() => inUse.delete(key));
  return loading;
}

async function load(choice: Choice, content: Buffer | undefined): Promise<Tokenizer> {
  const { cacheDir, name } = choice;
  const path = choice.path();
  const cachePath = cachedVocabularyPath(cacheDir, name);
  try {
    const [file, cache] = await Promise.all([content ?? readWhole(path), readWhole(cachePath).catch(() => undefined)]);
    const key = sha256(file);
    let vocabulary = cache && readCachedVocabulary(cache, key);
    if (!vocabulary) {
      vocabulary = await runInSlices(vocabularyOf(file, choice));
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
