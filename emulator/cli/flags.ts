import { LIMIT_NAMES, LIMITS } from '../../contract/limits.ts';
import { GATEWAY_OPTION_NAMES, GATEWAY_OPTIONS } from '../gateway/create-gateway.ts';
import { OPTION_NAMES, OPTIONS, type Option, type Flag as OptionFlag } from '../options.ts';
import { type Flag, flagRows, HELP_FLAG } from '../terminal/flags.ts';
import { inColumns } from '../terminal/text.ts';

export const DEFAULT_PORT = 4100;
export const DEFAULT_DB = '.kimi-emulator/state.db';
export const GATEWAY_DB = '.kimi-emulator/gateway.db';
export const DEFAULT_HOST = '127.0.0.1';

export const LOG_FORMS = ['text', 'json', 'off'] as const;
export type LogForm = (typeof LOG_FORMS)[number];

interface ServeFlag extends Flag {
  /** The option that it sets. */
  readonly option?: string;
}

export type ServeFlags = Readonly<Record<string, ServeFlag>>;

/** The commands, in the order of `--help`. */
export const COMMANDS = {
  exec: 'run a command with an emulator around it, and judge the run',
  gateway: 'the same sessions in front of a live API, which keeps none',
  tape: 'look into, check and shorten what a gateway has recorded',
  tokenizer: 'install a vocabulary; count the tokens of a file',
  inspect: 'look into an exported state in the browser, read-only',
  spend: 'what the chats of a running emulator cost',
  models: 'what the live models take, side by side',
  tools: 'which tools the live API would refuse, why, and the fix',
  journal: 'the requests to a running emulator: a line for each, or all of one',
  sessions: 'how full the windows of a running emulator are, and of what',
  window: 'what a model reads of a session, what is pinned, what was cut',
  diff: 'which messages of one window are still in another',
  doctor: 'what in a run would fail or cost more on the live API',
  simulate: 'what a policy would cost, and what its window would still know',
  conformance: 'check this or another server against the contract',
  completion: 'completion of commands and flags, for bash, zsh or fish',
} as const;
export type CommandName = keyof typeof COMMANDS;

/** Flags in the order of `--help`. Those of an option of `createEmulator` are in its table. */
export const FLAGS: ServeFlags = {
  port: { value: 'PORT', help: `port to listen on; 0 picks a free one (default ${DEFAULT_PORT})` },
  host: { value: 'HOST', help: `address to bind (default ${DEFAULT_HOST})` },
  ...flagsOf(['database']),
  memory: { help: 'store the state in memory only; it is lost on exit' },
  ...flagsOf(OPTION_NAMES.filter((name) => name !== 'database')),
  config: { value: 'FILE', help: 'options from this file; without it from kimi-emulator.config.*, if there is one' },
  import: { value: 'FILE', help: 'start from an exported state, and reset to it; in memory unless --db is given' },
  'export-on-exit': { value: 'FILE', help: 'export the state when the server stops' },
  script: {
    value: 'FILE',
    help: 'rules in YAML or JSON that answer before the model does; read again when the file changes',
  },
  prices: { value: 'FILE', help: 'prices in YAML or JSON that replace the built-in ones' },
  balance: { value: 'AMOUNT', help: 'starting balance per account, such as 10USD; chat is refused once it is spent' },
  open: { help: 'open the inspector in the browser' },
  json: { help: 'print one line of JSON when ready, instead of the banner' },
  quiet: { help: 'print neither the banner nor the log' },
  log: {
    value: 'FORM',
    choices: LOG_FORMS,
    help: 'a line for each request, and at the end what was served: text (default), json, or off (default with --json and --quiet)',
  },
  ...HELP_FLAG,
  version: { short: 'v', help: 'print the version' },
};

const { script, stateless, models, db, ...COMMON_FLAGS } = FLAGS;

/** Flags of the gateway, which has no model of its own: its options first. */
export const GATEWAY_FLAGS: ServeFlags = {
  ...flagsOf(GATEWAY_OPTION_NAMES, GATEWAY_OPTIONS),
  'record-misses': { help: 'with --replay: ask the upstream for what the tape lacks, and add it' },
  'finish-abandoned': { help: 'read an answer to its end where the client has gone, and store it for its retry' },
  'connect-timeout': { value: 'SECONDS', help: 'how long the upstream may take to connect (default 10)' },
  'first-byte-timeout': { value: 'SECONDS', help: 'how long it may take to begin its answer (default 900)' },
  'idle-timeout': { value: 'SECONDS', help: 'how long it may pause within an answer (default 300)' },
  'turn-timeout': { value: 'SECONDS', help: 'how long the whole answer of a session turn may take (default 3600)' },
  db: { ...db, help: `file that stores the state (default ${GATEWAY_DB})` },
  ...COMMON_FLAGS,
};

export const GATEWAY_ONLY_FLAGS = Object.fromEntries(
  Object.entries(GATEWAY_FLAGS).filter(([name]) => !(name in FLAGS)),
);

/** Flags of `exec`: those of the server it starts, and what fails the run. */
export const EXEC_FLAGS: ServeFlags = {
  'fail-on': {
    value: 'LIST',
    multiple: true,
    choices: ['doctor', 'faults'],
    help: "fail on: doctor, faults, 'spend>0.50USD'; repeatable",
  },
  ...FLAGS,
  port: { value: 'PORT', help: 'port to listen on (default: any free one)' },
  db: { ...db, help: 'file that stores the state (default: in memory)' },
  json: { help: 'print the report as JSON' },
  quiet: { help: 'print only what failed' },
  log: { ...FLAGS.log, help: 'a line for each request, on standard error: text, json, or off (default)' },
  ...GATEWAY_ONLY_FLAGS,
};

function flagsOf<Name extends string>(
  names: readonly Name[],
  options: Readonly<Record<Name, Option<unknown>>> = OPTIONS as never,
): Record<string, ServeFlag> {
  const flags = names.flatMap((option) => {
    const { flag, meaning }: { flag?: OptionFlag; meaning: string } = options[option];
    return flag ? [[flag.name, { help: meaning, ...flag, option }] as const] : [];
  });
  return Object.fromEntries(flags);
}

/** @param width columns that it may take */
export function gatewayHelpText(width: number): string {
  return [
    'Usage: kimi-emulator gateway --upstream URL [flags]   sessions in front of an API that keeps none',
    '       kimi-emulator gateway --replay FILE [flags]    the same with recorded answers, without a network',
    '',
    'Answers come from the upstream; sessions, snapshots, limits, journal and spend are kept here.',
    '',
    'Flags:',
    ...inColumns(flagRows(GATEWAY_FLAGS), width),
    '',
  ].join('\n');
}

/** @param width columns that it may take */
export function helpText(width: number): string {
  return [
    'Usage: kimi-emulator [flags]                 serve the Kimi long-context session API on this machine',
    '       kimi-emulator COMMAND [flags]         (COMMAND --help says more)',
    '',
    'Commands:',
    ...inColumns(Object.entries(COMMANDS), width),
    '',
    'Flags:',
    ...inColumns(flagRows(FLAGS), width),
    '',
    'Limits (for --limit):',
    ...inColumns(
      LIMIT_NAMES.map((name) => [name, String(LIMITS[name].default), LIMITS[name].meaning]),
      width,
    ),
    '',
  ].join('\n');
}
