import type { IncomingMessage, ServerResponse } from 'node:http';
import { estimateRequest } from '../../contract/models.ts';
import { ApiError, brokenOff, ClientGone, invalid } from '../api-error.ts';
import { billingOf } from '../billing/billing.ts';
import type { RequestContext, Step } from '../http/context.ts';
import { DIALECT, missingKey, NOBODY, refuseHostedAgents } from '../http/middleware.ts';
import { requireUncompressed } from '../http/request-body.ts';
import { drop, endExchange, onClientGone, SENT, sendStream } from '../http/respond.ts';
import { drained, StreamCut } from '../http/streams.ts';
import { lazy } from '../lazy.ts';
import { countContent } from '../sessions/write.ts';
import { toUsage } from './answer.ts';
import { AnswerTap } from './answer-tap.ts';
import type { Gateway } from './gateway.ts';
import { namesSession } from './names-session.ts';
import { readEvents } from './read-events.ts';
import { hasBody, limited, parsed, readWholeBody, unfolded } from './sent-body.ts';
import type { Reservation } from './spend-caps.ts';
import {
  type ExchangeReader,
  endToEnd,
  type HttpExchange,
  HttpUpstream,
  headerOf,
  isUnsent,
  pairsOf,
  type UpstreamAnswer,
} from './upstream.ts';
import { members } from './usage.ts';

const CHAT = '/v1/chat/completions';
/** `/v1`, of which each character may be encoded. */
const ROOT = /^\/(?:v|%76)(?:1|%31)(?=\/|$)/i;
const ESTIMATE = '/v1/tokenizers/estimate-token-count';
/** What servers answer for a route that they do not have. */
const ABSENT: ReadonlySet<number> = new Set([404, 405, 501]);
/** Posts that cost nothing on the live API [Kimi API documentation, 2026-11]. */
const FREE = /^\/v1\/(?:tokenizers\/|files(?:\/|$))/;
/** Methods that cost nothing. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Larger bodies are not parsed for the journal alone. */
const PARSED_BYTES = 262_144;

/** Hands on what is not of the session dialect: the bytes of the request there, and those of the answer back. */
export function passThrough(gateway: Gateway): Step {
  return async (c, next) => {
    const { method, path } = c.req;
    const nextForDialect = async (): Promise<Response> => {
      if (c.get('account') === NOBODY) throw missingKey();
      refuseHostedAgents(c);
      return next(c);
    };
    if (DIALECT.test(path)) return nextForDialect();
    const isEstimate = method === 'POST' && path === ESTIMATE;
    if (!isEstimate && !(method === 'POST' && path === CHAT)) {
      return forward(c, gateway, { body: hasBody(c) ? limited(c) : [], read: () => UNREAD });
    }
    const bytes = await readWholeBody(c);
    const text = await unfolded(c, bytes);
    if (text && (await namesSession(text))) {
      // The dialect takes none that is compressed, and an upstream would answer as if there were no session.
      if (text !== bytes) requireUncompressed(c);
      return nextForDialect();
    }
    const isRead = text && (text.length <= PARSED_BYTES || !gateway.caps.none);
    const read = lazy(() => (isRead ? { value: parsed(text, c.get('services').limits) } : UNREAD));
    const forwarding = { body: [bytes], read };
    if (!isEstimate) return forward(c, gateway, forwarding);
    // Only Moonshot's servers have it, and a client of sessions plans its writes by it.
    return forward(c, gateway, { ...forwarding, orElse: nextForDialect });
  };
}

/** A body as JSON; undefined where it is not, or too large to be parsed for the journal. */
interface ReadBody {
  value: unknown;
}

const UNREAD: ReadBody = { value: undefined };

interface Forwarding {
  body: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** Parses the body when it is first asked for. */
  read: () => ReadBody;
  /** Answers in place of an upstream that does not have the route. */
  orElse?: () => Promise<Response>;
}

async function forward(c: RequestContext, gateway: Gateway, { body, read, orElse }: Forwarding): Promise<Response> {
  const { method, rawPath } = c.req;
  requireBelow(rawPath);
  const reservation = await reserve(c, gateway, read);
  const asking = {
    method,
    path: rawPath.replace(ROOT, '') + c.req.search,
    headers: gateway.headersFor(headersOf(c)),
    body,
  };
  const passing = { read, reservation };
  const { upstream } = gateway;
  const { outgoing } = c.env;
  try {
    if (outgoing && upstream instanceof HttpUpstream && !c.get('faults') && !orElse) {
      return await join(c, outgoing, passing, (reader) => upstream.send(asking, reader));
    }
    noteSent(c, passing);
    const abort = new AbortController();
    const forget = onClientGone(c, () => abort.abort(new ClientGone('the client has gone')));
    const answer = await upstream.ask({ ...asking, signal: abort.signal }).finally(forget);
    if (!orElse || !ABSENT.has(answer.status)) return await send(c, answer, passing, abort);
    abort.abort(new ClientGone('answered here'));
    return await orElse();
  } catch (error) {
    if (isUnsent(error)) reservation?.release();
    if (error instanceof ClientGone) return drop(c);
    throw error;
  }
}

/** The client's headers, names and values in turn. */
export function headersOf(c: RequestContext): readonly string[] {
  return c.env.incoming?.rawHeaders ?? [...c.req.raw.headers].flat();
}

/** Paths below the base URL only. @throws ApiError for one that a server might read as leading out of it */
function requireBelow(path: string): void {
  const segments = path.replaceAll(/%2e/gi, '.').split(/\/|\\|%2f|%5c/i);
  if (!segments.some((segment) => segment === '..' || segment === '.')) return;
  throw invalid('the path must not hold the segments . and .., also not encoded');
}

/** Sets aside what the call may cost. @throws ApiError `spend_limit_reached` */
async function reserve(c: RequestContext, { caps }: Gateway, read: () => ReadBody): Promise<Reservation | undefined> {
  const { method, path } = c.req;
  if (caps.none || READS.has(method) || FREE.test(path)) return undefined;
  if (path !== CHAT) throw new ApiError('spend_limit_reached', { route: `${method} ${path}` });
  const services = c.get('services');
  const { value } = read();
  const { model, max_completion_tokens, max_tokens, n } = members(value);
  const name = typeof model === 'string' ? model : '';
  const { profile, limits } = services.profiles.of(name || 'unknown');
  const prompt = await countPrompt(c, value);
  const asked = [max_completion_tokens, max_tokens].find((each) => typeof each === 'number');
  // A lower limit of this process is not the upstream's.
  const each = asked ?? Math.max(profile.defaultOutput.value, limits.max_tokens);
  const output = Math.ceil(Number(each) * (typeof n === 'number' ? n : 1));
  const most = billingOf(services).most(name, prompt, output);
  if (most === undefined) throw new ApiError('spend_limit_reached', { model: name });
  return caps.reserve({ account: c.get('account') }, most);
}

/** Upstreams count a little differently: the reservation has so much to spare. */
const DRIFT = 1.02;

/** Tokens that the prompt takes at most. */
async function countPrompt(c: RequestContext, value: unknown): Promise<number> {
  const services = c.get('services');
  const request = estimateRequest(services.limits).safeParse(value);
  if (request.success) {
    const { model, messages, tools } = request.data;
    try {
      const source = { account: c.get('account'), lifted: c.get('lifted') };
      const counted = await countContent(services, { model, media: source }, messages, tools);
      return Math.ceil((counted.write.tokens + (counted.tools?.tokens ?? 0)) * DRIFT) + MARKUP_TOKENS;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  // What cannot be read may still be answered: no token takes less than a byte.
  return c.get('body').length;
}

/** What a template adds to messages: the longest is 545 tokens [captured of K3, 2026-08]. */
const MARKUP_TOKENS = 600;

/** What is known of a request that is handed on. */
interface Passing {
  read: () => ReadBody;
  reservation: Reservation | undefined;
}

type AnswerHead = Omit<UpstreamAnswer, 'body'>;

/** The headers of an answer as they are sent on. The journal has its head from here on. */
function headersOn(c: RequestContext, { status, headers: sent }: AnswerHead): string[] {
  const headers = endToEnd(sent);
  for (const [name, value] of Object.entries(c.get('headers'))) {
    if (/^(?:access-control-|vary$)/i.test(name)) headers.push(name, value);
  }
  const exchange = c.get('exchange');
  if (exchange) {
    exchange.status = status;
    exchange.headers = Object.fromEntries(pairsOf(headers));
    exchange.headMs = performance.now() - c.get('startedAt');
  }
  return headers;
}

/** Hands on from connection to connection, as fast as both are. What breaks off there breaks off here. */
function join(
  c: RequestContext,
  outgoing: ServerResponse,
  passing: Passing,
  ask: (reader: ExchangeReader) => HttpExchange,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const head = (answer: AnswerHead, incoming: IncomingMessage): void => {
      const tap = new AnswerTap(headerOf(answer.headers, 'content-encoding'));
      let isOver = false;
      const finish = (isWhole: boolean): void => {
        if (isOver) return;
        isOver = true;
        exchange.rest();
        forget();
        tap.isWhole = isWhole;
        if (isWhole) outgoing.end();
        else outgoing.destroy();
        void settle(c, tap, answer, passing);
      };
      // Known before the event of it: so the end goes out with the last part, in one write.
      const finishIfRead = (): void => {
        if (incoming.complete && incoming.readableLength === 0) finish(true);
      };
      outgoing.writeHead(answer.status, answer.statusText, headersOn(c, answer));
      exchange.awaitPart();
      incoming.on('data', (part: Buffer) => {
        if (isOver) return;
        exchange.awaitPart();
        tap.push(part);
        process.nextTick(finishIfRead);
        if (outgoing.write(part)) return;
        incoming.pause();
        exchange.rest();
        void drained(outgoing, c.get('services').limits.stall_seconds * 1_000, () => outgoing.destroy()).then(() => {
          if (isOver) return;
          exchange.awaitPart();
          incoming.resume();
        });
      });
      incoming.on('end', () => finish(incoming.complete));
      incoming.on('error', () => finish(false));
      incoming.on('close', () => finish(false));
      resolve(SENT);
    };
    const failed = (error: Error): void => {
      forget();
      reject(error);
    };
    const exchange = ask({ head, failed });
    // Once it has left: no answer comes before.
    setImmediate(noteSent, c, passing);
    const forget = onClientGone(c, () => exchange.end(new ClientGone('the client has gone')));
  });
}

/** Sends an answer on where it has to be looked at, or there is no connection. */
function send(
  c: RequestContext,
  answer: UpstreamAnswer,
  passing: Passing,
  abort: AbortController,
): Response | Promise<Response> {
  const { status, statusText } = answer;
  const headers = headersOn(c, answer);
  const tap = new AnswerTap(headerOf(answer.headers, 'content-encoding'));
  const forget = onClientGone(c, () => abort.abort(new ClientGone('the client has gone')));
  const finish = (): void => {
    forget();
    void settle(c, tap, answer, passing);
  };
  const parts = tapped(answer.body, tap, finish);
  const faults = c.get('faults');
  if (faults?.losesAnswer()) {
    abort.abort(new ClientGone('the answer is lost by a fault'));
    finish();
    return drop(c);
  }
  if (faults && /^text\/event-stream/i.test(headerOf(answer.headers, 'content-type') ?? '')) {
    c.set('headers', Object.fromEntries(pairsOf(headers)));
    return sendStream(c, rawEvents(parts), { encode: (raw) => raw, encodeError: () => '', ending: '', abort });
  }
  const { outgoing } = c.env;
  if (!outgoing) {
    const bodyless = status === 204 || status === 304 || c.req.method === 'HEAD';
    // Also one without bytes keeps its connection until it has been read.
    if (bodyless) void parts.next().catch(() => undefined);
    const stream = bodyless ? null : toStream(parts, abort);
    return new Response(stream, { status, statusText, headers: pairsOf(headers) });
  }
  outgoing.writeHead(status, statusText, headers);
  void pipe(parts, outgoing, c.get('services').limits.stall_seconds * 1_000);
  return SENT;
}

async function* tapped(
  body: AsyncIterable<Uint8Array>,
  tap: AnswerTap,
  finish: () => void,
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const part of body) {
      tap.push(part);
      yield part;
    }
    tap.isWhole = true;
  } finally {
    finish();
  }
}

async function* rawEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void> {
  try {
    for await (const events of readEvents(body)) yield events.map(({ raw }) => raw);
  } catch {
    // What breaks off there breaks off here.
    throw new StreamCut();
  }
}

/** What breaks off there breaks off here. */
async function pipe(
  body: AsyncIterable<Uint8Array>,
  outgoing: NonNullable<RequestContext['env']['outgoing']>,
  stallMs: number,
): Promise<void> {
  try {
    for await (const part of body) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(part)) await drained(outgoing, stallMs, () => outgoing.destroy());
    }
    outgoing.end();
  } catch {
    outgoing.destroy();
  }
}

function toStream(body: AsyncGenerator<Uint8Array, void>, abort: AbortController): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const step = await body.next().catch(() => undefined);
      if (!step) controller.error(brokenOff());
      else if (step.done) controller.close();
      else controller.enqueue(step.value);
    },
    async cancel() {
      abort.abort(new ClientGone('the reader has gone'));
      await body.return();
    },
  });
}

/** Journals what was asked. */
function noteSent(c: RequestContext, { read }: Passing): void {
  const exchange = c.get('exchange');
  const { value } = read();
  if (exchange && value !== undefined) c.get('services').journal.noteSent(exchange, value);
}

/** Journals and bills an answer that has been sent. */
async function settle(c: RequestContext, tap: AnswerTap, { status }: AnswerHead, passing: Passing): Promise<void> {
  const { journal } = c.get('services');
  const exchange = c.get('exchange');
  if (exchange) {
    const { bytes } = exchange;
    exchange.keepRequest(c.get('body'));
    tap.journal(exchange);
    journal.grown(exchange, bytes);
  }
  if (c.req.path === CHAT) {
    if (status >= 400) passing.reservation?.release();
    else await bill(c, tap, passing);
  }
  endExchange(c, true);
}

async function bill(c: RequestContext, tap: AnswerTap, { read, reservation }: Passing): Promise<void> {
  const services = c.get('services');
  const usage = await tap.usage();
  const { model } = members(read().value);
  const name = typeof model === 'string' ? model : modelIn(c.get('body'));
  if (!usage || name === undefined || services.store.closed) return;
  const { promptTokens, cachedTokens, completionTokens: outputTokens } = usage;
  const billing = billingOf(services);
  const money = billing.record(c.get('account'), name, { promptTokens, cachedTokens, outputTokens });
  reservation?.settle(money);
  const exchange = c.get('exchange');
  if (!exchange || billing.most(name, 0, 0) === undefined) return;
  exchange.billed = { money, currency: billing.currency, usage: toUsage(usage) };
}

/** The model that a body names which was not parsed. */
function modelIn(bytes: Uint8Array): string | undefined {
  const ends = [bytes.subarray(0, 4_096), bytes.subarray(-4_096)].map((end) => Buffer.from(end).toString());
  return ends.map((text) => /"model"\s*:\s*"([^"\\]+)"/.exec(text)?.[1]).find((name) => name !== undefined);
}
