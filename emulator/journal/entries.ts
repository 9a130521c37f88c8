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
  readText,
  type Sent,
  type Streamed,
} from './exchange.ts';
import type { Redactor } from './redact.ts';

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
