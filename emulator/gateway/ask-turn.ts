import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import type { ChatRequest } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import type { SessionState } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import { parseJson } from '../http/request-body.ts';
import { toEvent } from '../http/streams.ts';
import { type ReadAnswer, readCompletion, type StreamedAnswer } from './answer.ts';
import { readEvents, readWhole, type StreamEvent } from './read-events.ts';
import { headerOf, type UpstreamAnswer, upstreamFailed } from './upstream.ts';
import { members } from './usage.ts';

/** A refusal of the upstream, to be handed on as it is. */
export class UpstreamRefusal extends Error {
  readonly answer: UpstreamAnswer;
  readonly body: Buffer;

  constructor(answer: UpstreamAnswer, body: Buffer) {
    super(`the upstream answered ${answer.status}`);
    this.answer = answer;
    this.body = body;
  }
}

/** An error that the upstream sent in the middle of a stream, to be handed on as it is. */
export class UpstreamErrorEvent extends Error {
  readonly raw: string;

  constructor(raw: string) {
    super('the upstream sent an error');
    this.raw = raw;
  }
}

/** A refusal takes so much at most. */
const REFUSAL_BYTES = 1_048_576;

/** @throws UpstreamRefusal; ApiError `upstream_failed` where it answers something else than a chat */
export async function requireAnswer(answer: UpstreamAnswer, isStreamed: boolean): Promise<void> {
  const { status, headers } = answer;
  const type = headerOf(headers, 'content-type') ?? 'no Content-Type';
  if (status >= 400) {
    throw new UpstreamRefusal(answer, await readWhole(decoded(answer), { answerBytes: REFUSAL_BYTES }));
  }
  const location = headerOf(headers, 'location');
  if (status >= 300 || status < 200) {
    const where = location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : '';
    throw upstreamFailed(`it answered ${status}${where}, which is not followed`);
  }
  const wanted = isStreamed ? /^text\/event-stream\b/i : /^application\/(?:[\w.+-]+\+)?json\b/i;
  if (!wanted.test(type))
    throw upstreamFailed(`it answered ${type} instead of a ${isStreamed ? 'stream' : 'JSON body'}`);
}

/** The bytes of an answer, without its encoding. */
export function decoded({ headers, body }: UpstreamAnswer): AsyncIterable<Uint8Array> {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  if (!/^(?:x-)?gzip$|^deflate$|^br$/.test(encoding)) throw upstreamFailed(`it answered in the encoding ${encoding}`);
  const decoder = encoding === 'br' ? createBrotliDecompress() : createUnzip();
  return unfolded(body, decoder);
}

async function* unfolded(
  body: AsyncIterable<Uint8Array>,
  decoder: ReturnType<typeof createUnzip>,
): AsyncGenerator<Uint8Array, void> {
  let broken: unknown;
  pipeline(Readable.from(body), decoder, (error) => {
    broken = error;
  });
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw broken instanceof ApiError
      ? broken
      : error instanceof ApiError
        ? error
        : upstreamFailed('its encoding is damaged');
  } finally {
    decoder.destroy();
  }
}

/** A whole answer: its text and what it says. @throws ApiError `upstream_failed` */
export async function readChat(answer: UpstreamAnswer, limits: Limits): Promise<{ text: string; read: ReadAnswer }> {
  // What becomes part of a window is no longer than what a client may write there.
  const bytes = await readWhole(decoded(answer), { answerBytes: limits.body_bytes });
  // Each step of a long answer takes a slice of its own.
  if (sliceIsOver()) await yieldToEventLoop();
  const read = readCompletion(parsed(bytes, limits));
  if (!read) throw upstreamFailed('its answer is not a chat completion');
  if (sliceIsOver()) await yieldToEventLoop();
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(), read: requireDistinct(read) };
}

/** Two calls with one id could not be told apart by their results. */
function requireDistinct(read: ReadAnswer): ReadAnswer {
  const ids = read.calls.map(({ id }) => id);
  const twice = ids.find((id, place) => ids.indexOf(id) < place);
  if (twice !== undefined) throw upstreamFailed(`two of its tool calls have the id ${twice.slice(0, SHOWN_UNITS)}`);
  return read;
}

const SHOWN_UNITS = 64;

/** A streamed answer that has come to its end. */
interface EndedStream {
  read: ReadAnswer;
  /** The event that finishes it, and those behind it: not sent yet. */
  held: { raw: string; chunk: unknown }[];
}

/**
 * The events of a streamed answer as they came, up to the one that finishes it.
 * @param progress knows what has come so far, also where the stream breaks off
 * @throws UpstreamErrorEvent; ApiError `upstream_failed`, `upstream_timeout` where it breaks off before its end
 */
export async function* streamChat(
  answer: UpstreamAnswer,
  limits: Limits,
  progress: StreamedAnswer,
  clean: (chunk: Readonly<Record<string, unknown>>) => string | undefined,
): AsyncGenerator<string[], EndedStream> {
  const held: EndedStream['held'] = [];
  let isDone = false;
  let count = 0;
  for await (const events of readEvents(decoded(answer))) {
    const passed: string[] = [];
    for (const event of events) {
      if (isDone) break;
      count += 1;
      if (count > STREAM_EVENTS) throw upstreamFailed(`its stream has more than ${STREAM_EVENTS} events`);
      if (event.data === undefined) {
        passed.push(event.raw);
        continue;
      }
      if (event.data.trim() === '[DONE]') {
        isDone = true;
        continue;
      }
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      const chunk = chunkOf(event, limits);
      if (chunk.error != null) {
        if (passed.length > 0) yield passed;
        throw new UpstreamErrorEvent(event.raw);
      }
      progress.push(chunk);
      if (progress.units > limits.body_bytes) {
        throw upstreamFailed(`its answer is longer than ${limits.body_bytes} characters`);
      }
      const raw = clean(chunk) ?? event.raw;
      if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
      if (progress.isFinished) held.push({ raw, chunk });
      else if (raw !== '') passed.push(raw);
    }
    if (passed.length > 0) yield passed;
    if (isDone) break;
  }
  if (!progress.isFinished) throw upstreamFailed('its stream ended before the answer did');
  return { read: requireDistinct(progress.read), held };
}

/** An event for each token of the longest answer there is, and signs of life between them. */
const STREAM_EVENTS = 1_000_000;
/** A chunk with the twenty likeliest of each of 64 tokens has as many. */
const CHUNK_VALUES = 8_192;

function chunkOf({ data = '' }: StreamEvent, limits: Limits): Readonly<Record<string, unknown>> {
  const json_values = Math.min(limits.json_values, CHUNK_VALUES);
  const chunk = members(parsed(Buffer.from(data), { ...limits, json_values }));
  if (!Array.isArray(chunk.choices) && chunk.usage == null && chunk.error == null) {
    throw upstreamFailed('its stream holds something else than chunks of a chat');
  }
  return chunk;
}

function parsed(bytes: Uint8Array, limits: Limits): unknown {
  try {
    return parseJson(bytes, limits);
  } catch (error) {
    throw error instanceof ApiError
      ? upstreamFailed(`its answer is not JSON that can be used: ${error.message}`)
      : error;
  }
}

/** Takes out of a chunk what only was asked for here: `undefined` where nothing is, an empty text where all of it is. */
export function usageCleaner({
  stream_options,
}: ChatRequest): (chunk: Readonly<Record<string, unknown>>) => string | undefined {
  if (stream_options?.include_usage) return () => undefined;
  return (chunk) => {
    if (!('usage' in chunk) || !Array.isArray(chunk.choices)) return undefined;
    if (chunk.choices.length === 0) return '';
    const { usage: _, ...others } = chunk;
    return chunk.usage === null ? toEvent(others) : undefined;
  };
}

/** The last events, with the state of the session in the one that finishes. */
export function heldEvents({ held }: EndedStream, session: SessionState): string[] {
  return held.flatMap(({ raw, chunk }, place) => {
    if (raw === '') return [];
    return [place === 0 ? toEvent({ ...members(chunk), session }) : raw];
  });
}
