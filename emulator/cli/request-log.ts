import { type Money, showInFull } from '../billing/ledger.ts';
import type { Emulator } from '../index.ts';
import { describe, type JournalEntry } from '../journal/entries.ts';
import type { Exchange } from '../journal/exchange.ts';
import { Redactor } from '../journal/redact.ts';
import { grouped, oneLine, type Paint, painter, plural, shorten, viewOf, wrap } from '../terminal/text.ts';
import type { LogForm } from './flags.ts';
import type { CommandIo } from './usage.ts';

/** Prints a line for each request as it ends. @returns what prints, at the end, what was served */
export function logRequests({ journal, faults }: Emulator, form: Exclude<LogForm, 'off'>, io: CommandIo): () => void {
  const served = new Served();
  const redactors = new Redactors();
  const print = form === 'json' ? jsonLine : entryLines(io, () => new Date());
  journal.follow((exchange) => {
    served.add(exchange);
    const isRefused = exchange.status >= FIRST_REFUSAL;
    io.stdout.write(print(describe(exchange, redactors.of(exchange.key), { declared: false, texts: isRefused })));
  });
  return () => {
    const unused = faults.unused();
    const summary = { ...served.summary(), unused_faults: unused };
    io.stdout.write(form === 'json' ? `${JSON.stringify({ event: 'served', ...summary })}\n` : summaryText(summary));
  };
}

const FIRST_REFUSAL = 400;
const MOST_REDACTORS = 64;

/** One for each key: to make one costs more than to use it. */
class Redactors {
  readonly #byKey = new Map<string | undefined, Redactor>();

  of(key: string | undefined): Redactor {
    const known = this.#byKey.get(key);
    if (known) return known;
    if (this.#byKey.size >= MOST_REDACTORS) this.#byKey.clear();
    const redactor = new Redactor(key === undefined ? [] : [key]);
    this.#byKey.set(key, redactor);
    return redactor;
  }
}

type Printed = Omit<JournalEntry, 'request' | 'answer' | 'request_bytes' | 'facts' | 'declared' | 'results' | 'at'>;

function jsonLine({ request, answer, request_bytes, facts, declared, results, at, ...shown }: JournalEntry): string {
  const printed: Printed = shown;
  const message = messageIn(answer);
  const line = {
    event: 'request',
    time: new Date().toISOString(),
    ...printed,
    ...(message !== undefined && { message }),
  };
  return `${JSON.stringify(line)}\n`;
}

const INDENT = ' '.repeat(14);
/** Ids and figures in full need so many columns. */
const WIDE = 110;

/** Lines for people: within the width of a terminal, and whole where they go elsewhere. @param dateOf the time that is shown */
export function entryLines(
  { stdout, env }: CommandIo,
  dateOf: (entry: JournalEntry) => Date,
): (entry: JournalEntry) => string {
  return (entry) => {
    const view = viewOf(stdout, env);
    const width = stdout.isTTY ? view.width : Number.POSITIVE_INFINITY;
    const paint = painter(view.color);
    const below = notesOf(entry).flatMap((note) =>
      Number.isFinite(width) ? wrap(oneLine(note), width - INDENT.length) : oneLine(note),
    );
    const time = dateOf(entry).toTimeString().slice(0, 8);
    const lines = [requestLine(entry, time, width, paint), ...below.map((line) => paint('dim', INDENT + line))];
    return `${lines.join('\n')}\n`;
  };
}

function requestLine(entry: JournalEntry, time: string, width: number, paint: Paint): string {
  const { n, method, status, lost } = entry;
  const isWide = width >= WIDE;
  const head = `${time} ${`#${n}`.padStart(5)} ${method.padEnd(6)} `;
  const state = status === 0 ? '---' : String(status);
  const figures = `${tokensOf(entry, isWide).padStart(isWide ? 15 : 9)} ${cachedOf(entry).padStart(4)} ${timeOf(entry).padStart(8)} ${costText(entry).padEnd(7)}`;
  const room = Math.max(12, width - head.length - state.length - figures.length - 2);
  const route = oneLine(routeOf(entry, isWide));
  const label = Number.isFinite(room) ? shorten(route, room).padEnd(room) : route.padEnd(60);
  const colour = lost || status >= 500 ? 'red' : status >= FIRST_REFUSAL ? 'yellow' : 'green';
  return `${paint('dim', time)}${head.slice(time.length)}${label} ${paint(colour, state)} ${figures}`.trimEnd();
}

/** The path behind the base URL, and the session where that does not name it. */
function routeOf({ path, session }: JournalEntry, isWide: boolean): string {
  const [pathname = ''] = path.split('?');
  const below = pathname.replace(/^\/v1\//, '');
  const route = session === undefined || pathname.includes(session) ? below : `${below} ${session}`;
  return isWide ? route : route.replaceAll(/\b[a-z]+[_-]([0-9a-f]{4})[0-9a-f]{8,}/g, '$1…');
}

function tokensOf({ usage }: JournalEntry, isWide: boolean): string {
  if (!usage) return '';
  const { prompt_tokens, completion_tokens } = usage;
  return isWide ? `${prompt_tokens}/${completion_tokens}` : `${compact(prompt_tokens)}/${compact(completion_tokens)}`;
}

/** 999, 8.1k, 262k, 1.0M */
function compact(tokens: number): string {
  if (tokens < 1_000) return String(tokens);
  const [size, unit] = tokens < 999_500 ? [tokens / 1_000, 'k'] : [tokens / 1_000_000, 'M'];
  return `${size < 99.95 ? size.toFixed(1) : Math.round(size)}${unit}`;
}

/** The share of the prompt that was cached. */
function cachedOf({ usage }: JournalEntry): string {
  if (!usage || usage.prompt_tokens === 0) return '';
  return `${Math.round((100 * (usage.cached_tokens ?? 0)) / usage.prompt_tokens)}%`;
}

/** To its end; of an answer in parts, to its first byte and to its end. */
export function timeOf({ ms, first_byte_ms }: Pick<JournalEntry, 'ms' | 'first_byte_ms'>): string {
  if (ms === undefined) return '';
  const [unit, scale, digits] = ms < 1_000 ? ['ms', 1, 0] : ms < 100_000 ? ['s', 1_000, 1] : ['s', 1_000, 0];
  const shown = (time: number) => (time / scale).toFixed(digits);
  return `${first_byte_ms === undefined ? '' : `${shown(first_byte_ms)}/`}${shown(ms)}${unit}`;
}

const SIGNS = { USD: '$', CNY: '¥' } as const;

function costText({ cost, currency }: JournalEntry): string {
  if (cost === undefined || currency === undefined) return '';
  const sign = SIGNS[currency];
  if (cost > 0 && cost < 0.0001) return `<${sign}.0001`;
  return sign + cost.toFixed(cost >= 100 ? 2 : cost >= 1 ? 3 : 4);
}

/** What stands below the line of a request. */
function notesOf(entry: JournalEntry): string[] {
  const { status, code, hint, faults, replayed, lost, streamed } = entry;
  const message = messageIn(entry.answer);
  const said = status < FIRST_REFUSAL ? [] : [[code, message].filter(Boolean).join(': ')].filter((line) => line !== '');
  return [
    ...said,
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...(faults ? [`by the fault ${faults.join(', ')}`] : []),
    ...(replayed ? ['the stored answer of an earlier request with this Idempotency-Key'] : []),
    ...(status < FIRST_REFUSAL && code !== undefined ? [`ended with an error: ${code}`] : []),
    ...(lost ? ['the connection was dropped'] : []),
    ...(streamed?.ended === 'left' ? ['the client left before the end'] : []),
    ...(streamed?.ended === 'failed' ? ['the answer failed in the middle'] : []),
  ];
}

/** The message of a refusal, without the hint that may stand behind it. */
function messageIn(answer = ''): string | undefined {
  try {
    const { error } = JSON.parse(answer) as { error?: { message?: unknown } | string };
    const text = typeof error === 'object' ? error.message : error;
    return typeof text === 'string' ? text.split(/\nHint: |; hint: /)[0] : undefined;
  } catch {
    return undefined;
  }
}

/** What a server has answered since its start. */
class Served {
  readonly #startedAt = performance.now();
  readonly #statuses = new Map<string, number>();
  readonly #sessions = new Set<string>();
  readonly #cost = new Map<string, Money>();
  #requests = 0;
  #prompt = 0;
  #cached = 0;
  #completion = 0;

  add({ status, noted, session, facts, billed }: Exchange): void {
    if (noted?.reset) return;
    this.#requests += 1;
    const kind = status === 0 ? 'dropped' : `${Math.floor(status / 100)}xx`;
    this.#statuses.set(kind, (this.#statuses.get(kind) ?? 0) + 1);
    // One that was refused may be of a session that there is not.
    if (session !== undefined && status < 400 && this.#sessions.size < MOST_SESSIONS) this.#sessions.add(session);
    const usage = facts.turn?.usage ?? billed?.usage;
    this.#prompt += usage?.prompt_tokens ?? 0;
    this.#cached += usage?.cached_tokens ?? 0;
    this.#completion += usage?.completion_tokens ?? 0;
    if (billed) this.#cost.set(billed.currency, (this.#cost.get(billed.currency) ?? 0n) + billed.money);
  }

  summary() {
    return {
      requests: this.#requests,
      statuses: Object.fromEntries([...this.#statuses].toSorted()),
      seconds: Math.round((performance.now() - this.#startedAt) / 1_000),
      prompt_tokens: this.#prompt,
      cached_tokens: this.#cached,
      completion_tokens: this.#completion,
      cost: Object.fromEntries([...this.#cost].map(([currency, money]) => [currency, showInFull(money)])),
      sessions: this.#sessions.size,
    };
  }
}

/** Counted one by one; a server may see any number of ids. */
const MOST_SESSIONS = 100_000;

function summaryText(summary: ReturnType<Served['summary']> & { unused_faults: readonly string[] }): string {
  const { requests, statuses, seconds, prompt_tokens, cached_tokens, completion_tokens, cost, sessions } = summary;
  const kinds = Object.entries(statuses).map(([kind, times]) => `${grouped(times)} ${kind}`);
  const costs = Object.entries(cost).map(([currency, amount]) => `${amount} ${currency}`);
  const tokens = `${grouped(prompt_tokens)} prompt (${grouped(cached_tokens)} cached), ${grouped(completion_tokens)} completion`;
  return [
    '',
    `  served     ${plural(requests, 'request')} in ${grouped(seconds)} s${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`,
    ...(prompt_tokens > 0 ? [`  tokens     ${tokens}`] : []),
    ...(costs.length > 0 ? [`  cost       ${costs.join(', ')}`] : []),
    ...(sessions > 0 ? [`  sessions   ${grouped(sessions)}`] : []),
    ...summary.unused_faults.map((fault) => `  unused     fault ${oneLine(fault)}`),
    '',
  ].join('\n');
}
