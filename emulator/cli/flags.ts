import { readFileSync } from 'node:fs';
import { LIMIT_NAMES, LIMITS } from '../../contract/limits.ts';
import { type Flag, flagRows, HELP_FLAG, oneOf, parseFlags, UsageError } from '../../terminal/flags.ts';
import { didYouMean } from '../../terminal/nearest.ts';
import { inColumns } from '../../terminal/text.ts';
import { type Amount, parseAmount } from '../billing/ledger.ts';
import { GATEWAY_OPTION_NAMES, GATEWAY_OPTIONS, type GatewayOptions } from '../gateway/create-gateway.ts';
import type { UpstreamTimeouts } from '../gateway/upstream.ts';
import { type EmulatorOptions, OPTION_NAMES, OPTIONS, type Option, type Flag as OptionFlag } from '../options.ts';
import { MEMORY } from '../store/database.ts';
import { tapeConflict } from '../tape/tape-options.ts';

const DEFAULT_PORT = 4100;
export const DEFAULT_DB = '.kimi-emulator/state.db';
export const GATEWAY_DB = '.kimi-emulator/gateway.db';
const DEFAULT_HOST = '127.0.0.1';
const MAX_PORT = 65_535;

const LOG_FORMS = ['text', 'json', 'off'] as const;
export type LogForm = (typeof LOG_FORMS)[number];

export interface CliOptions {
  port: number;
  host: string;
  /** What `createEmulator` is given. `database` is always set. */
  options: EmulatorOptions & { database: string };
  importFile: string | undefined;
  exportOnExit: string | undefined;
  script: string | undefined;
  prices: string | undefined;
  balance: Amount | undefined;
  json: boolean;
  quiet: boolean;
  log: LogForm;
  help: boolean;
  version: boolean;
}

interface ServeFlag extends Flag {
  /** The option that it sets. */
  readonly option?: string;
}

type ServeFlags = Readonly<Record<string, ServeFlag>>;

/** The commands, in the order of `--help`. */
const COMMANDS = {
  gateway: 'the same sessions in front of a live API, which keeps none',
  tape: 'look into, check and shorten what a gateway has recorded',
  tokenizer: 'install a vocabulary; count the tokens of a file',
  spend: 'what the chats of a running emulator cost',
  models: 'what the live models take, side by side',
  tools: 'which tools the live API would refuse, why, and the fix',
  doctor: 'what in a run would fail or cost more on the live API',
  conformance: 'check this or another server against the contract',
} as const;
export type CommandName = keyof typeof COMMANDS;
const COMMAND_NAMES = Object.keys(COMMANDS);

/** Flags in the order of `--help`. Those of an option of `createEmulator` are in its table. */
export const FLAGS: ServeFlags = {
  port: { value: 'PORT', help: `port to listen on; 0 picks a free one (default ${DEFAULT_PORT})` },
  host: { value: 'HOST', help: `address to bind (default ${DEFAULT_HOST})` },
  ...flagsOf(['database']),
  memory: { help: 'store the state in memory only; it is lost on exit' },
  ...flagsOf(OPTION_NAMES.filter((name) => name !== 'database')),
  import: { value: 'FILE', help: 'start from an exported state, and reset to it; in memory unless --db is given' },
  'export-on-exit': { value: 'FILE', help: 'export the state when the server stops' },
  script: {
    value: 'FILE',
    help: 'rules in YAML or JSON that answer before the model does; read again when the file changes',
  },
  prices: { value: 'FILE', help: 'prices in YAML or JSON that replace the built-in ones' },
  balance: { value: 'AMOUNT', help: 'starting balance per account, such as 10USD; chat is refused once it is spent' },
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

const TIMEOUT_FLAGS = {
  connect: 'connect-timeout',
  firstByte: 'first-byte-timeout',
  idle: 'idle-timeout',
  turn: 'turn-timeout',
} as const satisfies Record<keyof UpstreamTimeouts, string>;

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

type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

/** The command line of `kimi-emulator gateway`. @throws UsageError */
export function parseGatewayCli(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): { cli: CliOptions; gateway: Omit<GatewayOptions, keyof EmulatorOptions> } {
  const values = readFlags(args, GATEWAY_FLAGS);
  const cli = cliOptions({ ...values, models: undefined }, env, GATEWAY_DB);
  const upstream = { upstream: env.KIMI_UPSTREAM || undefined, ...values }.upstream;
  const found = optionsOf({ ...values, upstream }, GATEWAY_FLAGS, GATEWAY_OPTIONS, env) as Partial<GatewayOptions>;
  const tape = { ...found, ...(values['record-misses'] === true && { recordMisses: true }) };
  const conflict = tapeConflict(tape, found.upstream !== undefined, (name) => `--${FLAG_NAMES[name] ?? name}`);
  if (conflict !== undefined) throw new UsageError(conflict);
  if (found.upstream === undefined && found.replay === undefined && !cli.help && !cli.version) {
    throw new UsageError('gateway needs --upstream URL (or KIMI_UPSTREAM), such as https://api.moonshot.ai/v1');
  }
  const timeouts = Object.entries(TIMEOUT_FLAGS).flatMap(([name, flag]) => {
    const text = values[flag];
    return text === undefined ? [] : [[name, milliseconds(flag, String(text))]];
  });
  const gateway = {
    ...tape,
    ...(values['finish-abandoned'] === true && { finishAbandoned: true }),
    ...(timeouts.length > 0 && { timeouts: Object.fromEntries(timeouts) }),
  };
  return { cli, gateway };
}

/** Of options that are not called as their flags are. */
const FLAG_NAMES: Readonly<Record<string, string>> = { recordMisses: 'record-misses' };

const MAX_SECONDS = 86_400;

function milliseconds(flag: string, text: string): number {
  const seconds = Number(text);
  if (/^\d+(?:\.\d{1,3})?$/.test(text) && seconds > 0 && seconds <= MAX_SECONDS) return Math.round(seconds * 1_000);
  throw new UsageError(`--${flag} takes seconds from 0.001 to ${MAX_SECONDS}, not ${text === '' ? 'nothing' : text}`);
}

/** @throws UsageError */
export function parseCli(args: string[], env: NodeJS.ProcessEnv = process.env): CliOptions {
  return cliOptions(readFlags(args, FLAGS), env, DEFAULT_DB);
}

function cliOptions(values: Values, env: NodeJS.ProcessEnv, database: string): CliOptions {
  const text = (flag: string): string | undefined => {
    const value = values[flag];
    if (value === '') throw new UsageError(`--${flag} takes ${FLAGS[flag]?.value}, not nothing`);
    return typeof value === 'string' ? value : undefined;
  };
  const importFile = text('import');
  const controlKey = { 'control-key': env.KIMI_EMULATOR_CONTROL_KEY || undefined };
  // A server is not a test of its own, whatever NODE_ENV says of the program that starts it.
  const hints = env.KIMI_EMULATOR_HINTS || 'header';
  const given = optionsOf({ hints, ...controlKey, ...values }, FLAGS, OPTIONS, env) as EmulatorOptions;
  if (given.database !== undefined && values.memory) throw new UsageError('--db and --memory exclude each other');
  // A second start with one file would find the sessions of the file in it already.
  const inMemory = values.memory === true || importFile !== undefined;
  return {
    port: port(text('port')),
    host: withoutBrackets(text('host') ?? DEFAULT_HOST),
    options: { ...given, database: given.database ?? (inMemory ? MEMORY : database) },
    importFile,
    exportOnExit: text('export-on-exit'),
    script: text('script'),
    prices: text('prices'),
    balance: balance(text('balance')),
    json: values.json === true,
    quiet: values.quiet === true,
    log: logForm(text('log'), values),
    help: values.help === true,
    version: values.version === true,
  };
}

/** Whoever reads one line of JSON may read no more, and a server that prints to nobody comes to a stop. */
function logForm(given: string | undefined, { json, quiet }: Values): LogForm {
  if (given === undefined) return json === true || quiet === true ? 'off' : 'text';
  return oneOf(LOG_FORMS, given, '--log');
}

/** @throws UsageError */
function readFlags(args: readonly string[], flags: ServeFlags): Values {
  const { values, positionals } = parseFlags(args, flags);
  const [word] = positionals;
  if (word === undefined) return values;
  const isCommand = word === args[0];
  throw new UsageError(
    isCommand ? `unknown command '${word}'${didYouMean(word, COMMAND_NAMES)}` : `unexpected argument '${word}'`,
  );
}

/** The options of a table that the command line sets, each checked by its own rule. @throws UsageError */
function optionsOf(
  values: Values,
  flags: ServeFlags,
  table: Readonly<Record<string, Option<unknown>>>,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, unknown>> {
  const found = Object.entries(flags).flatMap(([flag, { option }]) => {
    const texts = [values[flag] ?? []].flat().map(String);
    const rule = option === undefined ? undefined : table[option];
    if (option === undefined || !rule || texts.length === 0) return [];
    const value = READ[option]?.(texts, env) ?? texts[0];
    const refuse = (_: string, wanted: string, wrong: unknown): never => {
      throw new UsageError(`--${flag} takes ${wanted}, not ${wrong === '' ? 'nothing' : wrong}`);
    };
    try {
      rule.check(value, option, refuse);
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--${flag}: ${error.message}`);
      throw error;
    }
    return [[option, value]];
  });
  return Object.fromEntries(found);
}

/** What a flag's texts mean, where that is not the one text as it stands. */
const READ: Readonly<Record<string, (texts: readonly string[], env: NodeJS.ProcessEnv) => unknown>> = {
  apiKeys: ([list = '']) => apiKeys(list),
  limits: (pairs) => Object.fromEntries(pairs.map(limit)),
  models: ([list = '']) => (list === 'live' ? list : list.split(',').map((name) => name.trim())),
  rateTier: ([text = '']) => (/^\d$/.test(text) ? Number(text) : text),
  stateless: () => true,
  cors: (texts) => texts,
  allowedHosts: (texts) => texts,
  maxSpend: (texts) => texts,
  redact: (texts) => texts,
  upstreamKey: ([name = ''], env) => keyFrom(name, env),
};

function keyFrom(name: string, env: NodeJS.ProcessEnv): string {
  const key = env[name];
  if (key) return key;
  throw new UsageError(`--upstream-key-env: the environment variable ${name || '(nothing)'} is not set`);
}

function apiKeys(list: string): string[] {
  const texts = list.startsWith('@') ? readKeys(list.slice(1)).split('\n') : list.split(',');
  const found = texts.map((key) => key.trim()).filter((key) => key !== '');
  if (found.length === 0) throw new UsageError('--api-keys names no key');
  return found;
}

function readKeys(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`--api-keys: ${path} cannot be read`);
  }
}

function limit(pair: string): [name: string, value: number] {
  const [name = '', value = '', ...rest] = pair.split('=');
  if (value.trim() === '' || rest.length > 0) throw new UsageError(`--limit takes NAME=N, not ${pair}`);
  if (Number.isNaN(Number(value))) throw new UsageError(`--limit ${name} takes a number, not ${value}`);
  return [name, Number(value)];
}

function port(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= MAX_PORT) return value;
  throw new UsageError(`--port takes a number from 0 to ${MAX_PORT}, not ${text}`);
}

function balance(text: string | undefined): Amount | undefined {
  if (text === undefined) return undefined;
  try {
    return parseAmount(text);
  } catch (error) {
    throw new UsageError(`--balance: ${error instanceof Error ? error.message : error}`);
  }
}

/** An IPv6 address as the system takes it: in a URL it has brackets. */
function withoutBrackets(host: string): string {
  return /^\[(.+)\]$/.exec(host)?.[1] ?? host;
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
