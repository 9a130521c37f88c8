import { dirname } from 'node:path';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import type { Emulator, EmulatorOptions, RunningServer } from '../index.ts';
import { isLoopback, tryPort } from '../server.ts';
import { DatabaseError } from '../store/database.ts';
import { TapeError } from '../tape/tape.ts';
import { UsageError } from '../terminal/flags.ts';
import { visible } from '../terminal/text.ts';
import { banner, inspectorUrl, readyLine } from './banner.ts';
import type { CliOptions } from './command-line.ts';
import { DEFAULT_DB, GATEWAY_DB } from './flags.ts';
import {
  followScript,
  ignoreInGit,
  loadImport,
  prepareExport,
  readBilling,
  StartError,
  writeState,
} from './start-files.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const LISTEN_FAULTS: Record<string, string> = {
  EADDRINUSE: 'is in use; choose another with --port (0 takes any free one)',
  EACCES: 'cannot be used: permission denied',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a known host',
};

type Create = (options: EmulatorOptions) => Emulator;

/**
 * Serves until a signal ends it.
 * @param upstream where its answers come from, where that is another server
 * @param says what a person reads when it is ready
 */
export async function serve(cli: CliOptions, create: Create, upstream?: string, says = banner): Promise<void> {
  const { emulator, server } = await start(cli, create);
  const sayServed =
    cli.log === 'off' ? undefined : (await import('./request-log.ts')).logRequests(emulator, cli.log, process);
  closeOnSignal(emulator, cli.exportOnExit, sayServed);
  // Whoever reads the log as JSON reads nothing else.
  if (cli.json || (cli.log === 'json' && !cli.quiet))
    process.stdout.write(`${readyLine(emulator, cli, { port: server.port, upstream })}\n`);
  else if (!cli.quiet) process.stdout.write(says(emulator, cli, upstream));
  if (cli.open) (await import('./inspect.ts')).openInBrowser(inspectorUrl(emulator), warn);
}

/**
 * Starts what a command line asks for, and waits until it serves.
 * @throws StartError, DatabaseError, TapeError, TokenizerFileError in one line
 */
export async function start(cli: CliOptions, create: Create): Promise<{ emulator: Emulator; server: RunningServer }> {
  const { port, host } = cli;
  if (!isLoopback(host)) {
    const control =
      cli.options.controlKey === undefined ? 'control routes are closed' : 'control routes need their key';
    const users = cli.options.apiKeys === undefined ? 'anyone who can connect' : 'anyone with one of its keys';
    warn(`${host} can be reached from other machines: ${users} can use this server; ${control}`);
  }
  await tryPort({ port, host }).catch((error) => refuse(error, cli));
  const billing = await readBilling(cli.prices, cli.balance, warn);
  if (cli.exportOnExit !== undefined) await prepareExport(cli.exportOnExit);
  const emulator = create({ ...cli.options, billing: { ...cli.options.billing, ...billing } });
  const abandon = async (error: unknown): Promise<never> => {
    await emulator.close();
    throw error;
  };
  if ([DEFAULT_DB, GATEWAY_DB].includes(cli.options.database)) await ignoreInGit(dirname(DEFAULT_DB)).catch(abandon);
  if (cli.importFile !== undefined) await loadImport(emulator, cli.importFile).catch(abandon);
  if (cli.script !== undefined) await followScript(emulator, cli.script, warn).catch(abandon);
  const server = await emulator
    .listen({ port, host })
    .catch((error) => refuse(error, cli))
    .catch(abandon);
  return { emulator, server };
}

function warn(line: string): void {
  process.stderr.write(`kimi-emulator: ${line}\n`);
}

function refuse(error: NodeJS.ErrnoException, { host, port }: CliOptions): never {
  throw new StartError(`${host}:${port} ${LISTEN_FAULTS[error.code ?? ''] ?? `cannot be used: ${error.message}`}`);
}

/** The first signal lets running streams finish and closes the database; a second one does not wait. */
function closeOnSignal(emulator: Emulator, exportTo: string | undefined, sayServed?: () => void): void {
  let closing = false;
  const close = (): void => {
    if (closing) process.exit(EXIT_INTERRUPTED);
    closing = true;
    const last = exportTo === undefined ? undefined : () => writeState(emulator, exportTo);
    void emulator
      .close(last)
      .catch(fail)
      .then(sayServed)
      .then(() => process.exit());
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);
}

/** What a user can mend is one line; anything else is a defect and keeps its trace. */
export function fail(error: unknown): void {
  const usage = error instanceof UsageError;
  const known =
    usage || [StartError, DatabaseError, TapeError, TokenizerFileError].some((kind) => error instanceof kind);
  if (!known) throw error;
  process.stderr.write(`kimi-emulator: ${visible((error as Error).message)}${usage ? ' (see --help)' : ''}\n`);
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}
