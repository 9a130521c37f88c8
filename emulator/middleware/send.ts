import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Batches, type Batching, type NextItems } from '../batches.ts';
import { pacedStream } from '../paced-stream.ts';
import { pour } from '../poured-stream.ts';
import type { RequestContext } from './context.ts';
import { journalAnswer, watched } from './journal.ts';

const FIRST_REFUSAL = 400;

/** A header of the answer, whatever it will be. */
export function setHeader(c: RequestContext, name: string, value: string): void {
  c.get('headers')[name] = value;
}

/** Answers with a text or with nothing: onto the connection where there is one, in one write, else as a `Response`. */
export function send(c: RequestContext, status: number, text: string | null): Response {
  const headers = stamped(c);
  journalAnswer(c, status, text);
  if (status < FIRST_REFUSAL && c.get('faults')?.losesAnswer()) return drop(c);
  const outgoing = c.env.outgoing;
  if (!outgoing) return new Response(text, { status, headers });
  if (text !== null) headers['Content-Length'] = String(Buffer.byteLength(text));
  outgoing.writeHead(status, headers).end(text);
  return RESPONSE_ALREADY_SENT;
}

/** The same with JSON. */
export function sendJson(c: RequestContext, status: number, json: string): Response {
  setHeader(c, 'Content-Type', 'application/json; charset=utf-8');
  return send(c, status, json);
}

/** The same with JSON in parts of whole characters, sent only as fast as they are read. */
export function sendJsonParts(c: RequestContext, parts: readonly Uint8Array[]): Response | Promise<Response> {
  setHeader(c, 'Content-Type', 'application/json; charset=utf-8');
  setHeader(c, 'Content-Length', String(parts.reduce((sum, { length }) => sum + length, 0)));
  const left = parts.values();
  const next = (): IteratorResult<Uint8Array[], undefined> => {
    const step = left.next();
    return step.done ? { done: true, value: undefined } : { done: false, value: [step.value] };
  };
  const encode = (part: Uint8Array) => Buffer.from(part.buffer, part.byteOffset, part.length).toString();
  return sendStream(c, next, { encode, encodeError: () => '', ending: '', onGone: () => undefined });
}

/** Leaves without an answer, as a connection does that breaks. In process, `emulator.fetch` makes it a failed request. */
export function drop(c: RequestContext): Response {
  c.get('exchange')?.lose();
  const { outgoing } = c.env;
  if (!outgoing) return Response.error();
  outgoing.socket?.resetAndDestroy();
  return RESPONSE_ALREADY_SENT;
}

/** The same for a stream that was made and that nobody gets. */
function lose(c: RequestContext): Response {
  journalAnswer(c, 200, null);
  return drop(c);
}

export interface Streaming<Item> extends Batching<Item> {
  /** Called once where the reader has gone or has stalled: ends what makes the items. */
  onGone(reason: Error): void;
}

/** Answers with items as they come, made only as fast as they are read. */
export function sendStream<Item>(
  c: RequestContext,
  next: NextItems<Item>,
  streaming: Streaming<Item>,
): Response | Promise<Response> {
  const faults = c.get('faults');
  if (faults?.losesAnswer()) return faults.swallow(next).then(() => lose(c));
  const items = faults ? faults.struck(next, (item) => streaming.encode(item)) : next;
  const stallMs = c.get('services').limits.stall_seconds * 1_000;
  const counted = watched(c, streaming);
  const batches = new Batches(items, counted);
  const options = { stallMs, onGone: (reason: Error) => counted.onGone(reason) };
  const headers = stamped(c);
  journalAnswer(c, 200, null);
  const outgoing = c.env.outgoing;
  if (!outgoing) return new Response(pacedStream(batches, options), { headers });
  outgoing.writeHead(200, headers);
  void pour(batches, outgoing, options);
  return RESPONSE_ALREADY_SENT;
}

/** With how long the server took, as the live API says it. */
function stamped(c: RequestContext): Record<string, string> {
  setHeader(c, 'Server-Timing', `inner; dur=${(performance.now() - c.get('startedAt')).toFixed(3)}`);
  return c.get('headers');
}
