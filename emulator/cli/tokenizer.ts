import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sha256, writeAtomically } from '../engines/files.ts';
import { MAX_FILE_BYTES } from '../engines/tokens/open-vocabulary.ts';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import { KIMI_K2, O200K_BASE } from '../engines/tokens/vocabulary-files.ts';
import { type Environment, INSTALLED_FILE, openTokenizer, userDataFolder } from '../tokenizer.ts';
import { type CommandIo, UsageError, usageFault } from './usage.ts';

/** Moonshot's own release of the model (MIT licence), 2025-09; looked up 2026-11. */
const KIMI_K2_URL = 'https://huggingface.co/moonshotai/Kimi-K2-Instruct-0905/resolve/main/tiktoken.model';
const BY_HAND = `get tiktoken.model from ${KIMI_K2_URL} elsewhere, then run: kimi-emulator tokenizer --install FILE`;
const DOWNLOAD_MS = 120_000;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const HELP = `Usage: kimi-emulator tokenizer --install [FILE|URL]   install Kimi's vocabulary for all later runs
       kimi-emulator tokenizer --count FILE           count the tokens of a text file with each vocabulary
       kimi-emulator tokenizer --help

Without FILE or URL, --install downloads the file that Moonshot published:
${KIMI_K2_URL}
Only a file with exactly those bytes is installed.
`;

/** What the command needs of a process. */
interface TokenizerIo extends CommandIo {
  readonly env: Environment;
}

/** The subcommand `kimi-emulator tokenizer`. Resolves to the exit code; complaints are one line each. */
export async function runTokenizerCommand(
  args: string[],
  { stdout, stderr, env }: TokenizerIo,
  options: InstallOptions = {},
): Promise<number> {
  const complain = (message: string) => stderr.write(`kimi-emulator tokenizer: ${message}\n`);
  try {
    const { install, count, help, source } = parse(args);
    if (help) stdout.write(HELP);
    else if (install) stdout.write(`installed: ${await installTokenizer(source, { env, ...options })}\n`);
    else if (count !== undefined) stdout.write(await countFile(count, { env, ...options }));
    else throw new UsageError('use --install [FILE|URL], --count FILE or --help');
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TokenizerFileError)) throw error;
    complain(error.message);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

/**
 * The tokens of a text file with each vocabulary, one line each.
 * @throws TokenizerFileError where the file or a vocabulary cannot be read
 */
async function countFile(path: string, options: InstallOptions = {}): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new TokenizerFileError(`cannot read ${path}: ${error.message}`);
  });
  const sources = [openTokenizer(options), openTokenizer({ ...options, file: O200K_BASE.name })];
  const known = new Map(sources.map((source) => [source.name, source]));
  let lines = '';
  for (const source of known.values()) {
    const tokenizer = await source.load();
    const count = await tokenizer.countSliced(text);
    lines += `${source.name.padEnd(20)} ${String(count).padStart(12)} tokens${source.exact ? ', as the live API counts' : ''}\n`;
  }
  return lines;
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        install: { type: 'boolean', default: false },
        count: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [source, ...more] = positionals;
    const unexpected = values.install ? more[0] : source;
    if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}`);
    if (values.install && values.count !== undefined) throw new UsageError('--install and --count exclude each other');
    return { ...values, source };
  } catch (error) {
    throw new UsageError(usageFault(error));
  }
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
