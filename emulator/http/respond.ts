import { pipeline, Readable } from 'node:stream';
import { setImmediate as nextTick } from 'node:timers/promises';
import { ERRORS, type ErrorBody, type ErrorRow } from '../../contract/errors.ts';
import type { List } from '../../contract/lists.ts';
import { ApiError, ClientGone } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import { sliceIsOver, yieldIfOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import { lazy } from '../lazy.ts';
import type { Services } from '../services.ts';
import type { Store } from '../store/store.ts';
import type { RequestContext } from './context.ts';
import { Batches, type Encoding, readable, type Source, toEvent, writeTo } from './streams.ts';

/** Stands for an answer that was written onto the connection. One made by `Response` would load all of `fetch`, 7 MiB. */
export const SENT = {} as Response;

const FIRST_REFUSAL = 400;
/** The header of hints. */
const HINT = 'Kimi-Emulator-Hint';

/** A header of the answer, whatever it will be. */
export function setHeader(c: RequestContext, name: string, value: string): void {
  c.get('headers')[name] = value;
}

/** Answers with a text, bytes or nothing: onto the connection where there is one, in one write, else as a `Response`. */
export function send(c: RequestContext, status: number, text: string | Buffer | null): Response {
  const headers = timedHeaders(c);
  const outgoing = c.env.outgoing;
  const isLost = status < FIRST_REFUSAL && c.get('faults')?.losesAnswer();
  if (outgoing && !isLost) {
    if (text !== null) headers['Content-Length'] = String(Buffer.byteLength(text));
    outgoing.writeHead(status, headers).end(text);
  }
  // Written first: nobody waits for the journal.
  journalAnswer(c, status, text);
  if (isLost) return drop(c);
  endExchange(c);
  return outgoing ? SENT : new Response(text, { status, headers });
}

/** Tells whoever follows the journal that nothing more will come of the request. @param inParts whether its answer came so */
export function endExchange(c: RequestContext, inParts = c.get('exchange')?.streamed !== undefined): void {
  const exchange = c.get('exchange');
  if (!exchange || exchange.isOver) return;
  const { headMs } = exchange;
  exchange.ms = headMs === undefined || inParts ? performance.now() - c.get('startedAt') : headMs;
  c.get('services').journal.end(exchange);
}

/** The same with JSON. */
function sendJson(c: RequestContext, status: number, json: string | Buffer): Response {
  setHeader(c, 'Content-Type', 'application/json; charset=utf-8');
  return send(c, status, json);
}

/** The same with JSON in parts of whole characters, sent only as fast as they are read. */
export function sendJsonParts(
  c: RequestContext,
  parts: Iterable<Uint8Array>,
  length: number,
): Response | Promise<Response> {
  setJsonHeaders(c, length);
  return sendStream(c, inParts(parts), { ...AS_TEXT, abort: new AbortController() });
}

/** The same of an answer that is written out as it leaves. It is not a stream: their faults wait, and the journal has its text. */
export function respondInParts(
  c: RequestContext,
  answer: WrittenAnswer,
  writeOut: () => { parts: Iterable<Uint8Array>; length: number },
): Response {
  setAnswerHeaders(c, answer);
  if (c.get('faults')?.losesAnswer()) {
    journalAnswer(c, answer.status, answer.body);
    return drop(c);
  }
  const { parts, length } = writeOut();
  setJsonHeaders(c, length);
  const source = inParts(parts);
  const sent = sendBatches(c, answer, new Batches(source, AS_TEXT), () => void source.return());
  endExchange(c);
  return sent;
}

function setJsonHeaders(c: RequestContext, length: number): void {
  setHeader(c, 'Content-Type', 'application/json; charset=utf-8');
  setHeader(c, 'Content-Length', String(length));
}

const AS_TEXT: Encoding<Uint8Array> = {
  encode: (part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString(),
  encodeError: () => '',
  ending: '',
};

function inParts(parts: Iterable<Uint8Array>) {
  const left = parts[Symbol.iterator]();
  return {
    async next(): Promise<IteratorResult<Uint8Array[], undefined>> {
      if (sliceIsOver()) await yieldToEventLoop();
      const step = left.next();
      return step.done ? { done: true, value: undefined } : { done: false, value: [step.value] };
    },
    return: () => left.return?.(),
  };
}

/**
 * Calls `listener` once the client has gone, at once where it has already.
 * @returns a function that removes the listener
 */
export function onClientGone(c: RequestContext, listener: () => void): () => void {
  const { outgoing } = c.env;
  if (outgoing) {
    const onClose = (): void => {
      if (!outgoing.writableFinished) listener();
    };
    if (outgoing.destroyed) onClose();
    else outgoing.once('close', onClose);
    return () => outgoing.off('close', onClose);
  }
  const { signal } = c.req.raw;
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** The same with the bytes of a file. */
export function sendBytes(
  c: RequestContext,
  { type, length }: { type: string; length: number },
  parts: Iterable<Uint8Array>,
): Response {
  setHeader(c, 'Content-Type', type);
  setHeader(c, 'Content-Length', String(length));
  const headers = timedHeaders(c);
  journalAnswer(c, 200, null);
  const source = Readable.from(parts, { objectMode: false });
  if (c.get('faults')?.losesAnswer()) {
    source.destroy();
    return drop(c);
  }
  const outgoing = c.env.outgoing;
  source.once('close', () => endExchange(c));
  if (!outgoing) return new Response(Readable.toWeb(source) as ReadableStream<Uint8Array>, { headers });
  outgoing.writeHead(200, headers).setTimeout(c.get('services').limits.stall_seconds * 1_000, () => outgoing.destroy());
  // A reader that has gone wants no more.
  pipeline(source, outgoing, () => undefined);
  return SENT;
}

/** Leaves without an answer, as a connection does that breaks. In process, `emulator.fetch` makes it a failed request. */
export function drop(c: RequestContext): Response {
  c.get('exchange')?.lose();
  endExchange(c);
  const { outgoing } = c.env;
  if (!outgoing) return Response.error();
  outgoing.socket?.resetAndDestroy();
  return SENT;
}

/** The same for a stream that was made and that nobody gets. */
function lose(c: RequestContext): Response {
  journalAnswer(c, 200, null);
  return drop(c);
}

interface Streaming<Item> extends Encoding<Item> {
  /** Aborted where the reader has gone or has stalled: ends what the source waits for. */
  abort: Pick<AbortController, 'abort'>;
}

/** Answers with items as they come, made only as fast as they are read. A source that nobody reads any more is ended. */
export function sendStream<Item>(
  c: RequestContext,
  source: Source<Item>,
  { abort, ...streaming }: Streaming<Item>,
): Response | Promise<Response> {
  const faults = c.get('faults');
  if (faults?.losesAnswer()) return faults.discard(() => source.next()).then(() => lose(c));
  const items = faults
    ? {
        next: faults.faulty(
          () => source.next(),
          (item) => streaming.encode(item),
        ),
      }
    : source;
  const { encoding, onGone } = watched(c, streaming, (reason) => {
    // The signal first: a generator's `return` waits for the step that it is in.
    abort.abort(reason);
    void Promise.resolve(source.return?.()).catch(() => undefined);
  });
  return sendBatches(c, { status: 200, body: null }, new Batches(items, encoding), onGone);
}

/** @param body as it is journaled; null where it is a stream */
function sendBatches<Item>(
  c: RequestContext,
  { status, body }: { status: number; body: string | null },
  batches: Batches<Item>,
  onGone: (reason: Error) => void,
): Response {
  const options = { stallMs: c.get('services').limits.stall_seconds * 1_000, onGone };
  const headers = timedHeaders(c);
  journalAnswer(c, status, body);
  const outgoing = c.env.outgoing;
  if (!outgoing) return new Response(readable(batches, options), { status, headers });
  outgoing.writeHead(status, headers);
  void writeTo(outgoing, batches, options);
  return SENT;
}

/** Answers with the events of an event stream. */
export function sendEvents(
  c: RequestContext,
  source: Source<object>,
  abort: Pick<AbortController, 'abort'> = new AbortController(),
): Response | Promise<Response> {
  setHeader(c, 'Content-Type', 'text/event-stream');
  setHeader(c, 'Cache-Control', 'no-cache');
  return sendStream(c, source, {
    encode: toEvent,
    encodeError: (error) => toEvent(renderError(c, error)),
    ending: 'data: [DONE]\n\n',
    abort,
  });
}

/** The headers, with the time that the server took, as the live API sends it. */
function timedHeaders(c: RequestContext): Record<string, string> {
  const ms = performance.now() - c.get('startedAt');
  setHeader(c, 'Server-Timing', `inner; dur=${ms.toFixed(3)}`);
  const exchange = c.get('exchange');
  if (exchange) exchange.headMs = ms;
  return c.get('headers');
}

/** What a request is answered with. */
interface Answer {
  body: object;
  /** The body as it is written, where another server wrote it. */
  text?: string;
  status?: 200 | 201;
  /** The session's version, sent as `ETag`. */
  version?: number;
}

/** An answer as it is sent and stored. */
export interface WrittenAnswer {
  status: number;
  etag: string | null;
  body: string;
  /** True where it is the stored answer of an earlier request. */
  replayed?: boolean;
}

/** An answer on the wire. */
export function respond(c: RequestContext, answer: Answer): Response {
  return respondWritten(c, written(answer));
}

export function respondWritten(c: RequestContext, answer: WrittenAnswer): Response {
  setAnswerHeaders(c, answer);
  return sendJson(c, answer.status, answer.body);
}

function setAnswerHeaders(c: RequestContext, { etag, replayed }: WrittenAnswer): void {
  if (replayed) setHeader(c, 'Idempotent-Replayed', 'true');
  if (etag !== null) setHeader(c, 'ETag', etag);
}

export function written({ body, text, status = 200, version }: Answer): WrittenAnswer {
  return { status, etag: version === undefined ? null : `"${version}"`, body: text ?? JSON.stringify(body) };
}

/** UTF-16 units that are encoded at once. */
const PART_UNITS = 2 ** 16;

/** An answer whose lists are written item by item, in slices: a hundred sessions with many tools each are megabytes. */
export async function respondInSlices(c: RequestContext, body: object): Promise<Response> {
  const parts: Buffer[] = [];
  let text = '';
  for (const item of writtenItems(body)) {
    await yieldIfOver();
    text += item;
    if (text.length < PART_UNITS) continue;
    parts.push(Buffer.from(text));
    text = '';
  }
  return sendJson(c, 200, parts.length === 0 ? text : Buffer.concat([...parts, Buffer.from(text)]));
}

function* writtenItems(body: object): Generator<string> {
  let comma = '{';
  for (const [name, value] of Object.entries(body)) {
    yield `${comma}${JSON.stringify(name)}:`;
    if (Array.isArray(value)) {
      yield '[';
      for (const [place, item] of value.entries()) yield `${place === 0 ? '' : ','}${JSON.stringify(item)}`;
      yield ']';
    } else yield JSON.stringify(value);
    comma = ',';
  }
  yield comma === '{' ? '{}' : '}';
}

/** A page of at most `limit` items, made of rows of which one more than that was read. */
export function toList<Row, Item extends { id: string }>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): List<Item> {
  const data = rows.slice(0, limit).map(toItem);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: rows.length > limit,
  };
}

/** The emulator's own routes would fill the journal with the reading of it. */
const OWN = /^\/(?:_emulator|openapi\.json$)/;

/** Takes the request up in the journal. */
export function openExchange(c: RequestContext, { journal, clock }: Services): void {
  const { path, method } = c.req;
  if (OWN.test(path) || (path === '/' && method === 'GET')) return;
  const query = method === 'GET' ? c.req.search : '';
  const asked = { method, path, query, idempotencyKey: c.req.header('idempotency-key') };
  c.set('exchange', journal.open(asked, clock.now()));
}

/** Journals an answer as it leaves. @param text of the answer; null where it has none, or is a stream */
function journalAnswer(c: RequestContext, status: number, text: string | Buffer | null): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  const { bytes } = exchange;
  exchange.status = status;
  exchange.headers = c.get('headers');
  exchange.keepRequest(c.get('body'));
  if (text !== null) exchange.keepAnswer(text);
  c.get('services').journal.grown(exchange, bytes);
}

/** Journals what a committed change did; of a streamed append, all its lines together. */
export function noteEffects(c: RequestContext, facts: JournalEffects, isLine = false): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  if (isLine && facts.wrote)
    exchange.noted = { ...exchange.noted, wrote: withLine(exchange.noted?.wrote, facts.wrote) };
  else exchange.noted = exchange.noted ? { ...exchange.noted, ...facts } : facts;
}

function withLine(
  before: JournalEffects['wrote'],
  line: NonNullable<JournalEffects['wrote']>,
): NonNullable<JournalEffects['wrote']> {
  const opened = [...(before?.opened ?? []), ...(line.opened ?? [])];
  const answered = [...(before?.answered ?? []), ...(line.answered ?? [])];
  return {
    ...line,
    messages: (before?.messages ?? 0) + line.messages,
    tokens: (before?.tokens ?? 0) + line.tokens,
    lines: (before?.lines ?? 0) + 1,
    ...(opened.length > 0 && { opened }),
    ...(answered.length > 0 && { answered }),
  };
}

/** Counts what is sent of a stream, and sees how it ends. */
function watched<Item>(
  c: RequestContext,
  encoding: Encoding<Item>,
  onGone: (reason: Error) => void,
): { encoding: Encoding<Item>; onGone: (reason: Error) => void } {
  const exchange = c.get('exchange');
  if (!exchange) return { encoding, onGone };
  const streamed: NonNullable<typeof exchange.streamed> = { events: 0 };
  exchange.streamed = streamed;
  const end = (how: NonNullable<typeof streamed.ended>): void => {
    if (streamed.ended !== undefined) return;
    streamed.ended = how;
    endExchange(c);
  };
  return {
    encoding: {
      /** Asked for once, behind the last event. */
      get ending() {
        end('whole');
        return encoding.ending;
      },
      encode(item) {
        streamed.events += 1;
        return encoding.encode(item);
      },
      encodeError(error) {
        const text = encoding.encodeError(error);
        end(error instanceof ClientGone ? 'left' : 'failed');
        return text;
      },
    },
    onGone(reason) {
      end('left');
      onGone(reason);
    },
  };
}

/** Journals the text that a stream has sent. */
export function journalStreamedText(c: RequestContext, text: string): void {
  const exchange = c.get('exchange');
  if (!exchange) return;
  const { bytes } = exchange;
  exchange.keepAnswer(text);
  c.get('services').journal.grown(exchange, bytes);
}

/** Sent where nobody knows how long the error will last: what the live API names in its texts. */
const WAIT_SECONDS = 1;
/** Statuses whose refusals an earlier request may have led to. */
const HINTED: ReadonlySet<number> = new Set([400, 404, 409]);
/** Loaded with the first refusal that has one. */
const hints = lazy(() => import('../hints/hint.ts'));
const requestHints = lazy(() => import('../hints/requests.ts'));

/** Any error as the one envelope. What is not an `ApiError` is a defect: it is logged, and nothing of it is shown. */
export function renderError(c: RequestContext, error: unknown): ErrorBody {
  const refusal = toApiError(c, error);
  c.get('exchange')?.refusedWith(refusal.code);
  return refusal.toBody(c.get('addressed'));
}

/** The error as a response, with the headers that tell a client whether to try again. */
export async function errorResponse(c: RequestContext, error: unknown): Promise<Response> {
  const refusal = toApiError(c, error);
  const { status, retry, html }: ErrorRow = ERRORS[refusal.code];
  setHeader(c, 'x-should-retry', String(retry));
  if (retry && (status === 409 || status === 429)) {
    const wait = String(refusal.retryAfter ?? WAIT_SECONDS);
    setHeader(c, 'Retry-After', wait);
    if (status === 429) setHeader(c, 'X-Retry-After', wait);
  }
  // Who asks again at once, in this process, must not keep the work that it waits for from going on.
  if (retry) await nextTick();
  if (HINTED.has(status)) await addHint(c, refusal);
  const body = renderError(c, refusal);
  body.error.message += hintInBody(c);
  return html ? sendPage(c, status, refusal.message) : sendJson(c, status, JSON.stringify(body));
}

function sendPage(c: RequestContext, status: number, title: string): Response {
  setHeader(c, 'Content-Type', 'text/html');
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1>\r\n</body>\r\n</html>\r\n`;
  return send(c, status, page);
}

/** What is put behind the message of an error, for clients that show no headers. */
function hintInBody(c: RequestContext, before = '\nHint: '): string {
  const hint = c.get('services').hintsInBody ? c.get('headers')[HINT] : undefined;
  return hint === undefined ? '' : before + hint;
}

/** Says in a header what led to the refusal and what to do. */
async function addHint(c: RequestContext, refusal: ApiError): Promise<void> {
  const { journal, limits, clock } = c.get('services');
  const known = journal.of(c.get('account') ?? '');
  const { path, method } = c.req;
  const query = method === 'GET' ? c.req.query() : undefined;
  const request = { exchange: c.get('exchange'), body: c.get('body'), path, query };
  try {
    const { hintFor } = await hints();
    const hint = hintFor({ refusal, ...request, known, limits, now: unixSeconds(clock) });
    if (hint !== undefined) setHeader(c, HINT, hint);
  } catch (error) {
    console.error('kimi-emulator: a hint failed', error);
  }
}

function toApiError(c: RequestContext, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // Who was still waiting when the emulator was closed has had the connection dropped.
  const { store } = c.get('services');
  const nobodyWaits = error instanceof ClientGone || store.closed;
  if (!nobodyWaits) log(error, store);
  return new ApiError('unexpected_output', {});
}

/** A full disk is for the user to fix, and gets one line in the log; anything else is a defect. */
function log(error: unknown, store: Store): void {
  const fault = store.diskFault(error);
  if (fault === undefined) console.error('kimi-emulator: unexpected error', error);
  else console.error(`kimi-emulator: a request was refused: ${fault}`);
}

/** The live API's body for a route that it does not have, captured. */
export async function unknownRoute(c: RequestContext): Promise<Response> {
  const body = {
    code: 5,
    error: 'url.not_found',
    message: '没找到对象',
    method: c.req.method,
    scode: '0x5',
    status: false,
    ua: c.req.header('user-agent') ?? '',
    url: c.req.path,
  };
  const { unknownRouteHint } = await requestHints();
  setHeader(c, HINT, unknownRouteHint(c.req.method, c.req.path, c.get('services').isStateless));
  setHeader(c, 'x-should-retry', 'false');
  // All that the official SDK for JavaScript shows of such a body, as JSON.
  body.error += hintInBody(c, '; hint: ');
  return sendJson(c, 404, JSON.stringify(body));
}
