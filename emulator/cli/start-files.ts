import { watch } from 'node:fs';
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Amount } from '../billing/ledger.ts';
import { makeFolder, PRIVATE_FILE, writeAtomically } from '../engines/files.ts';
import type { BillingSettings, Emulator } from '../index.ts';
import { AlreadyHereError } from '../state/state-file.ts';

/** Why the server cannot start, or cannot end as it should, in one line. */
export class StartError extends Error {}

/** Begins with what the file holds, and returns to it at every reset. @throws StartError */
export async function loadImport(emulator: Emulator, path: string): Promise<void> {
  const bytes = await read('--import', path);
  await emulator.state.import(bytes).catch((error) => {
    const advice = error instanceof AlreadyHereError ? '; leave out --import to continue with the state in --db' : '';
    return refuse('--import', path, error, 'StateError', advice);
  });
  emulator.state.saveBaseline();
}

/** Editors write a file in several steps, or put another in its place. */
const SETTLED_MS = 100;

/**
 * Puts a script in front of the model, and loads it again whenever its file has changed. One that is broken by then, or gone,
 * leaves the rules before it at work.
 * @param say told in one line what became of a change
 * @throws StartError that names the line of the file
 */
export async function followScript(emulator: Emulator, path: string, say: (line: string) => void): Promise<void> {
  let seen = await loadScript(emulator, path);
  const reload = async (): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text === seen) return;
    seen = text;
    try {
      seen = await loadScript(emulator, path);
      say(`--script: ${path} has changed, and its rules begin anew`);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      say(`${error.message}; the rules before it stay`);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const reloadSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), SETTLED_MS).unref();
  };
  const unseen = ({ message }: Error) => say(`--script: changes of ${path} are not seen: ${message}`);
  try {
    // Its folder, as a file that takes its place is another one.
    watch(dirname(path), { persistent: false }, reloadSoon).on('error', unseen);
    reloadSoon();
  } catch (error) {
    unseen(error as Error);
  }
}

async function loadScript({ model }: Emulator, path: string): Promise<string> {
  const text = (await read('--script', path)).toString();
  await model.loadText(text, path).catch((error) => refuse('--script', path, error, 'DocumentError'));
  return text;
}

/**
 * What work costs here, from a file of prices and a balance; what is not given is as it always is.
 * @param warn told in one line what of the file can never be used
 * @throws StartError
 */
export async function readBilling(
  prices: string | undefined,
  balance: Amount | undefined,
  warn: (line: string) => void,
): Promise<BillingSettings> {
  if (prices === undefined) return { ...(balance && { balance }) };
  const { readPrices } = await import('../billing/read-prices.ts');
  const text = (await read('--prices', prices)).toString();
  try {
    const rows = readPrices(text, prices, (line) => warn(`--prices: ${line}`));
    const billed = balance?.currency ?? 'USD';
    if (rows.length > 0 && !rows.some(({ currency }) => currency === billed)) {
      warn(`--prices: ${prices} has no price in ${billed}, the currency that is billed (that of --balance, or USD)`);
    }
    return { ...(balance && { balance }), prices: rows };
  } catch (error) {
    return refuse('--prices', prices, error, 'DocumentError');
  }
}

/** Keeps the folder of the default state out of a git repository that it happens to stand in. @throws StartError */
export async function ignoreInGit(folder: string): Promise<void> {
  const path = join(folder, '.gitignore');
  try {
    makeFolder(folder);
    await writeFile(path, '*\n', { flag: 'wx', mode: PRIVATE_FILE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new StartError(`${path} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Finds out before a long run whether its state could be written, and makes the folder. @throws StartError */
export async function prepareExport(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new StartError(`--export-on-exit: ${path} is a folder`);
}

/** Writes what the emulator holds, so that the file is the old one or the new one, never a part. @throws StartError */
export async function writeState(emulator: Emulator, path: string): Promise<void> {
  const parts = await emulator.state.exportParts();
  await writeAtomically(path, parts, PRIVATE_FILE).catch((error) => {
    throw unwritable(path, error);
  });
}

function unwritable(path: string, error: unknown): StartError {
  return new StartError(
    `--export-on-exit: ${path} cannot be written: ${error instanceof Error ? error.message : error}`,
  );
}

function read(flag: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(`${flag}: ${path} cannot be read: ${error.message}`);
  });
}

/** What is wrong with the file is one line; anything else is a defect. */
function refuse(flag: string, path: string, error: unknown, known: 'StateError' | 'DocumentError', advice = ''): never {
  if (!(error instanceof Error) || error.name !== known) throw error;
  const message = error.message + advice;
  throw new StartError(message.includes(path) ? `${flag}: ${message}` : `${flag}: ${path}: ${message}`);
}
