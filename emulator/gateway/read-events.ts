import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import { upstreamFailed } from './upstream.ts';

/** One event of a stream. */
export interface StreamEvent {
  /** As it came, with the empty line that ends it. */
  readonly raw: string;
  /** Its data; undefined for a comment, such as a sign of life. */
  readonly data: string | undefined;
}

interface AnswerBounds {
  /** Bytes of a whole answer. */
  readonly answerBytes: number;
  /** UTF-16 units of one event. */
  readonly eventUnits: number;
}

/** A thousand times the largest answer seen, and still a fraction of what a process may hold. */
const ANSWER_BOUNDS: AnswerBounds = { answerBytes: 64 * 2 ** 20, eventUnits: 4 * 2 ** 20 };
/** Lines of one event: a chunk of a chat has one. */
const EVENT_LINES = 1_024;

/** The line that ends an event, however lines end. */
const EMPTY_LINE = /\r\n\r\n|\n\n|\r\r/g;
/** Of it, what may end one part while the rest begins the next. */
const LINE_END_UNITS = 3;

/**
 * The events of a stream as they arrive (WHATWG HTML, server-sent events), those of one part together.
 * @throws ApiError `upstream_failed` where it is not UTF-8 or beyond its bounds
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  bounds: AnswerBounds = ANSWER_BOUNDS,
): AsyncGenerator<StreamEvent[], void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** The event that has begun. */
  const begun = new JoinedText();
  let tail = '';
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > bounds.answerBytes) throw tooLong(bounds);
    const piece = decodePart(decoder, part);
    begun.push(piece);
    const end = tail + piece;
    tail = end.slice(-LINE_END_UNITS);
    if (end.search(EMPTY_LINE) !== -1) {
      const batches = split(begun.pop());
      let step = batches.next();
      for (; !step.done; step = batches.next()) {
        yield step.value;
        if (sliceIsOver()) await yieldToEventLoop();
      }
      begun.push(step.value);
    }
    if (begun.units > bounds.eventUnits) {
      throw upstreamFailed(`an event of its stream is longer than ${bounds.eventUnits} characters`);
    }
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
  }
  const last = begun.pop() + decodePart(decoder);
  // The last event may end with the stream instead of an empty line.
  if (last.trim() !== '') yield [toEvent(last)];
}

/** As many are handed on together: a part of the network may hold tens of thousands. */
const EVENTS_AT_ONCE = 256;

/** The events that are whole. @returns what is left */
function* split(text: string): Generator<StreamEvent[], string> {
  let events: StreamEvent[] = [];
  let from = 0;
  for (const { index, 0: end } of text.matchAll(EMPTY_LINE)) {
    const to = index + end.length;
    events.push(toEvent(text.slice(from, to)));
    from = to;
    if (events.length < EVENTS_AT_ONCE) continue;
    yield events;
    events = [];
  }
  if (events.length > 0) yield events;
  return text.slice(from);
}

function toEvent(raw: string): StreamEvent {
  // Signs of life may come in tens of thousands.
  if (!raw.includes('data')) return { raw, data: undefined };
  const all = raw.split(/\r\n|\n|\r/, EVENT_LINES + 1);
  if (all.length > EVENT_LINES) throw upstreamFailed(`an event of its stream has more than ${EVENT_LINES} lines`);
  const lines = all.flatMap((line) => /^data:? ?(.*)$/s.exec(line)?.[1] ?? []);
  return { raw, data: lines.length === 0 ? undefined : lines.join('\n') };
}

/** A whole answer. @throws as `readEvents` does */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  bounds: Pick<AnswerBounds, 'answerBytes'>,
): Promise<Buffer> {
  const whole = new JoinedBytes();
  for await (const part of body) {
    if (whole.length + part.length > bounds.answerBytes) throw tooLong(bounds);
    whole.push(part);
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
  }
  return whole.bytes;
}

/** Bytes that come in parts, copied together: parts of one byte each would take a hundred times their size. */
export class JoinedBytes {
  #buffer = Buffer.alloc(0);
  length = 0;

  push(part: Uint8Array): void {
    const length = this.length + part.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    this.#buffer.set(part, this.length);
    this.length = length;
  }

  /** Those that are there. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }
}

/** Pieces that are joined at once, so that a text of pieces of one character does not take a hundred times its size. */
const JOINED_PIECES = 1_024;

/** A text that comes in pieces. */
class JoinedText {
  units = 0;
  #joined: string[] = [];
  #pieces: string[] = [];

  push(piece: string): void {
    this.units += piece.length;
    if (this.#pieces.push(piece) < JOINED_PIECES) return;
    this.#joined.push(this.#pieces.join(''));
    this.#pieces = [];
  }

  /** All of it, which is then gone. */
  pop(): string {
    const text = this.#joined.concat(this.#pieces).join('');
    this.#joined = [];
    this.#pieces = [];
    this.units = 0;
    return text;
  }
}

function decodePart(decoder: Pick<InstanceType<typeof TextDecoder>, 'decode'>, part?: Uint8Array): string {
  try {
    return part ? decoder.decode(part, { stream: true }) : decoder.decode();
  } catch {
    throw upstreamFailed('its answer is not valid UTF-8');
  }
}

function tooLong({ answerBytes }: Pick<AnswerBounds, 'answerBytes'>) {
  return upstreamFailed(`its answer is longer than ${answerBytes} bytes`);
}
