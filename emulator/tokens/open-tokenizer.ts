import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BytePairTokenizer } from './byte-pair-tokenizer.ts';
import { KIMI_K2, O200K_BASE, type VocabularyKind } from './known-vocabularies.ts';
import { inSlices } from './slices.ts';
import type { Tokenizer, TokenizerSource } from './tokenizer.ts';
import { TokenizerFileError } from './tokenizer-file-error.ts';
import { type Environment, userDataFolder } from './user-folders.ts';
import { buildVocabulary } from './vocabulary-build.ts';

/** The file of an installed Kimi vocabulary in the user's data folder. */
export const INSTALLED_FILE = 'kimi-k2.tiktoken.model';
const MAX_FILE_BYTES = 64 * 2 ** 20;

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
 * Chooses the vocabulary that counts: the file given, else an installed Kimi vocabulary, else `o200k_base`. Looks at the
 * file, but parses nothing before `load()`.
 * @throws TokenizerFileError where the file chosen is missing or is no vocabulary; `load()` rejects with it likewise
 */
export function openTokenizer(options: OpenTokenizerOptions = {}): TokenizerSource {
  const { env = process.env, dataDir = userDataFolder(env) } = options;
  const file = options.file || env.KIMI_TOKENIZER;
  if (file === O200K_BASE.name) return openO200kBase();
  if (file) return openKimi(file);
  const installed = join(dataDir, INSTALLED_FILE);
  return existsSync(installed) ? openKimi(installed) : openO200kBase();
}

function openKimi(path: string): TokenizerSource {
  const file = readVocabularyFile(path);
  const exact = sha256(file) === KIMI_K2.sha256;
  return source({ ...KIMI_K2, name: exact ? KIMI_K2.name : `${KIMI_K2.name}-unverified` }, exact, path);
}

function openO200kBase(): TokenizerSource {
  return source(O200K_BASE, false, createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json'));
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

function source(kind: VocabularyKind, exact: boolean, path: string): TokenizerSource {
  let loading: Promise<Tokenizer> | undefined;
  return {
    name: kind.name,
    exact,
    load: () => {
      loading ??= load(kind, exact, path);
      return loading;
    },
  };
}

async function load(kind: VocabularyKind, exact: boolean, path: string): Promise<Tokenizer> {
  try {
    const tokens = await inSlices(kind.parse(await readFile(path)));
    const vocabulary = await inSlices(buildVocabulary(tokens));
    return new BytePairTokenizer(vocabulary, { name: kind.name, exact, dialect: kind.dialect });
  } catch (error) {
    throw new TokenizerFileError(`tokenizer file ${path} cannot be used: ${(error as Error).message}`);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
