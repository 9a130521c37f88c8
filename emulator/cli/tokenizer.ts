import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { O200K_BASE } from '../engines/tokens/known-vocabularies.ts';
import { openTokenizer } from '../engines/tokens/open-tokenizer.ts';
import { TokenizerFileError } from '../engines/tokens/tokenizer-file-error.ts';
import type { Environment } from '../engines/tokens/user-folders.ts';
import { type InstallOptions, installTokenizer, KIMI_K2_URL } from './tokenizer-install.ts';
import { usageFault } from './usage-fault.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const HELP = `Usage: kimi-emulator tokenizer --install [FILE|URL]   put Kimi's vocabulary where it is found from now on
       kimi-emulator tokenizer --count FILE           tokens of a text file under each vocabulary at hand
       kimi-emulator tokenizer --help

Without FILE or URL, --install downloads the file that Moonshot published:
${KIMI_K2_URL}
A vocabulary is installed only if it is that file to the byte.
`;

/** What the command needs of a process. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Environment;
}

/** The subcommand `kimi-emulator tokenizer`. Resolves to the exit code; complaints are one line each. */
export async function runTokenizerCommand(
  args: string[],
  { stdout, stderr, env }: CommandIo,
  options: InstallOptions = {},
): Promise<number> {
  const complain = (message: string) => stderr.write(`kimi-emulator tokenizer: ${message}\n`);
  try {
    const { install, count, help, source } = parse(args);
    if (help) stdout.write(HELP);
    else if (install) stdout.write(`installed: ${await installTokenizer(source, { env, ...options })}\n`);
    else if (count !== undefined) stdout.write(await countFile(count, { env, ...options }));
    else throw new UsageError('say --install [FILE|URL], --count FILE or --help');
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TokenizerFileError)) throw error;
    complain(error.message);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

/**
 * The tokens of a text file under each vocabulary at hand, a line each.
 * @throws TokenizerFileError where the file or a vocabulary cannot be read
 */
export async function countFile(path: string, options: InstallOptions = {}): Promise<string> {
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

class UsageError extends Error {}

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
