import type { Overview, SessionLine, SnapshotLine } from '../inspector/answers.ts';
import { type CommandShape, type Flags, flagRows, helpPage, parseFlags, UsageError } from '../terminal/flags.ts';
import { didYouMean } from '../terminal/nearest.ts';
import { columns, grouped, oneLine, painter, plural, viewOf } from '../terminal/text.ts';
import {
  type Context,
  changesOf,
  EXIT_NOT_FOUND,
  read,
  type Shown,
  type Subject,
  showDiff,
  showDropped,
  showSummary,
  showWindow,
} from './show-windows.ts';
import {
  CommandError,
  type CommandIo,
  DEFAULT_URL,
  isIdStart,
  READER_FLAGS,
  type Running,
  runCommand,
  runningEmulator,
} from './usage.ts';
import { bar, fitting, isCut, legend, MAX_BAR, MIN_BAR, thousands } from './window-text.ts';

const READS = {
  url: { value: 'URL', help: `a running emulator (default KIMI_BASE_URL, or ${DEFAULT_URL})` },
  ...READER_FLAGS,
} as const satisfies Flags;
const FLAGS = {
  sessions: READS,
  window: {
    all: { help: 'all messages, not the newest 20' },
    summary: { help: 'each line of the summary, with the message that it quotes' },
    dropped: { value: 'WORDS', help: 'messages with these words that its session once had, and the window has not' },
    ...READS,
  },
  diff: { all: { help: 'all messages of a row, not the first 5' }, ...READS },
} as const satisfies Record<string, Flags>;
type CommandName = keyof typeof FLAGS;

export const SESSIONS_SHAPE: CommandShape = { flags: FLAGS.sessions };
export const WINDOW_SHAPE: CommandShape = { flags: FLAGS.window };
export const DIFF_SHAPE: CommandShape = { flags: FLAGS.diff };

const ID_TEXT = 'a session or a snapshot, by its id or the beginning of it';
const HELP: Record<CommandName, { usage: string[]; about: string[]; rows: string[][] }> = {
  sessions: {
    usage: ['sessions [flags]'],
    about: [
      'Shows the sessions of a running emulator, how full each window is, and of what. Those changed last come last.',
    ],
    rows: [],
  },
  window: {
    usage: ['window ID [flags]'],
    about: [
      'Shows what a model reads of a session: what takes how much, what is pinned, what was cut or put into a summary.',
    ],
    rows: [['ID', ID_TEXT]],
  },
  diff: {
    usage: ['diff A B [flags]', 'diff SESSION [flags]'],
    about: [
      'Shows which messages of A are still in B, and which are new; of one session, what its last cut or summary changed.',
    ],
    rows: [['A, B', ID_TEXT]],
  },
};
const EXIT_CODES = 'Exit codes: 0 done, 1 not found, 2 invalid command line, 3 no emulator answers';

function command(name: CommandName, show: (context: Context) => Promise<Shown>) {
  return (args: string[], io: CommandIo): Promise<number> =>
    runCommand(name, io, async () => {
      const { stdout, env } = io;
      const flags: Flags = FLAGS[name];
      const { values, positionals: words } = parseFlags(args, flags);
      const given = values as Context['values'] & { help?: true; json?: true; url?: string; 'control-key'?: string };
      const { width, color } = viewOf(stdout, env);
      if (given.help) {
        const { rows, ...page } = HELP[name];
        stdout.write(helpPage({ ...page, rows: [...rows, ...flagRows(flags)], after: [EXIT_CODES] }, width));
        return 0;
      }
      const running = runningEmulator(given.url, given['control-key'], env);
      const { data, lines } = await show({ running, width, words, values: given, paint: painter(color) });
      stdout.write(given.json ? `${JSON.stringify(data, null, 2)}\n` : `${lines.join('\n')}\n`);
      return 0;
    });
}

/** `kimi-emulator sessions`: how full each window is. */
export const runSessionsCommand = command('sessions', async ({ running, words, width, paint }) => {
  if (words.length > 0) throw new UsageError(`takes no argument: ${words[0]}`);
  const [data, { currency }] = [await sessionsOf(running), await read<Overview>(running, '')];
  if (data.length === 0) return { data, lines: ['no sessions yet'] };
  const cells = data.map(({ tokens, window, messages, cost }) => [
    `${thousands(tokens)}/${thousands(window)}`,
    `${Math.round((100 * tokens) / window)}%`,
    grouped(messages),
    cost.toFixed(4),
  ]);
  const table = [['tokens', '', 'messages', currency], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => columns(row[column] ?? ''))));
  const [heading = '', ...ends] = table.map((row) =>
    row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '),
  );
  const idWidth = Math.max(...data.map(({ id }) => columns(id)));
  const barWidth = Math.max(MIN_BAR, Math.min(MAX_BAR, width - idWidth - columns(heading) - 4));
  const lines = data.flatMap(({ id, shares, title }, place) => {
    const line = `${id.padEnd(idWidth)}  ${bar(shares, barWidth, paint)}  ${ends[place]}`;
    return title === null ? [line] : [line, paint('dim', `  ${fitting(oneLine(title), width - 2)}`)];
  });
  const first = `${'session'.padEnd(idWidth + barWidth + 4)}${heading}`;
  return { data, lines: [paint('dim', first), ...lines, '', legend(paint)] };
});

/** `kimi-emulator window ID`: what a model reads. */
export const runWindowCommand = command('window', async (context) => {
  const { running, words, values } = context;
  const [given, extra] = words;
  if (given === undefined || extra !== undefined) throw new UsageError('takes the id of one session or snapshot');
  const subject = await resolve(running, given);
  if (values.summary && values.dropped !== undefined)
    throw new UsageError('--summary and --dropped exclude each other');
  if (values.summary) return showSummary(context, subject);
  if (values.dropped !== undefined) return showDropped(context, subject, values.dropped);
  return showWindow(context, subject);
});

/** `kimi-emulator diff A B`: what became of messages. */
export const runDiffCommand = command('diff', async (context) => {
  const { running, words } = context;
  const [first, second, extra] = words;
  if (first === undefined || extra !== undefined)
    throw new UsageError('takes two sessions or snapshots, or one session');
  const a = await resolve(running, first);
  if (second !== undefined) {
    const b = await resolve(running, second);
    return showDiff(context, { subject: a, from: a.id, to: b.id, names: [a.id, b.id] });
  }
  const change =
    a.kind === 'session' ? (await changesOf(running, a.id)).findLast(({ kind }) => isCut(kind)) : undefined;
  if (change?.previous === undefined) {
    throw new CommandError(
      `${a.id} was not cut or compressed, as far as its past is known: name a second session or snapshot`,
      EXIT_NOT_FOUND,
    );
  }
  const by = change.request === null ? change.kind : `${change.kind}, request #${change.request}`;
  return showDiff(context, {
    subject: a,
    from: change.previous,
    to: change.at,
    names: [`${a.id} before ${by}`, 'after it'],
  });
});

async function sessionsOf(running: Running): Promise<SessionLine[]> {
  const { data } = await read<{ data: SessionLine[] }>(running, '/sessions');
  return data.toReversed().toSorted((a, b) => a.updated_at - b.updated_at);
}

/** @throws CommandError where nothing has this id, or several begin with it */
async function resolve(running: Running, given: string): Promise<Subject> {
  const [sessions, snapshots] = [
    await sessionsOf(running),
    await read<{ data: SnapshotLine[] }>(running, '/snapshots'),
  ];
  const all: Subject[] = [
    ...sessions.map(({ id }) => ({ kind: 'session' as const, id })),
    ...snapshots.data.map(({ id }) => ({ kind: 'snapshot' as const, id })),
  ];
  const exact = all.find(({ id }) => id === given);
  const found = exact ? [exact] : all.filter(({ id }) => isIdStart(id, given));
  const [only, second] = found;
  if (only && !second) return only;
  const shown = oneLine(given);
  if (second) {
    const several = found.slice(0, 4).map(({ id }) => id);
    throw new CommandError(`${shown} is the beginning of several: ${several.join(', ')}`, EXIT_NOT_FOUND);
  }
  const advice = didYouMean(
    given,
    all.map(({ id }) => id),
  );
  const there =
    advice ||
    `; there are ${plural(sessions.length, 'session')} and ${plural(snapshots.data.length, 'snapshot')} (see kimi-emulator sessions)`;
  throw new CommandError(`no session or snapshot ${shown}${there}`, EXIT_NOT_FOUND);
}
