import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DocumentError } from '../bad-input.ts';
import { checkConfig, type EmulatorConfig } from '../config.ts';
import { MEMORY } from '../store/database.ts';
import { UsageError } from '../terminal/flags.ts';

const NAME = 'kimi-emulator.config';
const CODE = ['.ts', '.mts', '.js', '.mjs'];
const TEXT = ['.json', '.yaml', '.yml'];

/**
 * The configuration of this folder, or of the file that `--config` names; none where help or the version is asked for.
 * @throws UsageError that names the file, and what is wrong with it
 */
export async function readConfig(args: readonly string[], folder: string = process.cwd()): Promise<EmulatorConfig> {
  const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (flags.some((flag) => ['-h', '--help', '-v', '--version'].includes(flag))) return {};
  const named = namedIn(flags);
  const found = [...CODE, ...TEXT].map((end) => NAME + end).filter((name) => existsSync(join(folder, name)));
  if (named === undefined && found.length > 1) throw new UsageError(`more than one configuration: ${found.join(', ')}`);
  const name = named ?? found[0];
  if (name === undefined) return {};
  const path = resolve(folder, name);
  const value = await load(path, name);
  try {
    checkConfig(value);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new UsageError(`${name}: ${error.message.replace(/^option /, '')}`);
  }
  return withPaths(value, dirname(path));
}

/** What a command line is to be without its `--config` is for its own parser to say. */
function namedIn(flags: readonly string[]): string | undefined {
  const [place, joined] = [flags.indexOf('--config'), flags.find((flag) => flag.startsWith('--config='))];
  return (place === -1 ? undefined : flags[place + 1]) ?? joined?.slice('--config='.length) ?? undefined;
}

async function load(path: string, name: string): Promise<unknown> {
  const end = extname(path);
  if (CODE.includes(end)) return await loadCode(path, name);
  if (!TEXT.includes(end))
    throw new UsageError(`--config takes a file in ${[...CODE, ...TEXT].join(', ')}, not ${name}`);
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`--config ${name} cannot be read: ${error.message}`);
  });
  const { readText } = await import('../documents.ts');
  try {
    return readText(text, name);
  } catch (error) {
    throw error instanceof DocumentError ? new UsageError(error.message) : error;
  }
}

async function loadCode(path: string, name: string): Promise<unknown> {
  try {
    const { default: value } = (await import(pathToFileURL(path).href)) as { default?: unknown };
    if (value !== undefined) return await (typeof value === 'function' ? value() : value);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new UsageError(
        `${name}: Node ${process.versions.node} reads no TypeScript; use Node 22.18, name it .mjs or .json, or set NODE_OPTIONS="--import tsx"`,
      );
    }
    throw new UsageError(`${name}: ${message.split('\n')[0]}`);
  }
  throw new UsageError(`${name}: it has no default export`);
}

/** Members that are paths. */
const PATHS = ['database', 'import', 'exportOnExit', 'script', 'prices'] as const;

function withPaths(config: EmulatorConfig, folder: string): EmulatorConfig {
  const absolute = (path: string): string => (path === MEMORY || isAbsolute(path) ? path : join(folder, path));
  const { gateway, tokenizer } = config;
  const found = PATHS.flatMap((name) => {
    const path = config[name];
    return path === undefined ? [] : [[name, absolute(path)] as const];
  });
  const tapes = (['record', 'replay'] as const).flatMap((name) => {
    const path = gateway?.[name];
    return path === undefined ? [] : [[name, absolute(path)] as const];
  });
  return {
    ...config,
    ...Object.fromEntries(found),
    // o200k_base is a vocabulary and not a file.
    ...(typeof tokenizer === 'string' && /[/\\]|\.model$/.test(tokenizer) && { tokenizer: absolute(tokenizer) }),
    ...(gateway && { gateway: { ...gateway, ...Object.fromEntries(tapes) } }),
  };
}
