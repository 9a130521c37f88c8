import { access, constants, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, extname, resolve } from 'node:path';
import { TokenizerFileError } from '../engines/tokens/tokenizer.ts';
import { type AssertionFault, checkAssertions, parseAssertion } from '../simulate/assertions.ts';
import {
  readTranscripts,
  type SimulateOptions,
  type Simulation,
  simulate,
  TranscriptError,
} from '../simulate/index.ts';
import { renderJson, renderMarkdown, renderTerminal } from '../simulate/report.ts';
import {
  DEFAULT_MAX_KEEP,
  DEFAULT_MODEL,
  DEFAULT_PRESERVE_LEN,
  DEFAULT_RATIO,
  NEWEST_PRICE,
  type OwnPolicy,
  POLICY_NAMES,
  type PolicyName,
  type TimeToLive,
} from '../simulate/settings.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  JSON_FLAG,
  oneOf,
  parseFlags,
  UsageError,
} from '../terminal/flags.ts';
import { type Output, oneLine, viewOf } from '../terminal/text.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

const EXIT = { ok: 0, failed: 1, interrupted: 130 } as const;
const MOST_THREADS = 4;

const FLAGS = {
  transcript: {
    value: 'FILE',
    multiple: true,
    help: 'file or folder that is replayed, in place of the scenarios; repeatable',
  },
  policies: { value: 'LIST', help: `${POLICY_NAMES.join(', ')}, or a module that exports one (default all of these)` },
  'max-keep': { value: 'LIST', help: `tokens over which a window is shrunk (default ${DEFAULT_MAX_KEEP.join(',')})` },
  'preserve-len': { value: 'LIST', help: `tokens that a cut leaves (default ${DEFAULT_PRESERVE_LEN})` },
  ratio: { value: 'LIST', help: `how much compress shortens (default ${DEFAULT_RATIO})` },
  model: { value: 'LIST', help: `models (default ${DEFAULT_MODEL})` },
  ttl: { value: 'LIST', help: 'how long a prompt is cached: 5m, 1h (default 5m)' },
  date: { value: 'LIST', help: `days whose prices hold (default ${NEWEST_PRICE}, that of the newest price)` },
  window: { value: 'N', help: 'a smaller window than the models have' },
  plant: { value: 'N', help: 'facts planted at even depths of each transcript (default 20)' },
  natural: { value: 'N', help: 'facts of each transcript itself, at most (default 40)' },
  gap: { value: 'SECONDS', help: 'between rounds of a transcript without times (default 20)' },
  seed: { value: 'N', help: 'chooses facts, and where they are planted (default 1)' },
  recall: { value: 'SHARE', help: 'what the recommended setting has to keep (default 0.9)' },
  assert: {
    value: 'CONDITION',
    multiple: true,
    help: 'cost<1.20USD, recall>0.95; also of planted, natural and latency (s); repeatable',
  },
  ...JSON_FLAG,
  markdown: { help: 'print Markdown' },
  html: { value: 'FILE', help: 'also write a page with charts: one file, no network' },
  workers: { value: 'N', help: `threads (default as many as there are cores, ${MOST_THREADS} at most)` },
  tokenizer: { value: 'FILE', help: 'Kimi\u2019s vocabulary, or o200k_base' },
  ...HELP_FLAG,
} as const satisfies Flags;

export const SIMULATE_SHAPE: CommandShape = { flags: FLAGS };

function helpText(width: number): string {
  const usage = ['simulate [flags]', 'simulate --transcript FILE|DIR [flags]'];
  const about = [
    "Replays histories under the client's policies: what each costs, and what its window still knows. Without --transcript the article's three scenarios, on source files of installed packages, with its claims beside what comes out.",
    'FILE holds messages in JSON or JSONL, a state of the emulator, or logs of kimi-code, kimi-cli, Claude Code and Codex. A LIST has commas.',
  ];
  const after = [
    'Exit codes: 0 ok, 1 an assertion fails or nothing can be read, 2 invalid command line, 130 interrupted',
  ];
  return helpPage({ usage, about, rows: flagRows(FLAGS), after }, width);
}

/** What the command needs of a process. */
interface SimulateIo extends CommandIo {
  on(signal: 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGINT', listener: () => void): unknown;
  exit(code: number): void;
}

type Values = ReturnType<typeof parseFlags<typeof FLAGS>>['values'];

/** The subcommand `kimi-emulator simulate`. Resolves to the exit code; complaints are one line each. */
export function runSimulateCommand(args: string[], io: SimulateIo): Promise<number> {
  return runCommand('simulate', io, async () => {
    const { stdout, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const { width } = viewOf(stdout, env);
    if (values.help) {
      stdout.write(helpText(width));
      return EXIT.ok;
    }
    if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}; use --transcript FILE`);
    if (values.json && values.markdown) throw new UsageError('--json and --markdown exclude each other');
    const ending = new AbortController();
    let begun = false;
    const interrupt = () => {
      // While transcripts are read there is nothing yet to show; a second one does not wait.
      if (!begun || ending.signal.aborted) io.exit(EXIT.interrupted);
      ending.abort();
    };
    io.on('SIGINT', interrupt);
    try {
      const begin = () => {
        begun = true;
      };
      return await sweep(values, io, { signal: ending.signal, begin }, width);
    } catch (error) {
      if (error instanceof TranscriptError || error instanceof TokenizerFileError)
        throw new CommandError(oneLine(error.message), EXIT.failed);
      throw error instanceof RangeError ? new UsageError(oneLine(asFlag(error.message))) : error;
    } finally {
      io.off('SIGINT', interrupt);
    }
  });
}

const FLAG_OF: Readonly<Record<string, string>> = {
  models: 'model',
  dates: 'date',
  maxKeep: 'max-keep',
  preserveLen: 'preserve-len',
  windowTokens: 'window',
  gapSeconds: 'gap',
};

/** Options are checked where `simulate()` is called from code, too: here they are called as they were given. */
function asFlag(message: string): string {
  return message.replace(/^option (\w+)(?:\[\d+\])?/, (_, option: string) => `--${FLAG_OF[option] ?? option}`);
}

interface Ending {
  signal: AbortSignal;
  /** From here on there may be something to show. */
  begin(): void;
}

async function sweep(values: Values, io: SimulateIo, { signal, begin }: Ending, width: number): Promise<number> {
  const warn = (line: string) => io.stderr.write(`kimi-emulator simulate: ${oneLine(line)}\n`);
  const options = toOptions(values);
  const assertions = (values.assert ?? []).map(parseAssertion);
  if (values.html !== undefined) await checkWritable(values.html);
  const transcripts = values.transcript && (await readTranscripts(values.transcript, warn));
  const bar = progressBar(io.stderr);
  const sources = transcripts && { transcripts };
  const onProgress = (done: number, total: number) => {
    if (done > 0) begin();
    bar.show(done, total);
  };
  const found = await simulate({ ...options, ...sources, signal, onProgress }).finally(bar.clear);
  io.stdout.write(render(found, values, width));
  if (values.html !== undefined) await writePage(values.html, found);
  const faults = checkAssertions(assertions, found);
  for (const fault of faults) warn(faultText(fault));
  if (!found.complete) return EXIT.interrupted;
  return faults.length > 0 ? EXIT.failed : EXIT.ok;
}

function toOptions(values: Values): SimulateOptions {
  const list = <Item>(flag: keyof Values, read: (text: string, flag: string) => Item): Item[] | undefined => {
    const text = values[flag];
    return typeof text === 'string' ? text.split(',').map((part) => read(part.trim(), `--${flag}`)) : undefined;
  };
  const one = (flag: keyof Values): number | undefined => {
    const text = values[flag];
    return typeof text === 'string' ? number(text, `--${flag}`) : undefined;
  };
  const word = (text: string) => text;
  const options = {
    policies: list('policies', policy),
    maxKeep: list('max-keep', number),
    preserveLen: list('preserve-len', number),
    ratio: list('ratio', number),
    models: list('model', word),
    ttl: list('ttl', (text) => text as TimeToLive),
    dates: list('date', word),
    windowTokens: one('window'),
    plant: one('plant'),
    natural: one('natural'),
    gapSeconds: one('gap'),
    seed: one('seed'),
    recall: one('recall'),
    tokenizer: values.tokenizer,
    workers: one('workers') ?? Math.min(MOST_THREADS, availableParallelism()),
  };
  if (options.workers < 1 || options.workers > 64) throw new UsageError('--workers takes a number from 1 to 64');
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function number(text: string, flag: string): number {
  const digits = text.replaceAll('_', '');
  if (!/^\d+(?:\.\d+)?$/.test(digits))
    throw new UsageError(`${flag} takes numbers, not ${text === '' ? 'nothing' : text}`);
  return Number(digits);
}

/** The name of one that is built in, or the path of a module. */
function policy(text: string): PolicyName | OwnPolicy {
  if (extname(text) !== '' || text.includes('/')) return { name: text, module: resolve(text) };
  return oneOf(POLICY_NAMES, text, '--policies, where it is not a path,');
}

function render(found: Simulation, { json, markdown }: Values, width: number): string {
  if (json) return renderJson(found);
  return markdown ? renderMarkdown(found) : renderTerminal(found, width);
}

/** Told before the work is done, not behind it. @throws TranscriptError */
async function checkWritable(path: string): Promise<void> {
  const refuse = (reason: string | undefined) => {
    throw new TranscriptError(`--html ${path || '""'}: cannot be written (${reason})`);
  };
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) refuse('it is a folder');
  if (path === '') refuse('no name');
  await access(found ? path : dirname(resolve(path)), constants.W_OK).catch(({ code }) => refuse(code));
}

async function writePage(path: string, found: Simulation): Promise<void> {
  const { renderHtml } = await import('../simulate/html.ts');
  await writeFile(path, renderHtml(found)).catch(({ code }: NodeJS.ErrnoException) => {
    throw new TranscriptError(`--html ${path}: cannot be written (${code})`);
  });
}

function faultText({ assertion, failed, settings, worst, value }: AssertionFault): string {
  return `${assertion} fails for ${failed} of ${settings} settings; the worst: ${worst}: ${value}`;
}

const BAR = 24;

/** A line that is written over, where somebody sees it. */
function progressBar(stderr: Output) {
  const clear = () => {
    if (stderr.isTTY) stderr.write('\r\u001b[K');
  };
  const show = (done: number, total: number) => {
    if (!stderr.isTTY) return;
    const full = Math.round((BAR * done) / Math.max(1, total));
    stderr.write(`\r${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${done} of ${total} runs`);
  };
  return { clear, show };
}
