import { createHash } from 'node:crypto';
import type { CompletionUsage } from '../../contract/chat.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import { type Addressed, operationOf } from '../../contract/operation-routes.ts';
import type { Currency } from '../../contract/prices.ts';
import type { Money } from '../billing/ledger.ts';
import type { PromptStart } from '../billing/prefix-cache.ts';

/** Longer texts are kept by their two ends: what a request is about stands in its first lines, or in its last. */
const HEAD_BYTES = 6_144;
const TAIL_BYTES = 2_048;
export const KEPT_BYTES = HEAD_BYTES + TAIL_BYTES;
/** A UTF-16 unit. */
const UNIT_BYTES = 2;

/** The two ends of a text, copied, so that the text itself can go. */
interface CutText {
  head: Uint8Array;
  tail: Uint8Array;
  /** Bytes between them; of a text that was never bytes, UTF-16 units, as to count its bytes takes longer than to cut it. */
  leftOut: number;
  unit: 'bytes' | 'characters';
}

/** A text as it came, or its two ends. What it says is read when it is asked for. */
export type KeptText = string | Uint8Array | CutText;

function keepText(text: string | Uint8Array): KeptText {
  const { length } = text;
  if (length <= KEPT_BYTES) return text;
  const [head, tail] = [text.slice(0, HEAD_BYTES), text.slice(-TAIL_BYTES)];
  const unit = typeof text === 'string' ? 'characters' : 'bytes';
  return { head: Buffer.from(head), tail: Buffer.from(tail), leftOut: length - KEPT_BYTES, unit };
}

/** What it takes in memory, at most. */
export function memoryOf(text: KeptText): number {
  if (typeof text === 'string') return UNIT_BYTES * text.length;
  return text instanceof Uint8Array ? text.length : text.head.length + text.tail.length;
}

/** A text to be read: whole, or its ends and how much is missing between them. */
export interface ReadText {
  head: string;
  /** Empty where the head is the whole. */
  tail: string;
  leftOut: number;
  unit: CutText['unit'];
}

export function readText(text: KeptText): ReadText {
  if (typeof text === 'string') return { head: text, tail: '', leftOut: 0, unit: 'characters' };
  if (text instanceof Uint8Array) return { head: decode(text), tail: '', leftOut: 0, unit: 'bytes' };
  // A character that the cut went through is left out with the rest.
  const head = decode(text.head).replace(/\ufffd+$/, '');
  return { ...text, head, tail: decode(text.tail).replace(/^\ufffd+/, '') };
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/**
 * What a request did, told by the route that knows it. Tokens and messages are counts; `total` is what the window holds
 * afterwards, session tools included. Only those of a request that succeeded are true.
 */
export interface JournalEffects {
  created?: { session: string; from_snapshot?: string; from_share?: string };
  /** `lines` where it was streamed. `opened` and `answered` are ids of tool calls. */
  wrote?: {
    messages: number;
    tokens: number;
    total: number;
    lines?: number;
    opened?: string[];
    answered?: string[];
    /** Place of the last message in its history; a cut names the first place that it keeps. */
    place?: number;
  };
  turn?: Turn;
  /** What a gateway's upstream said of the turn, where that needs to be known. */
  upstream?: {
    /** Tokens of the prompt as they were counted here and there, where they differ by more than 2 %. */
    drift?: { counted: number; upstream: number };
    /** An earlier attempt under the same key was asked, and its answer was lost with the process. */
    lost_before?: true;
  };
  cut?: { messages: number; tokens: number; total: number; first_place: number };
  compressed?: { before: number; total: number; snapshot?: string };
  snapshot?: { id: string; preserve_len: number | null };
  rolled_back?: { snapshot: string; total: number; first_place: number };
  deleted?: { session?: string; snapshot?: string };
  shared?: { share: string; snapshot: string; expires_at: number | null };
  unshared?: { snapshot: string };
  /** All state was put back; not a request of anybody's. */
  reset?: true;
}

export interface Turn {
  model: string;
  usage: CompletionUsage;
  /** As asked for; null where the request did not say. */
  max_tokens: number | null;
  finish_reasons: string[];
  /** Tool calls that were delivered, and the fingerprint of each one's name and arguments. */
  calls?: string[];
  called?: string[];
  /** False where calls were delivered and, cut by their length, not stored. */
  stored?: false;
  /** An answer ended in its reasoning: cut by its length, without content and calls. */
  only_reasoned?: true;
  /** How its prompt began. */
  prompt?: PromptStart;
  /** In a session, what its window holds afterwards. */
  total?: number;
}

/** What one costs beside its texts, roughly: the object, its headers, its facts. */
const OWN_BYTES = 1_024;
const NONE: readonly string[] = [];

/** What was sent of a stream. */
export interface Streamed {
  events: number;
  /** How it ended; undefined while it runs. `left`: the reader had gone, or no longer read. */
  ended?: 'whole' | 'left' | 'failed';
}

/** What was charged for a request, with the usage where only the upstream of a gateway knows it. */
export interface Billed {
  money: Money;
  currency: Currency;
  usage?: CompletionUsage;
}

/** Who asks, and for what. */
export interface Asked {
  method: string;
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  idempotencyKey: string | undefined;
}

/**
 * One request and its answer as references to what the server had in hand anyway. Nothing is read out of them before it is
 * asked for: this is made for every request.
 */
export class Exchange {
  /** Counts all requests of this process. */
  readonly n: number;
  /** Milliseconds since the epoch, on the emulator's clock. */
  readonly at: number;
  readonly asked: Asked;
  account: string | undefined;
  /** Kept to be taken out of what is shown. */
  key: string | undefined;
  /** The session that the body names. */
  bodySession: string | undefined;
  /** 0 while the request is under way. */
  status = 0;
  /** A fault dropped the connection: before anything was done where there is no status, else in place of the answer. */
  lost = false;
  /** Effects of the faults that acted on it. */
  faults: readonly string[] = NONE;
  code: ErrorCode | undefined;
  request: KeptText | undefined;
  requestBytes = 0;
  sent: Sent | undefined;
  answer: KeptText | undefined;
  /** Of the answer. */
  headers: Readonly<Record<string, string>> | undefined;
  streamed: Streamed | undefined;
  /** Milliseconds to the head of its answer. */
  headMs: number | undefined;
  /** Milliseconds to its end. */
  ms: number | undefined;
  billed: Billed | undefined;
  /** Whether nothing more will come of it. */
  isOver = false;
  noted: JournalEffects | undefined;
  /** The last messages of a streamed append, until it is over. */
  lines: readonly unknown[] | undefined;
  /** At most what it takes in memory. */
  bytes = OWN_BYTES;
  #addressed: Addressed | undefined;
  #facts: JournalEffects | undefined;

  constructor(n: number, at: number, asked: Asked) {
    this.n = n;
    this.at = at;
    this.asked = asked;
  }

  by(account: string, key: string): void {
    this.account = account;
    this.key = key;
  }

  of(session: string): void {
    this.bodySession = session;
  }

  refusedWith(code: ErrorCode): void {
    this.code = code;
  }

  lose(): void {
    this.lost = true;
  }

  addFault(fault: string): void {
    this.faults = [...this.faults, fault];
  }

  get addressed(): Addressed {
    this.#addressed ??= operationOf(this.asked.method, this.asked.path);
    return this.#addressed;
  }

  get succeeded(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The session that it is about, as far as request and answer name one. */
  get session(): string | undefined {
    const { created, deleted } = this.facts;
    return this.addressed.ids.session ?? this.bodySession ?? created?.session ?? deleted?.session;
  }

  /** What it did. Nothing where it was refused, is under way, or was answered from memory. */
  get facts(): JournalEffects {
    if (this.noted?.reset) return this.noted;
    if (!this.succeeded || this.headers?.['Idempotent-Replayed'] !== undefined) return {};
    this.#facts ??= deriveEffects(this);
    return { ...this.#facts, ...this.noted };
  }

  /** The version of the session that the answer names. */
  get version(): number | undefined {
    const etag = this.headers?.ETag;
    return etag === undefined ? undefined : Number(etag.slice(1, -1));
  }

  keepRequest(bytes: Uint8Array): void {
    this.request = keepText(bytes);
    this.requestBytes = bytes.length;
    this.bytes += memoryOf(this.request);
  }

  keepAnswer(text: string | Uint8Array): void {
    this.answer = keepText(text);
    this.bytes += memoryOf(this.answer);
  }
}

type Derive = (exchange: Pick<Exchange, 'addressed' | 'asked'>, answer: string) => JournalEffects;

/** What a request did, where its path and the ends of its answer say it and no route has to. */
const DERIVATIONS: Partial<Record<string, Derive>> = {
  createSession: (_, answer) => created(answer),
  deleteSession: ({ addressed: { ids } }) => (ids.session === undefined ? {} : { deleted: { session: ids.session } }),
  deleteSnapshot: ({ addressed: { ids } }) =>
    ids.snapshot === undefined ? {} : { deleted: { snapshot: ids.snapshot } },
  createSnapshot: (_, answer) => taken(answer),
  shareSnapshot: ({ addressed: { ids } }, answer) => shared(ids.snapshot, answer),
  unshareSnapshot: ({ addressed: { ids } }) =>
    ids.snapshot === undefined ? {} : { unshared: { snapshot: ids.snapshot } },
};

function deriveEffects(exchange: Pick<Exchange, 'addressed' | 'asked' | 'answer'>): JournalEffects {
  const derive = DERIVATIONS[exchange.addressed.operation ?? ''];
  return derive ? derive(exchange, textOf(exchange.answer)) : {};
}

function created(answer: string): JournalEffects {
  const session = /^\{"id":"([^"]+)"/.exec(answer)?.[1];
  if (session === undefined) return {};
  const [, kind, origin] = /"forked_from":\{"(snapshot|share)_id":"([^"]+)"\}\}$/.exec(answer) ?? [];
  if (origin === undefined) return { created: { session } };
  return { created: { session, ...(kind === 'share' ? { from_share: origin } : { from_snapshot: origin }) } };
}

function taken(answer: string): JournalEffects {
  const id = /^\{"id":"([^"]+)"/.exec(answer)?.[1];
  const preserved = /"preserve_len":(\d+|null),"usage":/.exec(answer)?.[1];
  if (id === undefined) return {};
  return { snapshot: { id, preserve_len: preserved === undefined || preserved === 'null' ? null : Number(preserved) } };
}

function shared(snapshot: string | undefined, answer: string): JournalEffects {
  const [, share, expires] = /"share":\{"share_id":"([^"]+)","expires_at":(\d+|null)\}\}$/.exec(answer) ?? [];
  if (snapshot === undefined || share === undefined) return {};
  return { shared: { share, snapshot, expires_at: expires === 'null' ? null : Number(expires) } };
}

function textOf(answer: KeptText | undefined): string {
  if (answer === undefined) return '';
  const { head, tail } = readText(answer);
  return head + tail;
}

/** What a request's body says beside its texts, read when it comes: of a long body the journal stores only the two ends. */
export interface Sent {
  model?: string;
  /** Largest answer that it asks for. */
  max_tokens?: number;
  /** Tools and the form of the answer, as JSON text: the same text again for every request that declares the same. */
  declared?: string;
  /** Tool results behind which at most its user says something, with the calls that they answer where those stand before them. */
  results?: ToolResult[];
  /** Whether its messages hold more than calls and results. */
  said?: true;
  /** Calls at the end of its messages, by their ids, which a request after it answers. */
  made?: Record<string, string>;
  /** Calls right before those, with nothing said between them, as fingerprints: some clients write parallel calls one by one. */
  earlier?: string[];
  /** The longest row of the same calls with the same results among its messages. */
  repeated?: { name: string; times: number };
}

/** Fingerprints, so that what is long takes no room: equal texts have equal ones. */
interface ToolResult {
  id: string;
  result: string;
  call?: string;
}

/** Longer declarations are not stored. */
const MOST_DECLARED = 256 * 1_024;
/** Results of one request that are stored. */
export const MOST_RESULTS = 32;
const LEAST_REPEATED = 2;

interface Call {
  id: string;
  name: string;
  arguments: string;
}

export function sentIn(body: unknown): Sent {
  if (!isRecord(body)) return {};
  const messages = (Array.isArray(body.messages) ? body.messages : [body]).filter(isRecord);
  const declared = declaredBy(body, messages);
  const results = resultsAtEnd(messages);
  const made = callsOf(messages.at(-1)).map((call) => [call.id, callFingerprint(call)]);
  const said = messages.some((message) => typeof message.role === 'string' && !isOfRound(message));
  const earlier = results.length > 0 ? callsBeforeLast(messages) : [];
  const repeated = longestRepetition(messages);
  const most = body.max_completion_tokens ?? body.max_tokens;
  return {
    ...(typeof body.model === 'string' && { model: body.model }),
    ...(typeof most === 'number' && { max_tokens: most }),
    ...(declared !== undefined && { declared }),
    ...(results.length > 0 && { results }),
    ...(said && { said }),
    ...(made.length > 0 && { made: Object.fromEntries(made) }),
    ...(earlier.length > 0 && { earlier }),
    ...(repeated !== undefined && { repeated }),
  };
}

/** The name and arguments of a call, as a fingerprint: the same for arguments that were read and written again. */
export const callFingerprint = ({ name, arguments: text }: Omit<Call, 'id'>): string =>
  fingerprint(`${name} ${rewritten(text)}`);

function rewritten(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function declaredBy(body: Record<string, unknown>, messages: readonly Record<string, unknown>[]): string | undefined {
  const dynamic = messages.flatMap(({ role, tools }) => (role !== undefined && Array.isArray(tools) ? tools : []));
  const tools = [...(!('role' in body) && Array.isArray(body.tools) ? body.tools : []), ...dynamic];
  const { response_format: format } = body;
  if (tools.length === 0 && !isRecord(format)) return undefined;
  const text = JSON.stringify({
    ...(tools.length > 0 && { tools }),
    ...(isRecord(format) && { response_format: format }),
  });
  return text.length > MOST_DECLARED ? undefined : text;
}

function resultsAtEnd(messages: readonly Record<string, unknown>[]): ToolResult[] {
  const last = messages.findLastIndex(({ role }) => role !== 'user' && role !== 'system');
  const before = messages.findLastIndex(({ role }, place) => place <= last && role !== 'tool');
  const calls = new Map(callsOf(messages[before]).map((call) => [call.id, call]));
  return messages
    .slice(before + 1, Math.min(last, before + MOST_RESULTS) + 1)
    .flatMap(({ tool_call_id: id, content }) => {
      if (typeof id !== 'string') return [];
      const call = calls.get(id);
      return [{ id, result: fingerprint(contentOf(content)), ...(call && { call: callFingerprint(call) }) }];
    });
}

function callsBeforeLast(messages: readonly Record<string, unknown>[]): string[] {
  const calls: string[] = [];
  let place = messages.findLastIndex((message) => callsOf(message).length > 0) - 1;
  for (; place >= 0 && calls.length < MOST_RESULTS; place -= 1) {
    const message = messages[place];
    if (!message || !isOfRound(message)) break;
    calls.push(...callsOf(message).map(callFingerprint));
  }
  return calls;
}

/** Calls and results that stand one after another, with nothing said between them. */
function longestRepetition(messages: readonly Record<string, unknown>[]): Sent['repeated'] {
  let longest: Sent['repeated'];
  let last: readonly Part[] = [];
  let times = 0;
  for (let at = 0; at < messages.length; at += 1) {
    const calls = callsOf(messages[at]);
    if (calls.length === 0) {
      if (messages[at]?.role !== 'tool') last = [];
      continue;
    }
    const round: Part[] = calls.flatMap((call) => [{ text: call.name }, { text: call.arguments, isJson: true }]);
    while (messages[at + 1]?.role === 'tool') round.push({ text: contentOf(messages[++at]?.content) });
    times = round.length === last.length && round.every((part, place) => isSame(part, last[place])) ? times + 1 : 1;
    last = round;
    if (times >= LEAST_REPEATED && times > (longest?.times ?? 0)) longest = { name: calls[0]?.name ?? '', times };
  }
  return longest;
}

interface Part {
  text: string;
  isJson?: true;
}

/** Arguments may be written with other blanks each time. */
function isSame({ text, isJson }: Part, other: Part | undefined): boolean {
  return (
    text === other?.text || (isJson === true && other?.isJson === true && rewritten(text) === rewritten(other.text))
  );
}

function isOfRound(message: Record<string, unknown>): boolean {
  return message.role === 'tool' || callsOf(message).length > 0;
}

function callsOf(message: Record<string, unknown> | undefined): Call[] {
  const calls: unknown = message?.tool_calls;
  if (!Array.isArray(calls)) return [];
  return calls.filter(isRecord).flatMap(({ id, function: called }) => {
    const { name, arguments: text } = isRecord(called) ? called : {};
    return typeof name === 'string' ? [{ id: String(id), name, arguments: String(text ?? '') }] : [];
  });
}

function contentOf(content: unknown): string {
  return typeof content === 'string' ? content : (JSON.stringify(content) ?? '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
