import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LIMIT_NAMES, LIMITS, type LimitName, resolveLimits } from '../contract/limits.ts';
import { MEMORY } from './store/database.ts';

export const DEFAULT_PORT = 4100;
export const DEFAULT_DB = '.kimi-emulator/state.db';

const MAX_PORT = 65_535;

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
  seed: { type: 'string', value: 'SEED', help: 'fix all ids' },
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
    host: values.host ?? '127.0.0.1',
    db: values.memory ? MEMORY : (values.db ?? DEFAULT_DB),
    tokenizer: values.tokenizer,
    keys: values.keys === undefined ? undefined : keys(values.keys),
    limits: limits(values.limit ?? []),
    seed: values.seed,
    cors: (values.cors ?? []).map(origin),
    hosts: values['allow-host'] ?? [],
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
  const rows = Object.entries(FLAGS).map(([name, flag]) => {
    const short = 'short' in flag ? `-${flag.short}, ` : '';
    const value = 'value' in flag ? ` ${flag.value}` : '';
    return [`  ${short}--${name}${value}`, flag.help] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
  const limitRows = LIMIT_NAMES.map(
    (name) => `  ${name.padEnd(width - 2)}${LIMITS[name].default}  ${LIMITS[name].meaning}`,
  );
  return [
    'Usage: kimi-emulator [flags]                 serve the Kimi long-context session API on this machine',
    '       kimi-emulator tokenizer --help        install a vocabulary, count a file',
    '',
    'Flags:',
    ...rows.map(([flag, help]) => flag.padEnd(width) + help),
    '',
    'Limits:',
    ...limitRows,
    '',
  ].join('\n');
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
  const found: Record<string, number> = {};
  for (const pair of pairs) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (value.trim() === '') throw new UsageError(`--limit takes NAME=N, not ${pair}`);
    found[name] = Number(value);
  }
  try {
    resolveLimits(found);
  } catch (error) {
    throw new UsageError(`--limit: ${error instanceof Error ? error.message : error}`);
  }
  return found;
}

function origin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new UsageError(`--cors takes an origin such as http://localhost:5173, not ${text}`);
}
