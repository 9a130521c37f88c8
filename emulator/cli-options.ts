import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LIMIT_NAMES, LIMITS, type LimitName, resolveLimits } from '../contract/limits.ts';
import { MEMORY } from './store/database.ts';

export const DEFAULT_PORT = 4100;
export const DEFAULT_DB = '.kimi-emulator/state.db';

const MAX_PORT = 65_535;
/** What may stand behind `Bearer`: visible ASCII. */
const KEY = /^[\x21-\x7e]+$/;

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

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
    port: port(values.port),
    host: given('host', values.host, '127.0.0.1'),
    // A second start with one file would find its sessions there already.
    db: values.memory ? MEMORY : given('db', values.db, values['seed-file'] === undefined ? DEFAULT_DB : MEMORY),
    tokenizer: values.tokenizer,
    keys: values.keys === undefined ? undefined : keys(values.keys),
    limits: limits(values.limit ?? []),
    seed: values.seed,
    seedFile: givenFile('seed-file', values['seed-file']),
    exportOnExit: givenFile('export-on-exit', values['export-on-exit']),
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
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split(/\. |\n/)[0] ?? message);
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

function givenFile(flag: 'seed-file' | 'export-on-exit', path: string | undefined): string | undefined {
  if (path === '') throw new UsageError(`--${flag} takes FILE, not nothing`);
  return path;
}

function port(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MAX_PORT)
    throw new UsageError(`--port takes a number from 0 to ${MAX_PORT}, not ${text}`);
  return value;
}

function keys(list: string): string[] {
  const found = (list.startsWith('@') ? readKeys(list.slice(1)).split('\n') : list.split(','))
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (found.length === 0) throw new UsageError('--keys names no key');
  const unsendable = found.find((key) => !KEY.test(key));
  if (unsendable !== undefined)
    throw new UsageError(`--keys: no header can carry the key ${JSON.stringify(unsendable)}`);
  return found;
}

function readKeys(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`--keys: ${path} cannot be read`);
  }
}

function limits(pairs: readonly string[]): Partial<Record<LimitName, number>> {
  const found = Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = '', ...rest] = pair.split('=');
      if (value.trim() === '' || rest.length > 0) throw new UsageError(`--limit takes NAME=N, not ${pair}`);
      return [name, Number(value)];
    }),
  );
  try {
    resolveLimits(found);
  } catch (error) {
    throw new UsageError(`--limit: ${error instanceof Error ? error.message : error}`);
  }
  return found;
}

function hostName(text: string): string {
  if (URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text.toLowerCase()) return text;
  throw new UsageError(`--allow-host takes a host name such as emulator.local, not ${JSON.stringify(text)}`);
}

function origin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new UsageError(`--cors takes an origin such as http://localhost:5173, not ${text}`);
}
