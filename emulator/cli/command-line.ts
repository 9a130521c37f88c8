import { readFileSync } from 'node:fs';
import { type Amount, parseAmount } from '../billing/ledger.ts';
import type { EmulatorConfig } from '../config.ts';
import { GATEWAY_OPTIONS, type GatewayOptions } from '../gateway/create-gateway.ts';
import type { UpstreamTimeouts } from '../gateway/upstream.ts';
import { type EmulatorOptions, OPTIONS, type Option } from '../options.ts';
import { MEMORY } from '../store/database.ts';
import { tapeConflict } from '../tape/tape-options.ts';
import { oneOf, parseFlags, UsageError } from '../terminal/flags.ts';
import { didYouMean } from '../terminal/nearest.ts';
import {
  COMMANDS,
  DEFAULT_DB,
  DEFAULT_HOST,
  DEFAULT_PORT,
  EXEC_FLAGS,
  FLAGS,
  GATEWAY_DB,
  GATEWAY_FLAGS,
  GATEWAY_ONLY_FLAGS,
  LOG_FORMS,
  type LogForm,
  type ServeFlags,
} from './flags.ts';

const MAX_PORT = 65_535;

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
  /** Whether the inspector is opened in the browser. */
  open: boolean;
  json: boolean;
  quiet: boolean;
  log: LogForm;
  help: boolean;
  version: boolean;
}

const TIMEOUT_FLAGS = {
  connect: 'connect-timeout',
  firstByte: 'first-byte-timeout',
  idle: 'idle-timeout',
  turn: 'turn-timeout',
} as const satisfies Record<keyof UpstreamTimeouts, string>;

type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

/** What a gateway takes besides the options of an emulator. */
type GatewayPart = Omit<GatewayOptions, Exclude<keyof EmulatorOptions, 'models'>>;

/** The command line of `kimi-emulator gateway`. @throws UsageError */
export function parseGatewayCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  config: EmulatorConfig = {},
): { cli: CliOptions; gateway: GatewayPart } {
  const values = readFlags(args, GATEWAY_FLAGS);
  const cli = cliOptions({ ...values, models: undefined }, env, { config: forGateway(config), database: GATEWAY_DB });
  const upstream = env.KIMI_UPSTREAM ? { upstream: env.KIMI_UPSTREAM } : {};
  const gateway = gatewayPart({ ...upstream, ...values }, env, config.gateway ?? {});
  if (gateway.upstream === undefined && gateway.replay === undefined && !cli.help && !cli.version) {
    throw new UsageError('gateway needs --upstream URL (or KIMI_UPSTREAM), such as https://api.moonshot.ai/v1');
  }
  return { cli, gateway };
}

/** Without the options that a gateway has no use for: it has no model of its own. */
function forGateway({ model, models, stateless, script, ...others }: EmulatorConfig): EmulatorConfig {
  return others;
}

/** @param otherwise what holds where no flag says it */
function gatewayPart(values: Values, env: NodeJS.ProcessEnv, otherwise: GatewayPart): GatewayPart {
  const given = optionsOf(values, GATEWAY_FLAGS, GATEWAY_OPTIONS, env) as GatewayPart;
  const timeouts = Object.entries(TIMEOUT_FLAGS).flatMap(([name, flag]) => {
    const text = values[flag];
    return text === undefined ? [] : [[name, milliseconds(flag, String(text))]];
  });
  const gateway: GatewayPart = {
    ...otherwise,
    ...given,
    ...(values['record-misses'] === true && { recordMisses: true }),
    ...(values['finish-abandoned'] === true && { finishAbandoned: true }),
    ...(timeouts.length > 0 && { timeouts: { ...otherwise.timeouts, ...Object.fromEntries(timeouts) } }),
  };
  const conflict = tapeConflict(gateway, gateway.upstream !== undefined, (name) => `--${FLAG_NAMES[name] ?? name}`);
  if (conflict !== undefined) throw new UsageError(conflict);
  return gateway;
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
export function parseCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  config: EmulatorConfig = {},
): CliOptions {
  return cliOptions(readFlags(args, FLAGS), env, { config, database: DEFAULT_DB });
}

/** What `kimi-emulator exec` is to do. */
export interface ExecCli {
  cli: CliOptions;
  /** Where answers come from another server, or from a tape. */
  gateway: GatewayPart | undefined;
  failOn: readonly string[];
  /** The command to run and its arguments. */
  command: readonly string[];
}

/** The command line of `kimi-emulator exec`: flags of the server, then `--`, then the command to run. @throws UsageError */
export function parseExecCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  config: EmulatorConfig = {},
): ExecCli {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const { values: given, positionals } = parseFlags(args.slice(0, end), EXEC_FLAGS);
  if (positionals.length > 0) {
    throw new UsageError(`put -- before the command, as in: kimi-emulator exec -- ${positionals.join(' ')}`);
  }
  const values: Values = { port: '0', ...given };
  const isGateway = values.upstream !== undefined || values.replay !== undefined;
  const misplaced = isGateway ? ['script', 'stateless'] : Object.keys(GATEWAY_ONLY_FLAGS);
  const wrong = misplaced.find((flag) => values[flag] !== undefined);
  if (wrong !== undefined) {
    throw new UsageError(`--${wrong} is for a run ${isGateway ? 'without' : 'with'} --upstream or --replay`);
  }
  const { port: _, database: __, ...kept } = config;
  // Whoever reads an error in the output of a test does not see its headers.
  const surroundings = { ...env, KIMI_EMULATOR_HINTS: env.KIMI_EMULATOR_HINTS || config.hints || 'body' };
  const taken = { config: isGateway ? forGateway(kept) : kept, database: MEMORY };
  const cli = cliOptions({ ...values, ...(isGateway && { models: undefined }) }, surroundings, taken);
  const command = args.slice(end + 1);
  if (!command[0] && !cli.help) {
    throw new UsageError('it needs a command behind --, as in: kimi-emulator exec -- npm test');
  }
  const failOn = [values['fail-on'] ?? config.exec?.failOn ?? []].flat().flatMap((list) => String(list).split(','));
  return {
    cli: { ...cli, log: values.log === undefined ? 'off' : cli.log },
    gateway: isGateway ? gatewayPart(values, env, config.gateway ?? {}) : undefined,
    failOn,
    command,
  };
}

interface Taken {
  /** What holds where no flag says it. */
  config: EmulatorConfig;
  /** Where the state is stored if nothing else is said. */
  database: string;
}

function cliOptions(values: Values, env: NodeJS.ProcessEnv, { config, database }: Taken): CliOptions {
  const text = (flag: string, otherwise?: string): string | undefined => {
    const value = values[flag];
    if (value === '') throw new UsageError(`--${flag} takes ${FLAGS[flag]?.value}, not nothing`);
    return typeof value === 'string' ? value : otherwise;
  };
  const {
    port: _,
    host,
    import: from,
    exportOnExit,
    script,
    prices,
    balance: start,
    quiet,
    log,
    gateway,
    exec,
    ...options
  } = config;
  const importFile = text('import', from);
  const controlKey = { 'control-key': env.KIMI_EMULATOR_CONTROL_KEY || undefined };
  // A server is not a test of its own, whatever NODE_ENV says of the program that starts it.
  const hints = env.KIMI_EMULATOR_HINTS || config.hints || 'header';
  const given = optionsOf({ hints, ...controlKey, ...values }, FLAGS, OPTIONS, env) as EmulatorOptions;
  if (given.database !== undefined && values.memory) throw new UsageError('--db and --memory exclude each other');
  // A second start with one file would find the sessions of the file in it already.
  const inMemory = values.memory === true || (importFile !== undefined && config.database === undefined);
  const limits = given.limits && { limits: { ...config.limits, ...given.limits } };
  return {
    port: port(text('port', config.port === undefined ? undefined : String(config.port))),
    host: withoutBrackets(text('host', host) ?? DEFAULT_HOST),
    options: {
      ...options,
      ...given,
      ...limits,
      database: given.database ?? (inMemory ? MEMORY : (config.database ?? database)),
    },
    importFile,
    exportOnExit: text('export-on-exit', exportOnExit),
    script: text('script', script),
    prices: text('prices', prices),
    balance: balance(text('balance', start)),
    open: values.open === true,
    json: values.json === true,
    quiet: values.quiet === true || quiet === true,
    log: logForm(text('log', log), { ...values, quiet: values.quiet === true || quiet === true }),
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
    isCommand ? `unknown command '${word}'${didYouMean(word, Object.keys(COMMANDS))}` : `unexpected argument '${word}'`,
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
  history: ([text = '']) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
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
