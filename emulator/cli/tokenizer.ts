import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, writeAtomically } from '../engines/files.ts';
import { MAX_FILE_BYTES } from '../engines/tokens/open-vocabulary.ts';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import { KIMI_K2, O200K_BASE } from '../engines/tokens/vocabulary-files.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  JSON_FLAG,
  parseFlags,
  UsageError,
} from '../terminal/flags.ts';
import { viewOf } from '../terminal/text.ts';
import { type Environment, INSTALLED_FILE, openTokenizer, userDataFolder } from '../tokenizer.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

/** Moonshot's own release of the model (MIT licence), 2025-09; looked up 2026-11. */
const KIMI_K2_URL = 'https://huggingface.co/moonshotai/Kimi-K2-Instruct-0905/resolve/main/tiktoken.model';
const BY_HAND = `get tiktoken.model from ${KIMI_K2_URL} elsewhere, then run: kimi-emulator tokenizer --install FILE`;
const DOWNLOAD_MS = 120_000;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

const EXIT_FAILED = 1;

const FLAGS = {
  install: { help: "install Kimi's vocabulary from the FILE or URL behind it, or download it" },
  count: { value: 'FILE', help: 'count the tokens of a text file with each vocabulary' },
  ...JSON_FLAG,
  ...HELP_FLAG,
} as const satisfies Flags;

export const TOKENIZER_SHAPE: CommandShape = { flags: FLAGS, files: true };

function helpText(width: number): string {
  const usage = [
    "tokenizer --install [FILE|URL]   install Kimi's vocabulary for all later runs",
    'tokenizer --count FILE           count the tokens of a text file with each vocabulary',
  ];
  const after = [
    `Without FILE or URL, --install downloads the file that Moonshot published: ${KIMI_K2_URL}`,
    'Only a file with exactly those bytes is installed.',
  ];
  return helpPage({ usage, rows: flagRows(FLAGS), after }, width);
}

/** The subcommand `kimi-emulator tokenizer`. Resolves to the exit code; complaints are one line each. */
export function runTokenizerCommand(args: string[], io: CommandIo, options: InstallOptions = {}): Promise<number> {
  return runCommand('tokenizer', io, async () => {
    const { stdout, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const { install, count, json } = values;
    const [source, ...more] = positionals;
    const unexpected = install ? more[0] : source;
    if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}`);
    if (install && count !== undefined) throw new UsageError('--install and --count exclude each other');
    try {
      if (values.help) stdout.write(helpText(viewOf(stdout, env).width));
      else if (install) {
        const installed = await installTokenizer(source, { env, ...options });
        stdout.write(json ? `${JSON.stringify({ installed })}\n` : `installed: ${installed}\n`);
      } else if (count !== undefined) {
        const counts = await countFile(count, { env, ...options });
        stdout.write(json ? `${JSON.stringify(counts, null, 2)}\n` : counts.map(countLine).join(''));
      } else throw new UsageError('use --install [FILE|URL], --count FILE or --help');
      return 0;
    } catch (error) {
      throw error instanceof TokenizerFileError ? new CommandError(error.message, EXIT_FAILED) : error;
    }
  });
}

interface Count {
  tokenizer: string;
  tokens: number;
  /** Whether it counts as the live API does. */
  exact: boolean;
}

function countLine({ tokenizer, tokens, exact }: Count): string {
  return `${tokenizer.padEnd(20)} ${String(tokens).padStart(12)} tokens${exact ? ', as the live API counts' : ''}\n`;
}

/**
 * The tokens of a text file with each vocabulary.
 * @throws TokenizerFileError where the file or a vocabulary cannot be read
 */
async function countFile(path: string, options: InstallOptions = {}): Promise<Count[]> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new TokenizerFileError(`cannot read ${path}: ${error.message}`);
  });
  const sources = [openTokenizer(options), openTokenizer({ ...options, file: O200K_BASE.name })];
  const known = new Map(sources.map((source) => [source.name, source]));
  const counts: Count[] = [];
  for (const source of known.values()) {
    const tokenizer = await source.load();
    counts.push({ tokenizer: source.name, tokens: await tokenizer.countSliced(text), exact: source.exact });
  }
  return counts;
}

export interface InstallOptions {
  env?: Environment;
  /** Default: the user's data folder. */
  dataDir?: string;
  fetch?: typeof globalThis.fetch;
}

/**
 * Puts Kimi's vocabulary where `openTokenizer` finds it without being told, and returns that path. Nothing is written unless
 * the file is Moonshot's to the byte.
 * @param source a file or an http(s) URL; default: Moonshot's published file
 * @throws TokenizerFileError that says in one line what failed and what to do
 */
async function installTokenizer(source = KIMI_K2_URL, options: InstallOptions = {}): Promise<string> {
  const { env = process.env, dataDir = userDataFolder(env), fetch = globalThis.fetch } = options;
  const file = /^https?:\/\//i.test(source) ? await download(source, fetch) : await readLocal(source);
  const found = sha256(file);
  if (found !== KIMI_K2.sha256) {
    throw new TokenizerFileError(
      `${source} is not Kimi's vocabulary: its sha256 is ${found} where ${KIMI_K2.sha256} is expected; nothing was installed`,
    );
  }
  const path = join(dataDir, INSTALLED_FILE);
  try {
    await writeAtomically(path, [file]);
  } catch (error) {
    throw new TokenizerFileError(`cannot write ${path}: ${(error as Error).message}`);
  }
  return path;
}

async function readLocal(path: string): Promise<Buffer> {
  if (SCHEME.test(path)) throw new TokenizerFileError(`takes a file or an http(s) URL, not ${path}`);
  try {
    return await readFile(path);
  } catch (error) {
    throw new TokenizerFileError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

async function download(url: string, fetch: typeof globalThis.fetch): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) throw new Error('it is too large for a vocabulary');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new TokenizerFileError(`cannot download ${url} (${reason}); ${BY_HAND}`);
  }
}
