import type { CompletionUsage } from '../../contract/chat.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { Exchange, Streamed } from './exchange.ts';
import type { Facts } from './facts.ts';
import { shortAccount } from './filter.ts';
import { type KeptText, memoryOf, readText } from './kept-text.ts';
import type { Redactor } from './redact.ts';

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
