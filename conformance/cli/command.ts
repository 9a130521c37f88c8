import { type CommandShape, UsageError } from '../../emulator/terminal/flags.ts';
import { oneLine, viewOf, visible } from '../../emulator/terminal/text.ts';
import { Unreachable } from '../core/probe.ts';
import { Interrupted } from '../core/run.ts';
import { MaxSpendMissing } from '../core/runner.ts';
import { SelectionError } from '../core/selection.ts';
import { EXIT } from '../core/summary.ts';
import { Inconclusive, NotRun } from '../core/verdict.ts';
import { ReportError } from '../report/report.ts';
import { TargetError } from '../targets/emulator.ts';
import { diffCommand, listCommand, planCommand, probeCommand, sweepCommand } from './commands.ts';
import { COMMANDS, type Command, FLAGS, helpText, type Options, parseOptions } from './options.ts';
import { ConfigurationError, runCommand } from './run-command.ts';
import type { Terminal } from './terminal.ts';

/** What shells complete. */
export const CONFORMANCE_SHAPE: CommandShape = { flags: FLAGS, actions: COMMANDS, files: true };

const HANDLERS: Record<Command, (options: Options, terminal: Terminal) => Promise<number>> = {
  run: runCommand,
  plan: planCommand,
  list: listCommand,
  probe: probeCommand,
  diff: diffCommand,
  sweep: sweepCommand,
};

/** `kimi-emulator conformance …`. A user's mistake is reported in one line; a defect of the kit says nothing about the target. @returns the exit code */
export async function conformanceCommand(args: string[], terminal: Terminal): Promise<number> {
  try {
    const options = parseOptions(args);
    if (!options.help) return await HANDLERS[options.command](options, terminal);
    terminal.stdout.write(helpText(viewOf(terminal.stdout, terminal.env).width));
    return EXIT.conformant;
  } catch (error) {
    const code = exitCodeFor(error);
    if (code === undefined) {
      const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
      terminal.stderr.write(`kimi-emulator conformance: the kit itself failed\n${visible(trace)}\n`);
      return EXIT.incomplete;
    }
    terminal.stderr.write(`kimi-emulator conformance: ${oneLine((error as Error).message)}\n`);
    return code;
  }
}

/** Undefined for a defect of the kit's, which keeps its trace. */
function exitCodeFor(error: unknown): number | undefined {
  if (error instanceof Unreachable) return error.exitCode;
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof Inconclusive || error instanceof NotRun) return EXIT.incomplete;
  const mended = [UsageError, SelectionError, MaxSpendMissing, ConfigurationError, ReportError, TargetError];
  return mended.some((kind) => error instanceof kind) ? EXIT.configuration : undefined;
}

/** The process as a terminal: the first signal interrupts, the second does not wait. */
export function processTerminal(): Terminal {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt(interrupt) {
      let interrupted = false;
      const onSignal = () => {
        if (interrupted) process.exit(EXIT.interrupted);
        interrupted = true;
        interrupt();
      };
      process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
      return () => {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      };
    },
  };
}
