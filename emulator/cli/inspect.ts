import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { findProfile } from '../../contract/models/profiles.ts';
import { O200K_BASE } from '../engines/tokens/vocabulary-files.ts';
import { openEmulator } from '../open-emulator.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  parseFlags,
  UsageError,
} from '../terminal/flags.ts';
import { viewOf } from '../terminal/text.ts';
import { inspectorUrl } from './banner.ts';
import { parseCli } from './command-line.ts';
import { serve } from './serve.ts';
import { StartError } from './start-files.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

const EXIT_FAILED = 1;

/** Of an account: a file is shown whatever its emulator allowed. */
const MOST = Object.entries({ sessions: 1_000_000, snapshots: 1_000_000, files: 1_000_000 });

const FLAGS = {
  port: { value: 'PORT', help: 'port to listen on (default: any free one)' },
  open: { help: 'open it in the browser' },
  json: { help: 'print one line of JSON when ready' },
  ...HELP_FLAG,
} as const satisfies Flags;

export const INSPECT_SHAPE: CommandShape = { flags: FLAGS, files: true };

function helpText(width: number): string {
  const rows = [
    ['FILE', 'an exported state: GET /_emulator/export, --export-on-exit, or of a failed test'],
    ...flagRows(FLAGS),
  ];
  const about = [
    'Shows an exported state in the inspector until a signal ends it. Nothing can be changed, and the file stays as it is.',
  ];
  return helpPage({ usage: ['inspect FILE [flags]'], about, rows }, width);
}

/** The subcommand `kimi-emulator inspect`. Resolves to the exit code; error messages are one line each. */
export function runInspectCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('inspect', io, async () => {
    const { values, positionals } = parseFlags(args, FLAGS);
    if (values.help) {
      io.stdout.write(helpText(viewOf(io.stdout, io.env).width));
      return 0;
    }
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError(`takes one FILE, not ${more.length + (file === undefined ? 0 : 1)}`);
    const needs = await needsOf(file);
    const limits = [...MOST, ...Object.entries(needs.limits)].map(([name, most]) => `--limit=${name}=${most}`);
    const cli = parseCli([
      ...limits,
      ...(needs.tokenizer === undefined ? [] : [`--tokenizer=${needs.tokenizer}`]),

      '--memory',
      `--import=${file}`,
      `--port=${values.port ?? '0'}`,
      ...(values.json ? ['--json'] : []),
    ]);
    const says = (emulator: { baseURL: string }): string =>
      `kimi-emulator inspect: ${file}, read-only, at ${inspectorUrl(emulator)} (Ctrl-C ends it)\n`;
    await serve(
      { ...cli, open: values.open === true, log: 'off' },
      (options) => openEmulator(options, undefined, true),
      undefined,
      says,
    ).catch((error: unknown) => {
      if (!(error instanceof StartError)) throw error;
      throw new CommandError(error.message.replace(/^--import: /, ''), EXIT_FAILED);
    });
    return 0;
  });
}

interface StateFile {
  state?: { tokenizer?: string; toolsets?: { tokens: number }[]; sessions?: Owner[]; snapshots?: Owner[] };
}

interface Owner {
  model: string;
  toolset: number | null;
  window?: { tokens: number };
  archived?: { tokens: number };
}

interface Needs {
  tokenizer: string | undefined;
  limits: { window_tokens?: number };
}

/** What an emulator needs to show the file. Nothing where the file is not one: importing it says so. */
async function needsOf(file: string): Promise<Needs> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return needsOfState(JSON.parse(text) as StateFile);
  } catch {
    return { tokenizer: undefined, limits: {} };
  }
}

function needsOfState({ state = {} }: StateFile): Needs {
  const { toolsets = [], sessions = [], snapshots = [] } = state;
  const beyond = [...sessions, ...snapshots].flatMap(({ model, toolset, window, archived }) => {
    const tokens = (window ?? archived)?.tokens ?? 0;
    const total = tokens + (toolset === null ? 0 : (toolsets[toolset]?.tokens ?? 0));
    return total > (findProfile(model)?.window.value ?? Number.POSITIVE_INFINITY) ? [total] : [];
  });
  return {
    tokenizer: state.tokenizer === O200K_BASE.name ? O200K_BASE.name : undefined,
    limits: beyond.length > 0 ? { window_tokens: Math.max(...beyond) } : {},
  };
}

/** The program that opens a URL. None of them is a shell, so that a URL cannot be more than that. */
function openerOf(platform: NodeJS.Platform): [command: string, ...args: string[]] {
  if (platform === 'darwin') return ['open'];
  return platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler'] : ['xdg-open'];
}

/** Opens a URL in the user's browser. @param warn told where that cannot be done */
export function openInBrowser(url: string, warn: (line: string) => void): void {
  const [command, ...args] = openerOf(process.platform);
  const failed = (): void => warn(`--open: no browser could be started with ${command}; open ${url}`);
  const opener = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  opener.once('error', failed);
  opener.once('exit', (code) => code !== 0 && failed());
  opener.unref();
}
