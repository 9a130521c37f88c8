import type { CompletionUsage } from '../../contract/chat.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operation-routes.ts';
import { accountOf } from '../account.ts';
import {
  type Exchange,
  type Facts,
  type KeptText,
  memoryOf,
  type ReadText,
  readText,
  type Streamed,
} from './exchange.ts';

/** Which requests are asked for. All that is given must hold. */
export interface JournalFilter {
  session?: string | undefined;
  /** `400`, `4xx`, or `open` for those that are not answered yet. */
  status?: string | number | undefined;
  /** Its id, such as `appendMessages`. */
  operation?: OperationId | undefined;
  /** An API key, or an account as the journal names it. */
  key?: string | undefined;
  /** Only those behind this number. */
  since?: number | undefined;
  /** So many at most: the newest. */
  limit?: number | undefined;
}

const SHORT = 12;

/** What stands for an account where it is shown: the beginning of its key's hash. */
export function shortAccount(account: string): string {
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
/** Whoever knows a share's id may read it. */
const SHARE_ID = /shr_(?!\[)[\w-]+/g;
/** Keys of services, whoever's they are. */
const SECRET = /\b(?:sk|ak)-[\w-]{6,}/g;
/** What may be the beginning of either, where a text is cut in the middle of it. */
const BEGUN = /(?:shr_?|sh|[sa]k?-?)[\w-]*$|Bearer *\S*$/;
/** A shorter key is a word, such as `test`, and hides nothing. */
const LEAST_KEY_LENGTH = 8;

/** Takes API keys and share ids out of what is shown. */
export class Redactor {
  readonly #keys: string[];

  /** @param keys those that requests came with */
  constructor(keys: Iterable<string>) {
    const secret = [...new Set(keys)].filter((key) => key.length >= LEAST_KEY_LENGTH || /^sk-./.test(key));
    const written = secret.flatMap((key) => [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]);
    this.#keys = [...new Set(written)].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    const without = this.#keys.reduce((rest, key) => rest.replaceAll(key, HIDDEN), text);
    return without.replaceAll(SECRET, HIDDEN).replaceAll(SHARE_ID, `shr_${HIDDEN}`);
  }

  /** A text as it is shown. A secret that the cut went through is left out with the rest. */
  kept({ head, tail, leftOut, unit }: ReadText): string {
    if (leftOut === 0) return this.text(head);
    const first = this.text(head);
    const last = this.text(tail);
    const border = this.#keys.reduce((most, key) => Math.max(most, overlap(first, key)), 0);
    const begun = BEGUN.exec(first)?.[0].length ?? 0;
    const ended = this.#keys.reduce((most, key) => Math.max(most, overlap(key, last)), 0);
    const rest = Math.max(ended, /^[\w-]*/.exec(last)?.[0].length ?? 0);
    const shownHead = first.slice(0, first.length - Math.max(border, begun));
    return `${shownHead} [${leftOut} ${unit} left out] ${last.slice(rest)}`;
  }

  /** A value of JSON with all its texts redacted. */
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

/** Length of the longest beginning of `next` that `before` ends with. */
function overlap(before: string, next: string): number {
  for (let length = Math.min(before.length, next.length); length > 0; length -= 1) {
    if (before.endsWith(next.slice(0, length))) return length;
  }
  return 0;
}

/** A request and its answer as they are shown. What is not there does not apply. */
export interface JournalEntry {
  n: number;
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  at: number;
  /** The beginning of the key's hash. */
  account?: string;
  /** Its id in the contract. */
  operation?: string;
  method: string;
  path: string;
  session?: string;
  idempotency_key?: string;
  /** The stored answer of an earlier request with this key. */
  replayed?: true;
  /** 0 while the request is under way. */
  status: number;
  /** A fault dropped the connection: before anything was done where the status is 0, else in place of the answer. */
  lost?: true;
  /** Effects of the faults that acted on it. */
  faults?: readonly string[];
  code?: ErrorCode;
  /** Seconds to wait before the same request, as the answer's Retry-After said. */
  retry_after?: number;
  hint?: string;
  /** Members that the API does not know. */
  ignored?: string;
  request?: string;
  request_bytes?: number;
  answer?: string;
  usage?: CompletionUsage;
  streamed?: Streamed & { finish_reason?: string };
  facts: Facts;
}

/** An exchange in words, without keys and share ids. */
export function describe(exchange: Exchange, redactor: Redactor): JournalEntry {
  const { n, at, account, asked, addressed, session, code, headers = {}, status, facts, streamed } = exchange;
  const request = read(exchange.request);
  const answer = read(exchange.answer);
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
    ...(request && { request: redactor.kept(request), request_bytes: exchange.requestBytes }),
    ...(answer && { answer: redactor.kept(answer) }),
    ...(facts.turn && { usage: facts.turn.usage }),
    ...(streamed && { streamed: { ...streamed, ...(finish !== undefined && { finish_reason: finish }) } }),
    facts,
  });
}

function read(text: KeptText | undefined) {
  return text === undefined || memoryOf(text) === 0 ? undefined : readText(text);
}

/** Characters of a text that are shown; a failing test is read by a person. */
const SHOWN = 400;

/** Entries as text to be read, for a test that has failed. */
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
  const ended = { whole: 'sent whole', left: 'the reader left', failed: 'failed' };
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
