import { EXIT } from '../core/exit-code.ts';
import { Unreachable } from '../core/preflight.ts';
import { Interrupted } from '../core/run.ts';
import { CapMissing } from '../core/runner.ts';
import { SelectionError } from '../core/select.ts';
import { Fault, NotRun } from '../core/verdict.ts';
import { ReportError } from '../report/json.ts';
import { oneLine, visible } from '../report/text.ts';
import { TargetError } from '../targets/emulator.ts';
import { diffCommand } from './diff-command.ts';
import { helpText } from './help.ts';
import { type Command, type Options, parseOptions, UsageError } from './options.ts';
import { listCommand, planCommand, probeCommand, sweepCommand } from './other-commands.ts';
import { ConfigurationError, runCommand } from './run-command.ts';
import type { Environment } from './target-of.ts';

/** Where the command reads and writes. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: Environment;
  /** Calls back at the first SIGINT or SIGTERM, and returns what ends the waiting for one. */
  onInterrupt(interrupt: () => void): () => void;
}

const HANDLERS: Record<Command, (options: Options, terminal: Terminal) => Promise<number>> = {
  run: runCommand,
  plan: planCommand,
  list: listCommand,
  probe: probeCommand,
  diff: diffCommand,
  sweep: sweepCommand,
};

/** `kimi-emulator conformance …`. What a user can mend is one line; a defect of the kit's is no verdict on the target. @returns the exit code */
export async function conformanceCommand(args: string[], terminal: Terminal): Promise<number> {
  try {
    const options = parseOptions(args);
    if (!options.help) return await HANDLERS[options.command](options, terminal);
    terminal.stdout.write(helpText());
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
  if (error instanceof Fault || error instanceof NotRun) return EXIT.incomplete;
  const mended = [UsageError, SelectionError, CapMissing, ConfigurationError, ReportError, TargetError];
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
