import { CAPABILITIES, type Capability } from '../../contract/capabilities.ts';
import { LIMIT_NAMES, type LimitName, resolveLimits } from '../../contract/limits.ts';
import { type Flags, flagRows, HELP_FLAG, oneOf, parseFlags, UsageError } from '../../emulator/terminal/flags.ts';
import { inColumns } from '../../emulator/terminal/text.ts';
import { PROFILES, type Profile } from '../areas/rules.ts';
import type { Selection } from '../core/selection.ts';
import { REPORT_KINDS, type ReportKind } from '../report/write-reports.ts';
import { SCALES, type Scale } from '../targets/emulator.ts';
import type { Declared } from '../targets/target.ts';

export const COMMANDS = ['run', 'plan', 'list', 'probe', 'diff', 'sweep'] as const;
export type Command = (typeof COMMANDS)[number];

const DEFAULT_OUT = '.kimi-conformance';

export interface Options {
  command: Command;
  /** What stands behind the command: the two files of `diff`. */
  operands: string[];
  target: string | undefined;
  http: boolean;
  gateway: boolean;
  tokenizer: string | undefined;
  scale: Scale;
  profiles: Profile[] | undefined;
  cases: string[] | undefined;
  exclude: string[] | undefined;
  reports: ReportKind[];
  out: string;
  baseline: string | undefined;
  update: boolean;
  yes: boolean;
  maxSpend: number | undefined;
  dedicated: boolean;
  declares: Partial<Record<Capability, Declared>>;
  limits: Partial<Record<LimitName, number>>;
  deadlineMs: number | undefined;
  quiet: boolean;
  json: boolean;
  help: boolean;
}

/** Seconds. A timer takes 2^31 - 1 ms at most, and one that is set for longer goes off at once. */
const LONGEST_S = Math.floor((2 ** 31 - 1) / 1_000);

export const FLAGS = {
  target: {
    value: 'emulator|live|URL',
    help: 'server to test (also KIMI_CONFORMANCE_TARGET; default emulator)',
  },
  profile: {
    multiple: true,
    value: 'NAME',
    choices: PROFILES,
    help: `only these: ${PROFILES.join(', ')}; repeatable`,
  },
  case: {
    multiple: true,
    value: 'ID',
    help: 'only these cases, areas or checks: ID,ID; repeatable',
  },
  exclude: {
    multiple: true,
    value: 'ID',
    help: 'skip these: ID,ID; repeatable. Skipping a check skips its case',
  },
  scale: {
    value: SCALES.join('|'),
    choices: SCALES,
    help: "limits of the emulator: scaled down, or the contract's (default small)",
  },
  http: { help: 'reach the emulator over HTTP instead of in process' },
  gateway: { help: 'put a gateway in front of the target, which then needs to keep no sessions' },
  tokenizer: { value: 'FILE', help: 'vocabulary that the emulator counts tokens with' },
  report: { multiple: true, value: 'KINDS', choices: REPORT_KINDS, help: `${REPORT_KINDS.join(',')}; repeatable` },
  out: {
    value: 'DIR',
    help: `folder for reports and records of created resources (default ${DEFAULT_OUT})`,
  },
  baseline: { value: 'FILE', help: 'list of known failures' },
  update: { help: 'rewrite that list from this run' },
  yes: { help: 'confirm a run that costs money' },
  'max-spend': { value: 'USD', help: 'spending limit of such a run' },
  'dedicated-account': { help: 'the account holds nothing else and may be filled and EMPTIED' },
  declare: {
    multiple: true,
    value: 'NAME[=no]',
    choices: CAPABILITIES,
    help: 'capability that the target has, or lacks; repeatable',
  },
  limit: {
    multiple: true,
    value: 'NAME=N',
    help: 'limit of the target that differs from the contract; repeatable',
  },
  timeout: {
    value: 'SECONDS',
    help: `timeout of a request (default 30; live 120; at most ${LONGEST_S})`,
  },
  quiet: { help: 'print the result only' },
  json: { help: 'print the result as JSON' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** @throws UsageError */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parseFlags(args, FLAGS);
  const [first = 'run', ...operands] = positionals;
  const command = oneOf(COMMANDS, first, 'command');
  if (command === 'diff' ? operands.length !== 2 && !values.help : operands.length > 0) {
    throw new UsageError(
      command === 'diff' ? 'diff takes two report files' : `${command} does not take an argument: ${operands[0]}`,
    );
  }
  return {
    command,
    operands,
    target: values.target,
    http: values.http ?? false,
    gateway: values.gateway ?? false,
    tokenizer: values.tokenizer,
    scale: oneOf(SCALES, values.scale ?? 'small', '--scale'),
    profiles: values.profile?.map((name) => oneOf(PROFILES, name, '--profile')),
    cases: values.case?.flatMap((list) => list.split(',')),
    exclude: values.exclude?.flatMap((list) => list.split(',')),
    reports: (values.report ?? [])
      .flatMap((list) => list.split(','))
      .map((kind) => oneOf(REPORT_KINDS, kind, '--report')),
    out: values.out ?? DEFAULT_OUT,
    baseline: values.baseline,
    update: values.update ?? false,
    yes: values.yes ?? false,
    maxSpend: positive('--max-spend', values['max-spend']),
    dedicated: values['dedicated-account'] ?? false,
    declares: Object.fromEntries((values.declare ?? []).flatMap(declaration)),
    limits: Object.fromEntries((values.limit ?? []).map(limit)),
    deadlineMs: deadline(positive('--timeout', values.timeout)),
    quiet: values.quiet ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function positive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new UsageError(`${flag} takes a number above 0, not ${text}`);
  return value;
}

/** @returns milliseconds */
function deadline(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > LONGEST_S) throw new UsageError(`--timeout is at most ${LONGEST_S} seconds, not ${seconds}`);
  return seconds * 1_000;
}

function limit(text: string): [LimitName, number] {
  const [given = '', number] = text.split('=');
  const name = oneOf(LIMIT_NAMES, given, '--limit');
  try {
    return [name, resolveLimits({ [name]: Number(number || Number.NaN) })[name]];
  } catch (error) {
    throw new UsageError(`--${error instanceof RangeError ? error.message : error}`);
  }
}

/** `sessions` stands for all that begins with it. */
function declaration(text: string): [Capability, Declared][] {
  const [given = '', answer = 'yes'] = text.split('=');
  const names = CAPABILITIES.filter((name) => name === given || name.startsWith(`${given}.`));
  if (names.length === 0) throw new UsageError(`--declare ${given} is unknown; use one of ${CAPABILITIES.join(', ')}`);
  const declared = oneOf(['yes', 'no'] as const, answer, `--declare ${given}`);
  return names.map((name) => [name, declared]);
}

const COMMAND_LINES = [
  ['run', 'test the target and print a report (default)'],
  ['plan', 'print what a run would send and cost; sends nothing'],
  ['list', 'print every case with its checks and their rules'],
  ['probe', 'print what the target offers; creates nothing'],
  ['diff A B', 'compare two reports (JSON), rule by rule'],
  ['sweep', 'delete what a killed run left behind'],
] as const;

const ENVIRONMENT = [
  ['KIMI_CONFORMANCE_TARGET', 'emulator, live or a URL'],
  ['KIMI_BASE_URL, KIMI_API_KEY', 'the endpoint, for live'],
  ['KIMI_CONFORMANCE_MODEL', 'the model to test; must be set for live'],
  ['KIMI_API_KEY_B', 'a second account, for the rules between accounts'],
] as const;

const EXIT_CODES = [
  ['0', 'conformant'],
  ['1', 'not conformant, or the list of known failures is stale'],
  ['2', 'invalid configuration, or nothing selected'],
  ['3', 'incomplete: some checks gave no result'],
  ['4', 'the budget is exhausted'],
  ['5', 'something was left behind: run sweep'],
  ['130', 'interrupted'],
] as const;

/** @param width columns that it may take */
export function helpText(width: number): string {
  const section = (title: string, rows: readonly (readonly string[])[]) => ['', `${title}:`, ...inColumns(rows, width)];
  return [
    'Usage: kimi-emulator conformance [command] [flags]   test a server against the contract',
    ...section('Commands', COMMAND_LINES),
    ...section('Flags', flagRows(FLAGS)),
    ...section('Environment', ENVIRONMENT),
    ...section('Exit codes', EXIT_CODES),
    '',
  ].join('\n');
}

/** What the flags select. */
export function selectionOf({ profiles, cases, exclude }: Options): Selection {
  return { ...(profiles && { profiles }), ...(cases && { cases }), ...(exclude && { exclude }) };
}
