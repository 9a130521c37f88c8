import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

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
