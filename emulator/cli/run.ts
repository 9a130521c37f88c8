import { createEmulator, createGateway, type GatewayOptions } from '../index.ts';
import type { CommandShape } from '../terminal/flags.ts';
import { viewOf } from '../terminal/text.ts';
import { VERSION } from '../version.ts';
import { parseCli, parseGatewayCli } from './command-line.ts';
import { readConfig } from './config-file.ts';
import { type CommandName, gatewayHelpText, helpText } from './flags.ts';
import { fail, serve } from './serve.ts';

type Command = (args: string[]) => Promise<number>;

/** Subcommands by name, each loaded when it is called. They resolve to the exit code. */
const RUN: Readonly<Record<CommandName, Command>> = {
  exec: async (args) => (await import('./exec.ts')).runExecCommand(args, await readConfig(args), process),
  gateway: async (args) => {
    const { cli, gateway } = parseGatewayCli(args, process.env, await readConfig(args));
    if (cli.help) process.stdout.write(gatewayHelpText(width()));
    else if (cli.version) process.stdout.write(`${VERSION}\n`);
    else await serve(cli, (options) => createGateway({ ...options, ...gateway }), answersOf(gateway));
    return 0;
  },
  tape: async (args) => (await import('./tape.ts')).runTapeCommand(args, process),
  tokenizer: async (args) => (await import('./tokenizer.ts')).runTokenizerCommand(args, process),
  inspect: async (args) => (await import('./inspect.ts')).runInspectCommand(args, process),
  spend: async (args) => (await import('./spend.ts')).runSpendCommand(args, process),
  models: async (args) => (await import('./models.ts')).runModelsCommand(args, process),
  tools: async (args) => (await import('./tools.ts')).runToolsCommand(args, process),
  journal: async (args) => (await import('./journal.ts')).runJournalCommand(args, process),
  sessions: async (args) => (await import('./windows.ts')).runSessionsCommand(args, process),
  window: async (args) => (await import('./windows.ts')).runWindowCommand(args, process),
  diff: async (args) => (await import('./windows.ts')).runDiffCommand(args, process),
  doctor: async (args) => (await import('./doctor.ts')).runDoctorCommand(args, process),
  simulate: async (args) => (await import('./simulate.ts')).runSimulateCommand(args, process),
  conformance: async (args) => {
    const { conformanceCommand, processTerminal } = await conformanceKit();
    return conformanceCommand(args, processTerminal());
  },
  completion: async (args) => {
    const { runCompletionCommand } = await import('./completion.ts');
    return runCompletionCommand(args, process, (await conformanceKit()).CONFORMANCE_SHAPE);
  },
};

interface ConformanceKit {
  CONFORMANCE_SHAPE: CommandShape;
  conformanceCommand(args: string[], terminal: unknown): Promise<number>;
  processTerminal(): unknown;
}

/** Loaded by its name: the kit judges the emulator from outside, and is not part of it. */
async function conformanceKit(): Promise<ConformanceKit> {
  const name = new URL('../../conformance/cli/command.js', import.meta.url).href;
  return (await import(name)) as ConformanceKit;
}

/** Runs the command that these words name, a server where they name none, and sets the exit code. */
export async function run(args: readonly string[]): Promise<void> {
  await runWords(args).catch(fail);
}

async function runWords([command, ...rest]: readonly string[]): Promise<void> {
  endWithReader();
  if (command !== undefined && isCommand(command)) {
    process.exitCode = await RUN[command](rest);
    return;
  }
  const args = command === undefined ? [] : [command, ...rest];
  const options = parseCli(args, process.env, await readConfig(args));
  if (options.help) process.stdout.write(helpText(width()));
  else if (options.version) process.stdout.write(`${VERSION}\n`);
  else await serve(options, createEmulator);
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(RUN, word);
}

function width(): number {
  return viewOf(process.stdout, process.env).width;
}

/** Where a gateway's answers come from. */
function answersOf({ upstream, replay, recordMisses }: Pick<GatewayOptions, 'upstream' | 'replay' | 'recordMisses'>) {
  if (replay === undefined) return upstream;
  return recordMisses ? `tape ${replay}, then ${upstream}` : `tape ${replay}`;
}

/** Whoever reads the output may stop, as `head` does: a server then ends as on a signal, any other command with its own code. */
function endWithReader(): void {
  let gone = false;
  const onError = (isOutput: boolean) => (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (gone || !isOutput) return;
    gone = true;
    if (!process.emit('SIGTERM', 'SIGTERM')) setImmediate(() => process.exit());
  };
  process.stdout.on('error', onError(true));
  process.stderr.on('error', onError(false));
}
