import type {
  Diff,
  Dropped,
  MessageLine,
  Overview,
  SessionLine,
  SnapshotLine,
  SummaryLine,
  SummaryView,
  Timeline,
  WindowPage,
} from '../inspector/answers.ts';
import { type CommandShape, type Flags, flagRows, helpPage, parseFlags, UsageError } from '../terminal/flags.ts';
import { didYouMean } from '../terminal/nearest.ts';
import { columns, grouped, oneLine, type Paint, painter, plural, viewOf, wrap } from '../terminal/text.ts';
import {
  askRunning,
  CommandError,
  type CommandIo,
  DEFAULT_URL,
  EXIT_UNREACHABLE,
  isIdStart,
  READER_FLAGS,
  type Running,
  runCommand,
  runningEmulator,
} from './usage.ts';
import {
  bar,
  type Change,
  changeLines,
  fitting,
  isCut,
  legend,
  MAX_BAR,
  MIN_BAR,
  messageLine,
  section,
  sharesText,
  sourcedLine,
  thousands,
} from './window-text.ts';

const EXIT_NOT_FOUND = 1;

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

interface Context {
  running: Running;
  width: number;
  paint: Paint;
  words: readonly string[];
  values: { readonly all?: boolean; readonly summary?: boolean; readonly dropped?: string };
}

/** For programs, and for people. */
interface Shown {
  data: object;
  lines: string[];
}

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

/** What an id names. */
interface Subject {
  kind: 'session' | 'snapshot';
  id: string;
}

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

/** Of a route of the inspector. @throws CommandError with what the emulator says */
async function read<Body>(running: Running, path: string): Promise<Body> {
  const { status, body } = await askRunning(running, `/_emulator/inspect${path}`);
  if (status === 200) return body as Body;
  if (!('error' in body))
    throw new CommandError(`no emulator answers at ${running.url}${running.from}: status ${status}`, EXIT_UNREACHABLE);
  const { error } = body as { error?: { message?: string } | string };
  const message = typeof error === 'object' ? error.message : error;
  throw new CommandError(oneLine(message ?? `status ${status}`).replace(/^Invalid request: /, ''), EXIT_NOT_FOUND);
}

const PAGE = 200;

/** A window with all its messages, or so many from a place in it. */
async function readWindow(
  running: Running,
  id: string,
  { at = 'now', from = 0, most = Number.POSITIVE_INFINITY } = {},
): Promise<WindowPage> {
  const items: MessageLine[] = [];
  for (;;) {
    const limit = Math.min(PAGE, most - items.length);
    const page = await read<WindowPage>(
      running,
      `/sessions/${id}/window?at=${at}&from=${from + items.length}&limit=${limit}`,
    );
    items.push(...page.items);
    if (page.items.length < limit || items.length >= most) return { ...page, items };
  }
}

const SHOWN_MESSAGES = 20;
const SHORT_ID = 17;

async function showWindow({ running, width, paint, values }: Context, { kind, id }: Subject): Promise<Shown> {
  const window = await readWindow(running, id);
  const changes = kind === 'session' ? await changesOf(running, id) : [];
  const { tokens, window: room, items, model, shares, version } = window;
  const from = values.all ? 0 : Math.max(0, items.length - SHOWN_MESSAGES);
  const pins = items.filter(({ pinned }) => pinned);
  const earlier = from === 0 ? [] : [paint('dim', `  ${from} earlier messages (--all shows them)`)];
  const cuts = changes.filter(({ kind: change }) => isCut(change) || change === 'rollback');
  // The beginning of an id is enough, and the line then fits.
  const short = id.slice(0, SHORT_ID);
  const advice = [
    ...(cuts.some(({ kind: change }) => isCut(change))
      ? [`what the last one dropped: kimi-emulator diff ${short}`]
      : []),
    ...(items.some(({ summary }) => summary)
      ? [`what a summary is from: kimi-emulator window ${short} --summary`]
      : []),
  ];
  return {
    data: { kind, id, ...window, changes: cuts },
    lines: [
      paint('bold', `${id}  ${oneLine(model)}${version === null ? '' : `  version ${version}`}`),
      `${bar(shares, Math.min(width, 60), paint)}`,
      `${grouped(tokens)} of ${grouped(room)} tokens, ${Math.round((100 * tokens) / room)}%`,
      ...wrap(`${sharesText(shares)}`, width),
      ...section(
        paint,
        'Pinned',
        pins.map((message) => messageLine(message, width, paint)),
      ),
      ...section(
        paint,
        'Cut, compressed or rolled back',
        cuts.flatMap((change) => changeLines(change, width)),
      ),
      ...advice.map((line) => paint('dim', `  ${line}`)),
      ...section(paint, `Messages, ${items.length}`, [
        ...earlier,
        ...items.slice(from).map((message) => messageLine(message, width, paint)),
      ]),
    ],
  };
}

/** Moments of a session, oldest first. */
async function changesOf(running: Running, id: string): Promise<Change[]> {
  const { items } = await read<Timeline>(running, `/sessions/${id}`);
  const moments = items.filter(({ at }) => /^\d+$/.test(at));
  return moments.map(({ at, kind, request, before, tokens, snapshot }, place) => {
    return { at, previous: moments[place - 1]?.at, kind, request, before, tokens, snapshot };
  });
}

async function showSummary({ running, width, paint }: Context, { id }: Subject): Promise<Shown> {
  const view = await read<SummaryView>(running, `/sessions/${id}/summary`);
  const sources = await sourcesOf(running, id, view.lines);
  const lines = view.lines.map((line) => ({ ...line, source: sources.get(`${line.snapshot} ${line.index}`) ?? null }));
  const titles = [...new Set(lines.map((line) => line.section))];
  const drops = view.dropped.filter(({ kept, dropped }) => kept + dropped > 0);
  const names = new Map(view.lines.map(({ label, snapshot }) => [lettersOf(label), snapshot]));
  const named = [...names].map(
    ([letters, snapshot]) => `${letters}#N is message N of ${snapshot ?? 'a snapshot that is not known'}.`,
  );
  return {
    data: { id, snapshot: view.snapshot, message: view.message, lines, dropped: view.dropped },
    lines: [
      ...named.toSorted().flatMap((line) => wrap(line, width)),
      ...titles.flatMap((title) => {
        const own = lines.filter((line) => line.section === title);
        return section(
          paint,
          oneLine(title),
          own.flatMap((line) => sourcedLine(line, width, paint)),
        );
      }),
      ...section(
        paint,
        'Pieces that were kept, and dropped',
        drops.map(
          ({ section: name, kept, dropped }) => `  ${name}: ${grouped(kept)} kept, ${grouped(dropped)} dropped`,
        ),
      ),
    ],
  };
}

/** The letters of a line's snapshot: `a` of `user a#28`; none for the one that the summary was made of. */
function lettersOf(label: string): string {
  return /([a-z]*)#\d+/.exec(label)?.[1] ?? '';
}

/** The messages that lines quote, by snapshot and place. Those of a snapshot that is deleted are missing. */
async function sourcesOf(
  running: Running,
  id: string,
  lines: readonly SummaryLine[],
): Promise<Map<string, MessageLine>> {
  const found = new Map<string, MessageLine>();
  for (const snapshot of new Set(lines.map((line) => line.snapshot))) {
    if (snapshot === null) continue;
    const places = lines.filter((line) => line.snapshot === snapshot).map(({ index }) => index);
    const most = Math.max(...places) + 1;
    const window = await readWindow(running, id, { at: snapshot, most }).catch((error: unknown) => {
      if (error instanceof CommandError && error.code === EXIT_NOT_FOUND) return undefined;
      throw error;
    });
    for (const message of window?.items ?? []) found.set(`${snapshot} ${message.index}`, message);
  }
  return found;
}

async function showDropped({ running, width, paint }: Context, { id }: Subject, words: string): Promise<Shown> {
  if (words.trim() === '') throw new UsageError('--dropped takes words to look for, not nothing');
  const data = await read<Dropped>(running, `/sessions/${id}/dropped?q=${encodeURIComponent(words)}`);
  const lines = data.items.map((message) => messageLine(message, width, paint));
  const more = data.more ? ['  … and more; name more words'] : [];
  return {
    data,
    lines: [`${data.items.length} of ${plural(data.searched, 'message')} that ${id} has no longer`, ...lines, ...more],
  };
}

interface Compared {
  subject: Subject;
  /** Places that the inspector knows: `now`, a moment, or an id. */
  from: string;
  to: string;
  names: [string, string];
}

const MARKS = { kept: ' ', cut: '-', changed: '~', added: '+' } as const;
const COLOURS = { kept: 'dim', cut: 'red', changed: 'yellow', added: 'green' } as const;
const SHOWN_OF_ROW = 5;

async function showDiff(
  { running, width, paint, values }: Context,
  { subject, from, to, names }: Compared,
): Promise<Shown> {
  const at = (place: string) => (place === subject.id ? 'now' : place);
  const diff = await read<Diff>(running, `/sessions/${subject.id}/diff?a=${at(from)}&b=${at(to)}`);
  const lines: string[] = [];
  for (const { what, count, tokens, index } of diff.runs) {
    const title = `${MARKS[what]} ${what} ${grouped(count)} ${count === 1 ? 'message' : 'messages'}, ${grouped(tokens)} tokens, from place ${index + 1}`;
    lines.push(paint(COLOURS[what], title));
    if (what === 'kept') continue;
    const most = values.all ? count : Math.min(count, SHOWN_OF_ROW);
    const { items } = await readWindow(running, subject.id, { at: at(what === 'cut' ? from : to), from: index, most });
    lines.push(...items.map((message) => messageLine(message, width, paint)));
    if (count > most) lines.push(paint('dim', `        … ${grouped(count - most)} more (--all)`));
  }
  const totals = Object.entries(diff.totals).map(
    ([what, { count, tokens }]) => `${what} ${grouped(count)} (${grouped(tokens)} tokens)`,
  );
  const heading = [`- ${names[0]}`, `+ ${names[1]}`, ...wrap(totals.join(' · '), width), ''];
  return {
    data: { ...diff, a: names[0], b: names[1] },
    lines: [...heading, ...(lines.length === 0 ? ['no messages in either'] : lines)],
  };
}
