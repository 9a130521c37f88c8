#!/usr/bin/env node
import { isIP } from 'node:net';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import { createEmulator, type Emulator } from '../index.ts';
import { tryPort } from '../server.ts';
import { DatabaseError } from '../store/database.ts';
import { VERSION } from '../version.ts';
import { banner, readyLine } from './banner.ts';
import { COMMANDS } from './commands.ts';
import { type CliOptions, helpText, parseCli, UsageError } from './options.ts';
import { loadScript, loadSeedFile, prepareExport, readBilling, StartError, writeState } from './start-files.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const LISTEN_FAULTS: Record<string, string> = {
  EADDRINUSE: 'is in use; choose another with --port (0 takes any free one)',
  EACCES: 'may not be used: permission denied',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is not a known host',
};

async function main([command, ...rest]: string[]): Promise<void> {
  const run = command === undefined || !Object.hasOwn(COMMANDS, command) ? undefined : COMMANDS[command];
  if (run) {
    process.exitCode = await run(rest);
    return;
  }
  const options = parseCli(command === undefined ? [] : [command, ...rest]);
  if (options.help) process.stdout.write(helpText());
  else if (options.version) process.stdout.write(`${VERSION}\n`);
  else await serve(options);
}

async function serve(options: CliOptions): Promise<void> {
  const { port, host, quiet, json } = options;
  if (!isLoopback(host)) {
    warn(`${host} can be reached from other machines; whoever reaches it can use it`);
  }
  await tryPort({ port, host }).catch((error) => refuse(error, options));
  const { tokenizer, seed } = options;
  const billing = await readBilling(options.prices, options.balance, warn);
  if (options.exportOnExit !== undefined) await prepareExport(options.exportOnExit);
  const emulator = createEmulator({
    billing,
    database: options.db,
    limits: options.limits,
    cors: options.cors,
    allowedHosts: options.hosts,
    ...(options.keys && { apiKeys: options.keys }),
    ...(tokenizer !== undefined && { tokenizer }),
    ...(seed !== undefined && { seed }),
    ...(options.tier !== undefined && { rateTier: options.tier }),
  });
  const abandon = async (error: unknown): Promise<never> => {
    await emulator.close();
    throw error;
  };
  if (options.seedFile !== undefined) await loadSeedFile(emulator, options.seedFile).catch(abandon);
  if (options.script !== undefined) await loadScript(emulator, options.script).catch(abandon);
  const server = await emulator
    .listen({ port, host })
    .catch((error) => refuse(error, options))
    .catch(abandon);
  closeOnSignal(emulator, options.exportOnExit);
  if (json) process.stdout.write(`${readyLine(emulator, options, server.port)}\n`);
  else if (!quiet) process.stdout.write(banner(emulator, options));
}

function warn(line: string): void {
  process.stderr.write(`kimi-emulator: ${line}\n`);
}

function refuse(error: NodeJS.ErrnoException, { host, port }: CliOptions): never {
  throw new StartError(`${host}:${port} ${LISTEN_FAULTS[error.code ?? ''] ?? `cannot be used: ${error.message}`}`);
}

/** The first signal lets running streams finish and closes the database; a second one does not wait. */
function closeOnSignal(emulator: Emulator, exportTo: string | undefined): void {
  let closing = false;
  const close = (): void => {
    if (closing) process.exit(EXIT_INTERRUPTED);
    closing = true;
    const last = exportTo === undefined ? undefined : () => writeState(emulator, exportTo);
    void emulator
      .close(last)
      .catch(fail)
      .then(() => process.exit());
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** What a user can mend is one line; anything else is a defect and keeps its trace. */
function fail(error: unknown): void {
  const usage = error instanceof UsageError;
  const known = usage || [StartError, DatabaseError, TokenizerFileError].some((kind) => error instanceof kind);
  if (!known) throw error;
  process.stderr.write(`kimi-emulator: ${(error as Error).message}${usage ? ' (see --help)' : ''}\n`);
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}

await main(process.argv.slice(2)).catch(fail);
