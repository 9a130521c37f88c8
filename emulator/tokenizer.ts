import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openKimi, openO200kBase } from './engines/tokens/open-vocabulary.ts';
import type { TokenizerSource } from './engines/tokens/tokenizer.ts';
import { O200K_BASE } from './engines/tokens/vocabulary-files.ts';

/** The file of an installed Kimi vocabulary in the user's data folder. */
export const INSTALLED_FILE = 'kimi-k2.tiktoken.model';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OpenTokenizerOptions {
  /** A Kimi vocabulary file, or `o200k_base` for the vocabulary that is always at hand. Default: `KIMI_TOKENIZER`. */
  file?: string | undefined;
  env?: Environment;
  /** Where parsed vocabularies are cached; default: the user's cache folder. */
  cacheDir?: string;
  /** Where an installed vocabulary is looked for; default: the user's data folder. */
  dataDir?: string;
}

/**
 * Chooses the vocabulary that counts: the file given, else an installed Kimi vocabulary, else `o200k_base`. Moonshot's own
 * file and `o200k_base` are parsed at `load()`; any other file is parsed here too, so that a damaged one is refused at once.
 * @throws TokenizerFileError if the chosen file is missing or is not a vocabulary
 * @example const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
 */
export function openTokenizer(options: OpenTokenizerOptions = {}): TokenizerSource {
  const { env = process.env, dataDir = userDataFolder(env), cacheDir = userCacheFolder(env) } = options;
  const file = options.file || env.KIMI_TOKENIZER;
  if (file === O200K_BASE.name) return openO200kBase(cacheDir);
  if (file) return openKimi(file, cacheDir);
  const installed = join(dataDir, INSTALLED_FILE);
  return existsSync(installed) ? openKimi(installed, cacheDir) : openO200kBase(cacheDir);
}

const PRODUCT = 'kimi-emulator';

/** Where this user's data of the emulator belongs on this platform, such as an installed vocabulary. */
export function userDataFolder(env: Environment): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Application Support', PRODUCT);
  if (process.platform === 'win32') return join(localAppData(env), PRODUCT, 'Data');
  return join(absolute(env.XDG_DATA_HOME) ?? join(home(env), '.local', 'share'), PRODUCT);
}

/** Where what can be made again belongs, such as a parsed vocabulary. */
export function userCacheFolder(env: Environment): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Caches', PRODUCT);
  if (process.platform === 'win32') return join(localAppData(env), PRODUCT, 'Cache');
  return join(absolute(env.XDG_CACHE_HOME) ?? join(home(env), '.cache'), PRODUCT);
}

function home(env: Environment): string {
  return env.HOME || homedir();
}

function localAppData(env: Environment): string {
  return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
}

/** The XDG base directory specification: relative paths are to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined;
}
