import { LIMITS } from '../../contract/limits.ts';
import type { Emulator } from '../index.ts';
import { isLoopback } from '../server.ts';
import { MEMORY } from '../store/database.ts';
import type { CliOptions } from './command-line.ts';

const SHOWN_LIMITS = ['sessions', 'append_tokens', 'min_preserve_tokens', 'window_tokens', 'snapshots'] as const;
const ANY_KEY = 'sk-local';
const INEXACT: Readonly<Record<string, string>> = {
  o200k_base: "close to Kimi's own; exact with --tokenizer FILE",
};

/** What a person reads when the server is ready. */
export function banner(emulator: Emulator, cli: CliOptions, upstream?: string): string {
  const { options } = cli;
  const { tokenizer, model, limits } = emulator;
  const counted = tokenizer.exact
    ? 'counts as the live API does'
    : (INEXACT[tokenizer.name] ?? 'not the vocabulary of the live API');
  return [
    '',
    `  kimi-emulator  ${emulator.baseURL}`,
    '',
    `  state      ${options.database === MEMORY ? 'in memory, lost on exit' : options.database}`,
    `  tokenizer  ${tokenizer.name} (${counted})`,
    upstream === undefined ? `  model      ${model.name} (answers only from the prompt)` : `  upstream   ${upstream}`,
    ...SHOWN_LIMITS.map((name, index) => {
      const changed = limits[name] === LIMITS[name].default ? '' : ' (changed)';
      return `  ${index === 0 ? 'limits' : '      '}     ${name} ${limits[name].toLocaleString('en-US')}${changed}`;
    }),
    `  control    ${controlOf(cli)}`,
    `  inspector  ${inspectorUrl(emulator)}`,
    '',
    `  export KIMI_BASE_URL=${emulator.baseURL}`,
    `  export KIMI_API_KEY=${options.apiKeys === undefined ? ANY_KEY : '<one of --api-keys>'}`,
    '',
  ].join('\n');
}

/** The page that shows windows as they are and were. */
export function inspectorUrl({ baseURL }: Pick<Emulator, 'baseURL'>): string {
  return baseURL.replace(/\/v1$/, '/_emulator/ui');
}

function controlOf({ host, options }: CliOptions): string {
  if (options.controlKey !== undefined) return '/_emulator needs the key of --control-key';
  if (isLoopback(host) && options.apiKeys !== undefined)
    return '/_emulator is open to all on this machine, except the inspector (see --control-key)';
  return isLoopback(host)
    ? '/_emulator is open to all on this machine'
    : '/_emulator is closed: other machines can reach this server (see --control-key)';
}

/** What a program reads when the server is ready: one line. */
export function readyLine(
  emulator: Emulator,
  { options }: CliOptions,
  { port, upstream }: { port: number; upstream: string | undefined },
): string {
  const { baseURL, tokenizer, model, limits } = emulator;
  return JSON.stringify({
    event: 'ready',
    base_url: baseURL,
    inspector: inspectorUrl({ baseURL }),
    port,
    pid: process.pid,
    state: options.database,
    tokenizer: tokenizer.name,
    ...(upstream === undefined ? { model: model.name } : { upstream }),
    limits,
  });
}
