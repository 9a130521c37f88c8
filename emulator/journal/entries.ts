import type { CompletionUsage } from '../../contract/chat.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operation-routes.ts';
import type { Currency } from '../../contract/prices.ts';
import { moneyNumber } from '../billing/ledger.ts';
import { accountOf } from '../ids.ts';
import {
  type Exchange,
  type JournalEffects,
  type KeptText,
  memoryOf,
  type ReadText,
  readText,
  type Sent,
  type Streamed,
} from './exchange.ts';

/** Selects requests that match every given condition. */
export interface JournalFilter {
  session?: string | undefined;
  /** `400`, `4xx`, or `open` for requests without an answer yet. */
  status?: string | number | undefined;
  /** Operation id, such as `appendMessages`. */
  operation?: OperationId | undefined;
  /** An API key, or an account as the journal shows it. */
  key?: string | undefined;
  /** Only requests after this number. */
  since?: number | undefined;
  /** Maximum number of requests: the newest. */
  limit?: number | undefined;
}

const SHORT = 12;

/** An account as it is shown: the start of its key's hash. */
function shortAccount(account: string): string {
  return account.slice(0, SHORT);
}

export function passes(exchange: Exchange, { session, status, operation, key, since }: JournalFilter): boolean {
  if (since !== undefined && exchange.n <= since) return false;
  if (session !== undefined && exchange.session !== session) return false;
  if (operation !== undefined && exchange.addressed.operation !== operation) return false;
  if (key !== undefined && !isOf(exchange, key)) return false;
  return status === undefined || hasStatus(exchange, String(status).toLowerCase());
}

function isOf({ account = '' }: Exchange, key: string): boolean {
  return key === shortAccount(account) || account === accountOf(key);
}

function hasStatus({ status }: Exchange, asked: string): boolean {
  if (status === 0) return asked === 'open';
  return asked === String(status) || asked === `${Math.floor(status / 100)}xx`;
}

const HIDDEN = '[redacted]';
/** Anyone who knows a share id can read the share. */
const SHARE_ID = /shr_(?!\[)[\w-]+/g;
const ESCAPE = /%[0-7][\da-f]/i;
const ESCAPES = /%[0-7][\da-f]/gi;
/** Keys of any service. */
const SECRET = /\b(?:sk|ak)-[\w-]{6,}/g;
/** The possible start of either, at the end of a text that is cut. */
const PARTIAL_SECRET = /(?:shr_?|sh|[sa]k?-?)[\w-]*$|Bearer *\S*$/;
/** A shorter key is a word such as `test`, and not a secret. */
const MIN_KEY_LENGTH = 8;
/** Every secret key has at least so many characters: `sk-x`. */
const KEY_START = 4;
const HASHES = 0x1_0000;
const HASH_MASK = 0xffff;

/** Replaces API keys and share ids in what is shown. */
export class Redactor {
  readonly #keys: KeySet;

  /** @param keys that requests were sent with */
  constructor(keys: Iterable<string>) {
    const secret = [...new Set(keys)].filter((key) => key.length >= MIN_KEY_LENGTH || /^sk-./.test(key));
    this.#keys = new KeySet(secret.flatMap((key) => [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]));
  }

  text(text: string): string {
    const plain = this.#keys.replaceAll(text, HIDDEN).replaceAll(SECRET, HIDDEN).replaceAll(SHARE_ID, `shr_${HIDDEN}`);
    return ESCAPE.test(plain) ? this.#escaped(plain) : plain;
  }

  /** The same for secrets of which any characters are percent-encoded, as each client does it another way. */
  #escaped(text: string): string {
    const escapes: number[] = [];
    const read = text.replaceAll(ESCAPES, (coded, at: number) => {
      escapes.push(at - 2 * escapes.length);
      return String.fromCharCode(Number.parseInt(coded.slice(1), 16));
    });
    const placeOf = (at: number): number => at + 2 * placeIn(escapes, at);
    const found = [SECRET, SHARE_ID].flatMap((pattern) =>
      [...read.matchAll(pattern)].map((match): [number, number] => [match.index, match.index + match[0].length]),
    );
    let result = '';
    let from = 0;
    for (const [start, end] of [...this.#keys.spans(read), ...found].sort(([a], [b]) => a - b)) {
      const place = placeOf(start);
      if (place >= from) result += text.slice(from, place) + HIDDEN;
      from = Math.max(from, placeOf(end));
    }
    return result + text.slice(from);
  }

  /** A stored text as it is shown. A secret that the cut went through is left out with the rest. */
  stored({ head, tail, leftOut, unit }: ReadText): string {
    if (leftOut === 0) return this.text(head);
    const first = this.text(head);
    const last = this.text(tail);
    const begun = Math.max(this.#keys.begunAtEnd(first), PARTIAL_SECRET.exec(first)?.[0].length ?? 0);
    const ended = Math.max(this.#keys.endedAtStart(last), /^[\w-]*/.exec(last)?.[0].length ?? 0);
    return `${first.slice(0, first.length - begun)} [${leftOut} ${unit} left out] ${last.slice(ended)}`;
  }

  /** A JSON value with all its strings redacted. */
  value<Value>(value: Value): Value {
    return this.#visit(value) as Value;
  }

  #visit(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#visit(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#visit(member)]));
  }
}

/** Units by which a key is told from other text: that much of a longer key is hidden whatever follows it. */
const TELLING = 64;

/**
 * Finds any of many texts in one pass: a journal of 1,000 requests may have 1,000 keys. Each search is one by halves, because
 * whoever sends requests also chooses keys, such as a thousand that start alike and differ in length.
 */
class KeySet {
  readonly #keys: readonly string[];
  /** What tells them, sorted, and for each the place of the longest other that it starts with. */
  readonly #tellers: readonly string[];
  readonly #within: readonly number[];
  /** Marks the hashes of their first characters. */
  readonly #starts = new Uint8Array(HASHES);
  readonly #reversed: readonly string[];
  readonly #longest: number;

  /** @param keys of at least `KEY_START` characters */
  constructor(keys: readonly string[]) {
    this.#keys = [...new Set(keys)].sort();
    this.#tellers = [...new Set(this.#keys.map((key) => key.slice(0, TELLING)))];
    const within: number[] = [];
    for (const [place, teller] of this.#tellers.entries()) {
      let outer = place - 1;
      while (outer >= 0 && !teller.startsWith(this.#tellers[outer] ?? '')) outer = within[outer] ?? -1;
      within.push(outer);
      let hash = 0;
      for (let unit = 0; unit < KEY_START; unit += 1) hash = nextHash(hash, teller.charCodeAt(unit));
      this.#starts[hash & HASH_MASK] = 1;
    }
    this.#within = within;
    this.#reversed = this.#keys.map(reversed).sort();
    this.#longest = this.#keys.reduce((most, { length }) => Math.max(most, length), 0);
  }

  replaceAll(text: string, replacement: string): string {
    let result = '';
    let from = 0;
    for (const [start, end] of this.spans(text)) {
      result += text.slice(from, start) + replacement;
      from = end;
    }
    return result + text.slice(from);
  }

  /** Where keys stand, in order, none within another. */
  spans(text: string): [start: number, end: number][] {
    const found: [number, number][] = [];
    if (this.#longest === 0) return found;
    let from = 0;
    let hash = 0;
    for (let place = 0; place < text.length; place += 1) {
      hash = nextHash(hash, text.charCodeAt(place));
      const start = place + 1 - KEY_START;
      if (this.#starts[hash & HASH_MASK] === 0 || start < from) continue;
      const length = this.#lengthAt(text, start);
      if (length === 0) continue;
      from = start + length;
      found.push([start, from]);
      place = from - 1;
    }
    return found;
  }

  /** Length of the longest start of a key that the text ends with: of less than tells a key, as others are hidden before. */
  begunAtEnd(text: string): number {
    for (let length = Math.min(text.length, this.#longest, TELLING); length > 0; length -= 1) {
      if (someStartsWith(this.#tellers, text.slice(-length))) return length;
    }
    return 0;
  }

  /** Length of the longest end of a key that the text starts with. */
  endedAtStart(text: string): number {
    const start = reversed(text.slice(0, this.#longest));
    for (let length = start.length; length > 0; length -= 1) {
      if (someStartsWith(this.#reversed, start.slice(-length))) return length;
    }
    return 0;
  }

  /** Units of the longest key at a place; of one that begins there as another does, those that they share. */
  #lengthAt(text: string, start: number): number {
    const here = text.slice(start, start + TELLING);
    let place = placeIn(this.#tellers, here);
    if (this.#tellers[place] !== here) place -= 1;
    while (place >= 0 && !here.startsWith(this.#tellers[place] ?? '')) place = this.#within[place] ?? -1;
    const length = this.#tellers[place]?.length ?? 0;
    if (length < TELLING) return length;
    const all = text.slice(start, start + this.#longest);
    const next = placeIn(this.#keys, all);
    return Math.max(shared(all, this.#keys[next - 1] ?? ''), shared(all, this.#keys[next] ?? ''));
  }
}

/** Place of the first of sorted items that does not come before this one. */
function placeIn<Item extends string | number>(sorted: readonly Item[], item: Item): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? item) < item) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Units that both start with. */
function shared(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}

/** A rolling hash: of 16 bits moved by 4, only the last four units are left. */
function nextHash(hash: number, unit: number): number {
  return ((hash << 4) ^ (unit & 0xff)) & HASH_MASK;
}

function reversed(text: string): string {
  return text.split('').reverse().join('');
}

function someStartsWith(sorted: readonly string[], text: string): boolean {
  return sorted[placeIn(sorted, text)]?.startsWith(text) ?? false;
}

/** A request and its answer as they are shown. Absent members do not apply. */
export interface JournalEntry {
  n: number;
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  at: number;
  /** The start of the key's hash. */
  account?: string;
  /** Operation id in the contract. */
  operation?: string;
  method: string;
  path: string;
  session?: string;
  idempotency_key?: string;
  /** The stored answer of an earlier request with this key. */
  replayed?: true;
  /** 0 while the request is running. */
  status: number;
  /** A fault dropped the connection: before anything was done if the status is 0, otherwise instead of the answer. */
  lost?: true;
  /** Effects of the faults that acted on it. */
  faults?: readonly string[];
  code?: ErrorCode;
  /** Seconds to wait before a retry, from the answer's Retry-After. */
  retry_after?: number;
  hint?: string;
  /** Unknown members of the request, which were ignored. */
  ignored?: string;
  model?: string;
  max_tokens?: number;
  /** Its tools and the form of its answer; not again where a request before it declared the very same. */
  declared?: { tools?: unknown[]; response_format?: unknown };
  results?: Sent['results'];
  said?: Sent['said'];
  made?: Sent['made'];
  earlier?: Sent['earlier'];
  repeated?: Sent['repeated'];
  request?: string;
  request_bytes?: number;
  answer?: string;
  usage?: CompletionUsage;
  /** What was charged for it. */
  cost?: number;
  currency?: Currency;
  /** Milliseconds to the end of its answer, on the machine's own clock. */
  ms?: number;
  /** Milliseconds to the first byte of an answer that came in parts. */
  first_byte_ms?: number;
  streamed?: Streamed & { finish_reason?: string };
  facts: JournalEffects;
}

/** Tenths of a millisecond are what a person can use. */
const MS_DIGITS = 1;

interface Shown {
  /** Its tools and the form of its answer. */
  declared?: boolean;
  /** Request and answer. */
  texts?: boolean;
}

/** An exchange as it is shown, without keys and share ids. */
export function describe(
  exchange: Exchange,
  redactor: Redactor,
  { declared = true, texts = true }: Shown = {},
): JournalEntry {
  const {
    n,
    at,
    account,
    asked,
    addressed,
    session,
    code,
    headers = {},
    status,
    facts,
    streamed,
    billed,
    ms,
    headMs,
  } = exchange;
  const request = texts ? read(exchange.request) : undefined;
  const answer = texts ? read(exchange.answer) : undefined;
  const usage = facts.turn?.usage ?? billed?.usage;
  const finish = facts.turn?.finish_reasons[0];
  return redactor.value({
    n,
    at,
    ...(account !== undefined && { account: shortAccount(account) }),
    ...(addressed.operation !== undefined && { operation: addressed.operation }),
    method: asked.method,
    path: asked.path + asked.query,
    ...(session !== undefined && { session }),
    ...(asked.idempotencyKey !== undefined && { idempotency_key: asked.idempotencyKey }),
    ...('Idempotent-Replayed' in headers && { replayed: true as const }),
    status,
    ...(exchange.lost && { lost: true as const }),
    ...(exchange.faults.length > 0 && { faults: exchange.faults }),
    ...(code !== undefined && { code }),
    ...(headers['Retry-After'] !== undefined && { retry_after: Number(headers['Retry-After']) }),
    ...(headers['Kimi-Emulator-Hint'] !== undefined && { hint: headers['Kimi-Emulator-Hint'] }),
    ...(headers['Kimi-Emulator-Ignored'] !== undefined && { ignored: headers['Kimi-Emulator-Ignored'] }),
    ...shownOf(exchange.sent, declared),
    ...(request && { request: redactor.stored(request), request_bytes: exchange.requestBytes }),
    ...(answer && { answer: redactor.stored(answer) }),
    ...(usage && { usage }),
    ...(billed && { cost: moneyNumber(billed.money), currency: billed.currency }),
    ...(ms !== undefined && { ms: rounded(ms) }),
    ...(headMs !== undefined && headMs !== ms && { first_byte_ms: rounded(headMs) }),
    ...(streamed && { streamed: { ...streamed, ...(finish !== undefined && { finish_reason: finish }) } }),
    facts,
  });
}

function rounded(ms: number): number {
  return Number(ms.toFixed(MS_DIGITS));
}

function shownOf(sent: Sent | undefined, withDeclared: boolean): Partial<JournalEntry> {
  const { declared, ...others } = sent ?? {};
  return declared === undefined || !withDeclared ? others : { ...others, declared: JSON.parse(declared) };
}

function read(text: KeptText | undefined) {
  return text === undefined || memoryOf(text) === 0 ? undefined : readText(text);
}

/** Characters shown of a text. */
const SHOWN = 400;

/** Entries as readable text, for the output of a failed test. */
export function render(entries: readonly JournalEntry[]): string {
  return entries.map(renderOne).join('\n');
}

function renderOne(entry: JournalEntry): string {
  const { n, at, method, path, operation, status, code, lost, faults, replayed, streamed, hint, request, answer } =
    entry;
  const state = status === 0 ? (lost ? 'dropped before anything was done' : 'not answered yet') : status;
  const flags = [code, replayed && 'replayed', lost && status !== 0 && 'the answer was lost'];
  if (faults) flags.push(`by the fault ${faults.join(', ')}`);
  const outcome = [state, ...flags].filter(Boolean).join(' ');
  const lines = [`#${n}  ${timeOf(at)}  ${method} ${path}  ${operation ?? ''}  ${outcome}`];
  const ended = { whole: 'complete', left: 'the reader left', failed: 'failed' };
  if (request !== undefined) lines.push(`    > ${shorten(request)}`);
  if (answer !== undefined) lines.push(`    < ${shorten(answer)}`);
  if (streamed) {
    const end = streamed.ended === undefined ? 'still running' : ended[streamed.ended];
    lines.push(`    < ${streamed.events} events, ${streamed.finish_reason ?? 'no finish reason'}, ${end}`);
  }
  if (hint !== undefined) lines.push(`    hint: ${hint}`);
  return lines.join('\n');
}

function timeOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(11, 23);
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN)} …`;
}
