import type {
  Diff,
  Dropped,
  MessageLine,
  SummaryLine,
  SummaryView,
  Timeline,
  WindowPage,
} from '../inspector/answers.ts';
import { UsageError } from '../terminal/flags.ts';
import { grouped, oneLine, type Paint, plural, wrap } from '../terminal/text.ts';
import { askRunning, CommandError, EXIT_UNREACHABLE, type Running } from './usage.ts';
import { bar, type Change, changeLines, isCut, messageLine, section, sharesText, sourcedLine } from './window-text.ts';

export const EXIT_NOT_FOUND = 1;

export interface Context {
  running: Running;
  width: number;
  paint: Paint;
  words: readonly string[];
  values: { readonly all?: boolean; readonly summary?: boolean; readonly dropped?: string };
}

/** For programs, and for people. */
export interface Shown {
  data: object;
  lines: string[];
}

/** What an id names. */
export interface Subject {
  kind: 'session' | 'snapshot';
  id: string;
}

/** Of a route of the inspector. @throws CommandError with what the emulator says */
export async function read<Body>(running: Running, path: string): Promise<Body> {
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

export async function showWindow({ running, width, paint, values }: Context, { kind, id }: Subject): Promise<Shown> {
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
export async function changesOf(running: Running, id: string): Promise<Change[]> {
  const { items } = await read<Timeline>(running, `/sessions/${id}`);
  const moments = items.filter(({ at }) => /^\d+$/.test(at));
  return moments.map(({ at, kind, request, before, tokens, snapshot }, place) => {
    return { at, previous: moments[place - 1]?.at, kind, request, before, tokens, snapshot };
  });
}

export async function showSummary({ running, width, paint }: Context, { id }: Subject): Promise<Shown> {
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

export async function showDropped({ running, width, paint }: Context, { id }: Subject, words: string): Promise<Shown> {
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

export async function showDiff(
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
