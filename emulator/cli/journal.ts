import { setTimeout as pause } from 'node:timers/promises';
import { moneyText } from '../billing/spend.ts';
import { JournalReadError, readJournal } from '../doctor/read-journal.ts';
import type { JournalEntry } from '../journal/entries.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { JournalFile } from '../journal/journal-file.ts';
import { type CommandShape, type Flags, flagRows, helpPage, parseFlags, UsageError } from '../terminal/flags.ts';
import { didYouMean } from '../terminal/nearest.ts';
import { grouped, oneLine, painter, plural, type View, viewOf, visible, wrap } from '../terminal/text.ts';
import { entryLines, timeOf } from './request-log.ts';
import {
  CommandError,
  type CommandIo,
  DEFAULT_URL,
  isIdStart,
  READER_FLAGS,
  readRunning,
  runCommand,
  runningEmulator,
} from './usage.ts';

const EXIT_NOT_FOUND = 1;
const EXIT_UNREACHABLE = 3;
const DEFAULT_LIMIT = 100;
const FOLLOW_MS = 250;

const FLAGS = {
  follow: { short: 'f', help: 'go on with each request as it ends, until Ctrl-C' },
  session: { value: 'ID', help: 'only those of a session, by its id or the beginning of it' },
  status: { value: 'STATUS', help: 'only those with this status: 404, 4xx, or open for those not answered yet' },
  limit: { value: 'N', help: `the newest N (default ${DEFAULT_LIMIT})` },
  url: { value: 'URL', help: `a running emulator (default KIMI_BASE_URL, or ${DEFAULT_URL})` },
  ...READER_FLAGS,
} as const satisfies Flags;

export const JOURNAL_SHAPE: CommandShape = { flags: FLAGS, files: true };

function helpText(width: number): string {
  const rows = [
    ['N', 'a request by its number: all that is known of it; several may be named'],
    ['URL|FILE', 'a running emulator, or a saved response of GET /_emulator/journal'],
    ...flagRows(FLAGS),
  ];
  const about = [
    'Shows the requests to a running emulator: a line for each, or all of one, by the number that the log, a hint or the doctor names.',
  ];
  const after = ['Exit codes: 0 done, 1 no such request, 2 invalid command line, 3 the journal cannot be read'];
  return helpPage({ usage: ['journal [N…] [URL|FILE] [flags]'], about, rows, after }, width);
}

interface Wanted {
  session: string | undefined;
  status: string | undefined;
  limit: number;
}

/** The subcommand `kimi-emulator journal`. Resolves to the exit code; error messages are one line each. */
export function runJournalCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('journal', io, async () => {
    const { stdout, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const view = viewOf(stdout, env);
    if (values.help) {
      stdout.write(helpText(view.width));
      return 0;
    }
    const numbers = positionals.filter((word) => NUMBER.test(word)).map((word) => Number(word.replace('#', '')));
    const [source, extra] = [...positionals.filter((word) => !NUMBER.test(word)), ...[values.url ?? []].flat()];
    if (extra !== undefined) throw new UsageError(`one URL or FILE at a time, not ${source} and ${extra}`);
    const wanted = { session: values.session, status: statusOf(values.status), limit: limitOf(values.limit) };
    const running = runningEmulator(source, values['control-key'], env);
    const isServer = /^https?:\/\//i.test(running.url);
    const read = async (since = 0): Promise<JournalFile> => {
      if (isServer)
        return (await readRunning(running, `/_emulator/journal?since=${since}`, 'emulator.journal')) as never;
      return readJournal(running.url).catch((error: unknown) => {
        if (!(error instanceof JournalReadError)) throw error;
        throw new CommandError(error.message + running.from, EXIT_UNREACHABLE);
      });
    };
    const file = await read();
    if (numbers.length > 0) {
      if (values.follow) throw new UsageError('--follow shows all requests as they end, not one by its number');
      const entries = numbers.map((n) => entryOf(file, n));
      stdout.write(values.json ? numbered(entries) : entries.map((entry) => renderEntry(entry, view)).join('\n'));
      return 0;
    }
    const print = values.json ? jsonEntry : entryLines(io, (entry) => new Date(entry.at));
    if (values.follow) {
      if (!isServer) throw new UsageError(`--follow takes a running emulator, not ${running.url}`);
      return follow({ file, read, wanted, show: (entry) => stdout.write(print(entry)) });
    }
    const entries = chosen(file, wanted);
    if (values.json) stdout.write(`${JSON.stringify({ ...file, entries }, null, 2)}\n`);
    else stdout.write(entries.map(print).join('') || `${nothing(file, wanted)}\n`);
    return 0;
  });
}

const NUMBER = /^#?\d{1,15}$/;

function jsonEntry(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** One as an object, several as a list. */
function numbered(entries: readonly JournalEntry[]): string {
  return `${JSON.stringify(entries.length === 1 ? entries[0] : entries, null, 2)}\n`;
}

function statusOf(text: string | undefined): string | undefined {
  if (text === undefined || /^(?:\d{3}|[1-5]xx|open)$/i.test(text)) return text?.toLowerCase();
  throw new UsageError(`--status takes a status such as 404, a class such as 4xx, or open, not ${text || 'nothing'}`);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--limit takes a whole number from 1, not ${text || 'nothing'}`);
}

function fits({ session, status }: JournalEntry, wanted: Wanted): boolean {
  if (wanted.session !== undefined && !(session !== undefined && isIdStart(session, wanted.session))) return false;
  if (wanted.status === undefined) return true;
  if (status === 0) return wanted.status === 'open';
  return wanted.status === String(status) || wanted.status === `${Math.floor(status / 100)}xx`;
}

function chosen({ entries }: JournalFile, wanted: Wanted): JournalEntry[] {
  return entries.filter((entry) => fits(entry, wanted)).slice(-wanted.limit);
}

/** @throws CommandError that says what there is */
function entryOf({ entries, dropped }: JournalFile, n: number): JournalEntry {
  const found = entries.find((entry) => entry.n === n);
  if (found) return found;
  const [first, last] = [entries[0], entries.at(-1)];
  const held = first && last ? `it holds #${first.n} to #${last.n}` : 'it is empty';
  const earlier = dropped > 0 ? `, ${dropped} earlier ones are dropped` : '';
  throw new CommandError(`no request #${n} is in the journal: ${held}${earlier}`, EXIT_NOT_FOUND);
}

/** Why nothing is shown. */
function nothing({ entries }: JournalFile, { session, status }: Wanted): string {
  const asked = [session && `of the session ${session}`, status && `with the status ${status}`]
    .filter(Boolean)
    .join(' ');
  const known = [...new Set(entries.flatMap((entry) => entry.session ?? []))];
  const advice = session !== undefined && !known.some((id) => isIdStart(id, session)) ? didYouMean(session, known) : '';
  return oneLine(`no request ${asked}${asked === '' ? 'yet' : ` among ${entries.length}`}${advice}`);
}

interface Following {
  file: JournalFile;
  read: (since: number) => Promise<JournalFile>;
  wanted: Wanted;
  show: (entry: JournalEntry) => void;
}

/** Shows what there is, and goes on with each request when it is over. Ends with the emulator. */
async function follow({ file, read, wanted, show }: Following): Promise<never> {
  const shown = new Set<number>();
  let since = 0;
  let fresh = chosen(file, { ...wanted, limit: wanted.limit });
  let { entries } = file;
  for (;;) {
    for (const entry of fresh.filter((each) => isOver(each) && !shown.has(each.n) && fits(each, wanted))) show(entry);
    for (const entry of entries.filter(isOver)) shown.add(entry.n);
    const open = entries.find((entry) => !isOver(entry));
    since = Math.max(since, (open?.n ?? (entries.at(-1)?.n ?? since) + 1) - 1);
    for (const n of shown) if (n <= since) shown.delete(n);
    await pause(FOLLOW_MS);
    ({ entries } = await read(since));
    fresh = entries;
  }
}

function isOver({ ms, facts }: JournalEntry): boolean {
  return ms !== undefined || facts.reset === true;
}

/** All that is known of a request. */
function renderEntry(entry: JournalEntry, view: View): string {
  const { n, at, method, path, operation, account, session, idempotency_key: key, request, answer, hint } = entry;
  const paint = painter(view.color);
  const indented = (text: string) =>
    visible(text)
      .split('\n')
      .flatMap((line) => indent(line, view.width));
  const titled = (title: string, text: string | undefined) =>
    text === undefined || text === '' ? [] : ['', paint('bold', title), ...indented(text)];
  const about = [
    new Date(at).toISOString(),
    outcomeOf(entry),
    session && `session ${session}`,
    account && `account ${account}`,
    key && `Idempotency-Key ${key}`,
    costOf(entry),
    hint && `hint: ${hint}`,
    entry.ignored && `ignored: ${entry.ignored}`,
  ];
  return [
    paint('bold', oneLine(`#${n}  ${method} ${path}${operation ? `  ${operation}` : ''}`)),
    ...about.flatMap((line) => (line ? indented(oneLine(line)) : [])),
    ...titled('Effects', effectsOf(entry.facts).join('\n')),
    ...titled(`Request${entry.request_bytes === undefined ? '' : `, ${entry.request_bytes} bytes`}`, readable(request)),
    ...titled('Answer', readable(answer)),
    '',
  ].join('\n');
}

/** A line two columns further in, wrapped behind its own indentation. */
function indent(line: string, width: number): string[] {
  const before = `  ${/^ {0,20}/.exec(line)?.[0] ?? ''}`;
  return wrap(line.trim(), width - before.length).map((part) => (before + part).trimEnd());
}

function outcomeOf(entry: JournalEntry): string {
  const { status, code, lost, replayed, faults, streamed } = entry;
  const ended = { whole: 'complete', left: 'left by its reader', failed: 'failed in the middle' };
  const time = timeOf(entry);
  return [
    status === 0
      ? lost
        ? 'dropped before anything was done'
        : 'not answered yet'
      : [status, code].filter(Boolean).join(' '),
    time !== '' && `${entry.first_byte_ms === undefined ? '' : 'first byte/end '}${time}`,
    replayed && 'the stored answer of an earlier request',
    lost && status !== 0 && 'the answer was lost',
    faults && `by the fault ${faults.join(', ')}`,
    streamed && `${streamed.events} events, ${streamed.ended ? ended[streamed.ended] : 'still running'}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function costOf({ usage, cost, currency }: JournalEntry): string | undefined {
  if (!usage) return undefined;
  const { prompt_tokens, completion_tokens, cached_tokens = 0 } = usage;
  const tokens = `${grouped(prompt_tokens)} tokens of prompt (${grouped(cached_tokens)} cached), ${grouped(completion_tokens)} of completion`;
  return cost === undefined ? `${tokens}; no price of the model is known` : `${tokens}: ${moneyText(cost)} ${currency}`;
}

/** Indented where it is JSON in whole. */
function readable(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** What a request did, a sentence for each effect. */
function effectsOf(facts: JournalEffects): string[] {
  const { created, wrote, turn, upstream, cut, compressed, snapshot, rolled_back, deleted, shared, unshared, reset } =
    facts;
  const holds = (total: number | undefined) =>
    total === undefined ? '' : `; the window holds ${grouped(total)} tokens`;
  const origin = created?.from_snapshot ?? created?.from_share;
  const calls = (what: string, ids: readonly string[] | undefined) =>
    ids && ids.length > 0 && `${what} ${ids.join(', ')}`;
  const lines: (string | false | undefined)[] = [
    created && `created ${created.session}${origin === undefined ? '' : ` from ${origin}`}`,
    wrote &&
      `wrote ${plural(wrote.messages, 'message')}, ${plural(wrote.tokens, 'token')}${wrote.lines === undefined ? '' : `, in ${plural(wrote.lines, 'line')}`}${holds(wrote.total)}`,
    calls('calls that wait:', wrote?.opened),
    calls('calls that are answered:', wrote?.answered),
    turn &&
      `${turn.model} answered (${turn.finish_reasons.join(', ')}), asked for ${turn.max_tokens === null ? 'no limit' : `at most ${grouped(turn.max_tokens)} tokens`}${holds(turn.total)}`,
    turn?.stored === false && 'its calls were cut off and not stored',
    upstream?.drift &&
      `the upstream counted ${grouped(upstream.drift.upstream)} tokens, ${grouped(upstream.drift.counted)} were counted here`,
    upstream?.lost_before && 'an earlier attempt under the same key was asked, and its answer was lost',
    cut && `cut ${plural(cut.messages, 'message')}, ${plural(cut.tokens, 'token')}${holds(cut.total)}`,
    compressed &&
      `compressed ${grouped(compressed.before)} tokens to ${grouped(compressed.total)}${compressed.snapshot === undefined ? '' : `; ${compressed.snapshot} keeps what was`}`,
    snapshot &&
      `took ${snapshot.id}${snapshot.preserve_len === null ? '' : `, of which ${grouped(snapshot.preserve_len)} tokens come back`}`,
    rolled_back && `rolled back to ${rolled_back.snapshot}${holds(rolled_back.total)}`,
    deleted && `deleted ${deleted.session ?? deleted.snapshot}`,
    shared &&
      `shared ${shared.snapshot}${shared.expires_at === null ? '' : ` until ${new Date(shared.expires_at * 1_000).toISOString()}`}`,
    unshared && `ended the share of ${unshared.snapshot}`,
    reset && 'returned to the baseline',
  ];
  return lines.filter((line) => typeof line === 'string');
}
