import { parseArgs } from 'node:util';
import { LIMIT_NAMES, LIMITS, type LimitName, type TierNumber } from '../../contract/limits.ts';
import type { Amount } from '../billing/money.ts';
import { MEMORY } from '../store/database.ts';
import { usageFault } from './usage-fault.ts';
import { balance, hostName, keys, limits, origin, port, tier, UsageError } from './values.ts';

export const DEFAULT_PORT = 4100;
export const DEFAULT_DB = '.kimi-emulator/state.db';

export { UsageError } from './values.ts';

export interface CliOptions {
  port: number;
  host: string;
  db: string;
  tokenizer: string | undefined;
  keys: string[] | undefined;
  limits: Partial<Record<LimitName, number>>;
  seed: string | undefined;
  seedFile: string | undefined;
  exportOnExit: string | undefined;
  script: string | undefined;
  prices: string | undefined;
  balance: Amount | undefined;
  tier: TierNumber | undefined;
  cors: string[];
  hosts: string[];
  json: boolean;
  quiet: boolean;
  help: boolean;
  version: boolean;
}

const FLAGS = {
  port: { type: 'string', value: 'PORT', help: `port to listen on, 0 for any free one (default ${DEFAULT_PORT})` },
  host: { type: 'string', value: 'HOST', help: 'address to bind (default 127.0.0.1)' },
  db: { type: 'string', value: 'PATH', help: `file that keeps the state (default ${DEFAULT_DB})` },
  memory: { type: 'boolean', help: 'keep the state in memory only' },
  tokenizer: { type: 'string', value: 'FILE', help: "Kimi's vocabulary, tiktoken.model (also: KIMI_TOKENIZER)" },
  keys: {
    type: 'string',
    value: 'LIST',
    help: 'API keys that are let in: KEY,KEY or @FILE with one a line (default: any)',
  },
  limit: { type: 'string', multiple: true, value: 'NAME=N', help: 'change a limit; may be given again (names below)' },
  seed: { type: 'string', value: 'SEED', help: 'fix all ids, and time: it stands still until it is moved' },
  'seed-file': {
    type: 'string',
    value: 'FILE',
    help: 'begin with an exported state, to which a reset returns; kept in memory unless --db is given',
  },
  'export-on-exit': { type: 'string', value: 'FILE', help: 'export the state when the server is stopped' },
  script: { type: 'string', value: 'FILE', help: 'rules, in YAML or JSON, that answer before the model does' },
  prices: { type: 'string', value: 'FILE', help: 'prices, in YAML or JSON, instead of the built-in ones' },
  balance: {
    type: 'string',
    value: 'AMOUNT',
    help: 'what each account has, such as 10USD or 50CNY; empty, it is refused',
  },
  tier: { type: 'string', value: 'N', help: "hold chat to the live API's rate tier, 0 to 5 (default: no limits)" },
  cors: {
    type: 'string',
    multiple: true,
    value: 'ORIGIN',
    help: 'let pages of this origin call the API; may be given again',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'answer to this host name too; may be given again',
  },
  json: { type: 'boolean', help: 'print one line of JSON when ready, instead of the banner' },
  quiet: { type: 'boolean', help: 'print nothing when ready' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
  version: { type: 'boolean', short: 'v', help: 'print the version' },
} as const;

/** @throws UsageError */
export function parseCli(args: string[]): CliOptions {
  const values = parseFlags(args);
  if (values.db !== undefined && values.memory) throw new UsageError('--db and --memory exclude each other');
  return {
    port: port(values.port, DEFAULT_PORT),
    host: bare(given('host', values.host, '127.0.0.1')),
    // A second start with one file would find its sessions there already.
    db: values.memory ? MEMORY : given('db', values.db, values['seed-file'] === undefined ? DEFAULT_DB : MEMORY),
    tokenizer: values.tokenizer,
    keys: values.keys === undefined ? undefined : keys(values.keys),
    limits: limits(values.limit ?? []),
    seed: values.seed,
    seedFile: givenFile('seed-file', values['seed-file']),
    exportOnExit: givenFile('export-on-exit', values['export-on-exit']),
    script: givenFile('script', values.script),
    prices: givenFile('prices', values.prices),
    balance: balance(values.balance),
    tier: tier(values.tier),
    cors: (values.cors ?? []).map(origin),
    hosts: (values['allow-host'] ?? []).map(hostName),
    json: values.json ?? false,
    quiet: values.quiet ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
  };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(usageFault(error));
  }
}

export function helpText(): string {
  const flags = Object.entries(FLAGS).map(([name, flag]) => {
    const short = 'short' in flag ? `-${flag.short}, ` : '';
    const value = 'value' in flag ? ` ${flag.value}` : '';
    return [`${short}--${name}${value}`, flag.help];
  });
  const limitRows = LIMIT_NAMES.map((name) => [name, String(LIMITS[name].default), LIMITS[name].meaning]);
  return [
    'Usage: kimi-emulator [flags]                 serve the Kimi long-context session API on this machine',
    '       kimi-emulator tokenizer --help        install a vocabulary, count a file',
    '       kimi-emulator spend --help            what the work of a running emulator cost',
    '       kimi-emulator doctor --help           what of a run would hurt on the live API',
    '       kimi-emulator conformance --help      judge this or another server by the contract',
    '',
    'Flags:',
    ...inColumns(flags),
    '',
    'Limits:',
    ...inColumns(limitRows),
    '',
  ].join('\n');
}

function inColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const last = (rows[0]?.length ?? 0) - 1;
  return rows.map(
    (row) => `  ${row.map((cell, column) => (column < last ? cell.padEnd(width(column)) : cell)).join('  ')}`,
  );
}

function given(flag: 'host' | 'db', text: string | undefined, otherwise: string): string {
  if (text === '') throw new UsageError(`--${flag} takes ${FLAGS[flag].value}, not nothing`);
  return text ?? otherwise;
}

/** An address of version 6 without the brackets that it has in a URL. */
function bare(host: string): string {
  return /^\[(.+)\]$/.exec(host)?.[1] ?? host;
}

function givenFile(
  flag: 'seed-file' | 'export-on-exit' | 'script' | 'prices',
  path: string | undefined,
): string | undefined {
  if (path === '') throw new UsageError(`--${flag} takes FILE, not nothing`);
  return path;
}
