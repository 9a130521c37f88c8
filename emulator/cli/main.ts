#!/usr/bin/env node
import { dirname } from 'node:path';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import { createEmulator, createGateway, type Emulator, type EmulatorOptions, type GatewayOptions } from '../index.ts';
import { isLoopback, tryPort } from '../server.ts';
import { DatabaseError } from '../store/database.ts';
import { TapeError } from '../tape/tape.ts';
import { VERSION } from '../version.ts';
import { banner, readyLine } from './banner.ts';
import {
  type CliOptions,
  DEFAULT_DB,
  GATEWAY_DB,
  gatewayHelpText,
  helpText,
  parseCli,
  parseGatewayCli,
} from './flags.ts';
import {
  ignoreInGit,
  loadImport,
  loadScript,
  prepareExport,
  readBilling,
  StartError,
  writeState,
} from './start-files.ts';
import { UsageError } from './usage.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const LISTEN_FAULTS: Record<string, string> = {
  EADDRINUSE: 'is in use; choose another with --port (0 takes any free one)',
  EACCES: 'cannot be used: permission denied',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a known host',
};

type Command = (args: string[]) => Promise<number>;

/** Subcommands by name, each loaded when it is called. They resolve to the exit code. */
const COMMANDS: Readonly<Record<string, Command>> = {
  gateway: async (args) => {
    const { cli, gateway } = parseGatewayCli(args);
    if (cli.help) process.stdout.write(gatewayHelpText());
    else if (cli.version) process.stdout.write(`${VERSION}\n`);
    else await serve(cli, (options) => createGateway({ ...options, ...gateway }), answersOf(gateway));
    return 0;
  },
  tape: async (args) => (await import('./tape.ts')).runTapeCommand(args, process),
  tokenizer: async (args) => (await import('./tokenizer.ts')).runTokenizerCommand(args, process),
  spend: async (args) => (await import('./spend.ts')).runSpendCommand(args, process),
  models: async (args) => (await import('./models.ts')).runModelsCommand(args, process),
  tools: async (args) => (await import('./tools.ts')).runToolsCommand(args, process),
  doctor: async (args) => (await import('./doctor.ts')).runDoctorCommand(args, process),
  conformance: async (args) => {
    // Loaded by its name: the kit judges the emulator from outside, and is not part of it.
    const name = new URL('../../conformance/cli/command.js', import.meta.url).href;
    const { conformanceCommand, processTerminal } = (await import(name)) as {
      conformanceCommand(args: string[], terminal: unknown): Promise<number>;
      processTerminal(): unknown;
    };
    return conformanceCommand(args, processTerminal());
  },
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
  else await serve(options, createEmulator);
}

/** Where a gateway's answers come from. */
function answersOf({ upstream, replay, recordMisses }: Pick<GatewayOptions, 'upstream' | 'replay' | 'recordMisses'>) {
  if (replay === undefined) return upstream;
  return recordMisses ? `tape ${replay}, then ${upstream}` : `tape ${replay}`;
}

/** @param upstream where its answers come from, where that is another server */
async function serve(
  cli: CliOptions,
  create: (options: EmulatorOptions) => Emulator,
  upstream?: string,
): Promise<void> {
  const { port, host, quiet, json } = cli;
  if (!isLoopback(host)) {
    const control =
      cli.options.controlKey === undefined ? 'control routes are closed' : 'control routes need their key';
    warn(`${host} can be reached from other machines: anyone who can connect can use this server; ${control}`);
  }
  await tryPort({ port, host }).catch((error) => refuse(error, cli));
  const billing = await readBilling(cli.prices, cli.balance, warn);
  if (cli.exportOnExit !== undefined) await prepareExport(cli.exportOnExit);
  const emulator = create({ ...cli.options, billing });
  const abandon = async (error: unknown): Promise<never> => {
    await emulator.close();
    throw error;
  };
  if ([DEFAULT_DB, GATEWAY_DB].includes(cli.options.database)) await ignoreInGit(dirname(DEFAULT_DB)).catch(abandon);
  if (cli.importFile !== undefined) await loadImport(emulator, cli.importFile).catch(abandon);
  if (cli.script !== undefined) await loadScript(emulator, cli.script).catch(abandon);
  const server = await emulator
    .listen({ port, host })
    .catch((error) => refuse(error, cli))
    .catch(abandon);
  closeOnSignal(emulator, cli.exportOnExit);
  if (json) process.stdout.write(`${readyLine(emulator, cli, { port: server.port, upstream })}\n`);
  else if (!quiet) process.stdout.write(banner(emulator, cli, upstream));
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

/** What a user can mend is one line; anything else is a defect and keeps its trace. */
function fail(error: unknown): void {
  const usage = error instanceof UsageError;
  const known =
    usage || [StartError, DatabaseError, TapeError, TokenizerFileError].some((kind) => error instanceof kind);
  if (!known) throw error;
  process.stderr.write(`kimi-emulator: ${(error as Error).message}${usage ? ' (see --help)' : ''}\n`);
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}

await main(process.argv.slice(2)).catch(fail);
