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
const ANSWER_BOUNDS: AnswerBounds = { answerBytes: 64 * 2 ** 20, eventUnits: 8 * 2 ** 20 };

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
  /** Of the event that has begun: joined once it ends, as it may come in many pieces. */
  let pieces: string[] = [];
  let begun = 0;
  let tail = '';
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > bounds.answerBytes) throw tooLong(bounds);
    const piece = decodePart(decoder, part);
    pieces.push(piece);
    begun += piece.length;
    const end = tail + piece;
    tail = end.slice(-LINE_END_UNITS);
    if (end.search(EMPTY_LINE) !== -1) {
      const { events, rest } = split(pieces.join(''));
      pieces = [rest];
      begun = rest.length;
      yield events;
    }
    if (begun > bounds.eventUnits) throw tooLong(bounds);
  }
  const last = pieces.join('') + decodePart(decoder);
  // The last event may end with the stream instead of an empty line.
  if (last.trim() !== '') yield [toEvent(last)];
}

function split(text: string): { events: StreamEvent[]; rest: string } {
  const events: StreamEvent[] = [];
  let from = 0;
  for (const { index, 0: end } of text.matchAll(EMPTY_LINE)) {
    const to = index + end.length;
    events.push(toEvent(text.slice(from, to)));
    from = to;
  }
  return { events, rest: text.slice(from) };
}

function toEvent(raw: string): StreamEvent {
  const lines = raw.split(/\r\n|\n|\r/).flatMap((line) => /^data:? ?(.*)$/s.exec(line)?.[1] ?? []);
  return { raw, data: lines.length === 0 ? undefined : lines.join('\n') };
}

/** A whole answer. @throws as `readEvents` does */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  bounds: Pick<AnswerBounds, 'answerBytes'> = ANSWER_BOUNDS,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > bounds.answerBytes) throw tooLong(bounds);
    parts.push(part);
  }
  return Buffer.concat(parts);
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
