import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Amount } from '../billing/ledger.ts';
import { headline, type Spend } from '../billing/spend.ts';
import type { EmulatorConfig } from '../config.ts';
import { count } from '../doctor/diagnose.ts';
import { countsOf, type Diagnosis, diagnosisOf, judgedOf, renderFindings, renderJson } from '../doctor/report.ts';
import { createEmulator, createGateway, type Emulator } from '../index.ts';
import { type CommandShape, flagRows, helpPage, UsageError } from '../terminal/flags.ts';
import { viewOf, wrap } from '../terminal/text.ts';
import { type ExecCli, parseExecCli } from './command-line.ts';
import { EXEC_FLAGS } from './flags.ts';
import { start } from './serve.ts';
import { amountOf, overCap } from './spend.ts';
import { writeState } from './start-files.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

const EXIT = { failed: 1, notRunnable: 126, notFound: 127, signal: 128 } as const;
/** Of an emulator that takes any. */
const ANY_KEY = 'sk-emulator';

export const EXEC_SHAPE: CommandShape = { flags: EXEC_FLAGS };

function helpText(width: number): string {
  const about = [
    'Starts an emulator on a free port, in memory, and runs the command with KIMI_BASE_URL, KIMI_API_KEY, OPENAI_BASE_URL, OPENAI_API_KEY, MOONSHOT_BASE_URL, MOONSHOT_API_BASE and MOONSHOT_API_KEY set for it. When the command has ended, what the doctor found, what it cost and which faults were never used is printed on standard error, and the emulator is gone.',
    'With --upstream URL or --replay FILE a gateway is started instead.',
  ];
  const after = [
    'Exit codes: that of the command (128 and the number of the signal that ended it); 1 where it ended with 0 and --fail-on applies; 2 invalid command line; 126 it cannot be run; 127 it is not found',
  ];
  return helpPage({ usage: ['exec [flags] -- COMMAND …'], about, rows: flagRows(EXEC_FLAGS), after }, width);
}

interface ExecIo extends CommandIo {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: { readonly isTTY?: boolean };
}

/** The subcommand `kimi-emulator exec`. Resolves to the exit code. */
export function runExecCommand(args: string[], config: EmulatorConfig, io: ExecIo): Promise<number> {
  return runCommand('exec', io, async () => {
    const { stdout, stderr, env } = io;
    const asked = parseExecCli(args, env, config);
    const { cli, gateway, command } = asked;
    if (cli.help) {
      stdout.write(helpText(viewOf(stdout, env).width));
      return 0;
    }
    const keys = keysOf(asked, env);
    const { emulator } = await start(cli, (options) =>
      gateway ? createGateway({ ...options, ...gateway }) : createEmulator(options),
    );
    const { exportOnExit, log } = cli;
    // The output is the command's own.
    const sayServed =
      log === 'off'
        ? undefined
        : (await import('./request-log.ts')).logRequests(emulator, log, { stdout: stderr, stderr, env });
    try {
      const judges = judgesOf(asked.failOn, (await emulator.spend()).currency);
      const ended = await runChild(
        command,
        { ...env, ...addressesOf(emulator), ...keys, ...pastProxy(env, emulator) },
        io.stdin.isTTY === true,
      );
      if (ended.told !== undefined) throw new CommandError(ended.told, ended.code);
      sayServed?.();
      const outcome = await outcomeOf(emulator, ended.code, judges);
      stderr.write(cli.json ? renderOutcomeJson(outcome, command) : renderOutcome(outcome, io, cli.quiet));
      return ended.code === 0 && outcome.failed.length > 0 ? EXIT.failed : ended.code;
    } finally {
      await emulator.close(exportOnExit === undefined ? undefined : () => writeState(emulator, exportOnExit));
    }
  });
}

function addressesOf({ baseURL }: Emulator): Record<string, string> {
  const names = ['KIMI_BASE_URL', 'OPENAI_BASE_URL', 'MOONSHOT_BASE_URL', 'MOONSHOT_API_BASE'];
  return Object.fromEntries(names.map((name) => [name, baseURL]));
}

/** Clients that go through a proxy are told not to for this machine. */
function pastProxy(env: NodeJS.ProcessEnv, { baseURL }: Emulator): Record<string, string> {
  const hasProxy = Object.keys(env).some((name) => /^(?:https?|all)_proxy$/i.test(name) && env[name]);
  if (!hasProxy) return {};
  const { hostname } = new URL(baseURL);
  const list = [env.no_proxy || env.NO_PROXY, hostname].filter(Boolean).join(',');
  return { no_proxy: list, NO_PROXY: list };
}

/**
 * Keys for the command. A gateway without a key of its own hands the client's on to the upstream, so that a key for somebody
 * else's API may not be among them.
 * @throws UsageError where there is none to hand on
 */
function keysOf({ cli: { options }, gateway }: ExecCli, env: NodeJS.ProcessEnv): Record<string, string> {
  const handsOn = gateway?.upstream !== undefined && gateway.upstreamKey === undefined;
  const own = env.KIMI_API_KEY || env.MOONSHOT_API_KEY || undefined;
  if (handsOn && own === undefined) throw new UsageError('--upstream needs KIMI_API_KEY, or --upstream-key-env NAME');
  const key = handsOn && own !== undefined ? own : (options.apiKeys?.[0] ?? ANY_KEY);
  const control = options.controlKey === undefined ? {} : { KIMI_EMULATOR_CONTROL_KEY: options.controlKey };
  return { KIMI_API_KEY: key, OPENAI_API_KEY: key, MOONSHOT_API_KEY: key, ...control };
}

interface Ended {
  code: number;
  /** Why the command did not run at all. */
  told?: string;
}

/** Runs a command on this process's own streams, and sees that it ends before this process or with it. */
async function runChild(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  isTerminal: boolean,
): Promise<Ended> {
  const child = spawn(program, args, { stdio: 'inherit', env });
  const ended = new Promise<Ended>((done) => {
    child.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'ENOENT') done({ code: EXIT.notFound, told: `${program}: command not found` });
      else done({ code: EXIT.notRunnable, told: `${program} cannot be run: ${code ?? message}` });
    });
    child.once('exit', (code, signal) => done({ code: code ?? EXIT.signal + constants.signals[signal ?? 'SIGKILL'] }));
  });
  const release = passSignals(child, isTerminal);
  const guard = guardOf(child);
  const found = await ended;
  release();
  await guard();
  return found;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Hands on the first signal; a second one ends the command. A terminal sends its Ctrl-C to the command by itself. */
function passSignals(child: ChildProcess, isTerminal: boolean): () => void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) child.kill('SIGKILL');
    else if (signal !== 'SIGINT' || !isTerminal) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

const GUARD = `trap '' HUP INT TERM; read -r _ || { kill -TERM "$1"; sleep 1; kill -KILL "$1"; } 2>/dev/null`;

/**
 * Ends the command where this process is killed and can no longer do it: a shell waits for a line on a pipe, and finds its
 * end instead. Where there is no shell, the command is left behind, with an address at which nobody answers.
 * @returns releases it
 */
function guardOf({ pid }: ChildProcess): () => Promise<void> {
  if (pid === undefined) return async () => undefined;
  const guard = spawn('sh', ['-c', GUARD, 'sh', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const gone = new Promise<void>((done) => {
    guard.once('exit', () => done()).once('error', () => done());
  });
  guard.stdin.on('error', () => undefined);
  return () => {
    guard.stdin.end('released\n');
    return gone;
  };
}

interface Outcome {
  code: number;
  diagnosis: Diagnosis;
  spend: Spend;
  unusedFaults: readonly string[];
  /** In one line each, what `--fail-on` names and did happen. */
  failed: readonly string[];
}

function isUnused({ entries, dropped }: Diagnosis['file']): boolean {
  return entries.length === 0 && dropped === 0;
}

/** Says in one line what is wrong with a run, if anything is. */
type Judge = (outcome: Omit<Outcome, 'failed'>) => string | undefined;

const FAIL_ON: Readonly<Record<string, Judge>> = {
  doctor: ({ diagnosis: { findings, file } }) => {
    if (isUnused(file)) return 'doctor: no request reached the emulator';
    const names = findings.filter(({ level }) => level === 'error').map(({ rule }) => rule);
    return names.length === 0 ? undefined : `doctor: ${names.join(', ')}`;
  },
  faults: ({ unusedFaults }) => (unusedFaults.length === 0 ? undefined : `faults: ${unusedFaults.length} never used`),
};

/** @throws UsageError */
function judgesOf(failOn: readonly string[], currency: string): Judge[] {
  return failOn.map((text): Judge => {
    const [name = '', amount] = text.split('>');
    const judge = Object.hasOwn(FAIL_ON, name) ? FAIL_ON[name] : undefined;
    if (judge && amount === undefined) return judge;
    if (name !== 'spend' || !amount) {
      const quoted = name === 'spend' ? ', with quotes, as the shell takes > for itself' : '';
      throw new UsageError(`--fail-on takes doctor, faults or 'spend>0.50USD'${quoted}, not ${text || 'nothing'}`);
    }
    const cap: Amount = amountOf('--fail-on spend', amount);
    if (cap.currency !== currency) {
      throw new UsageError(`--fail-on spend is in ${cap.currency}, but this run is billed in ${currency}`);
    }
    return ({ spend }) => {
      const over = overCap(spend, cap, '--fail-on');
      return over && `spend: ${over}`;
    };
  });
}

async function outcomeOf(emulator: Emulator, code: number, judges: readonly Judge[]): Promise<Outcome> {
  const answer = await emulator.fetch(new URL('/_emulator/journal', emulator.baseURL));
  const diagnosis = diagnosisOf('the run', (await answer.json()) as Diagnosis['file']);
  const seen = { code, diagnosis, spend: await emulator.spend(), unusedFaults: emulator.faults.unused() };
  return { ...seen, failed: judges.flatMap((judge) => judge(seen) ?? []) };
}

function renderOutcome(
  { diagnosis, spend, unusedFaults, failed, code }: Outcome,
  io: ExecIo,
  isQuiet: boolean,
): string {
  const view = viewOf(io.stderr, io.env);
  const { findings, file } = diagnosis;
  const told = (line: string) => wrap(line, view.width);
  const report = [
    ...told(`kimi-emulator exec: the command ended with ${code}; ${judgedOf(diagnosis)}`),
    ...(isUnused(file)
      ? told('no request reached the emulator: does the command read KIMI_BASE_URL or OPENAI_BASE_URL?')
      : [
          ...renderFindings(
            findings.filter(({ level }) => level !== 'ok'),
            view,
          ),
          `doctor: ${countsOf(findings)}, ${count(findings, 'ok')} ok`,
          ...told(spend.total.turns === 0 ? 'spend: nothing' : headline('spend', spend.total, spend.currency)),
        ]),
    ...unusedFaults.flatMap((fault) => told(`fault never used: ${fault}`)),
  ];
  const failures = failed.map((line) => `kimi-emulator exec: failed on ${line}`);
  return [...(isQuiet ? [] : report), ...failures].map((line) => `${line}\n`).join('');
}

function renderOutcomeJson(
  { diagnosis, spend, unusedFaults, failed, code }: Outcome,
  command: readonly string[],
): string {
  const doctor = JSON.parse(renderJson(diagnosis)) as object;
  const outcome = {
    object: 'emulator.exec',
    command,
    exit_code: code,
    doctor,
    spend,
    unused_faults: unusedFaults,
    failed,
  };
  return `${JSON.stringify(outcome, null, 2)}\n`;
}
