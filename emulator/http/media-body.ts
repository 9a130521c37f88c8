import type { Limits } from '../../contract/limits.ts';
import { ApiError, invalid } from '../api-error.ts';
import { type LiftedBody, MediaLifter, NotBase64, restoreTexts } from '../engines/media/lift-media.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { RequestContext } from './context.ts';
import { bodyParts, noteValue, parseJson, requireUncompressed, SMALL_BODY } from './request-body.ts';

/** Bodies and lines that may hold pictures and videos, whose bytes are read apart while they come in. */

/** Bytes that are worked on at once. */
const CHUNK_BYTES = 131_072;

/** The request's JSON body, of which pictures and videos are read apart. @throws as `readValue` does */
export async function readLifted(c: RequestContext): Promise<unknown> {
  requireUncompressed(c);
  const { bytes, blobs } = await liftBody(c);
  c.set('lifted', blobs);
  const value = await noteValue(c, bytes);
  if (blobs.size > 0) restoreTexts(value, blobs);
  return value;
}

async function liftBody(c: RequestContext): Promise<LiftedBody> {
  const lift = new Lift(c.get('services').limits, Number(c.req.header('content-length') ?? 0));
  try {
    for await (const part of bodyParts(c)) await lift.push(part);
    return lift.finish();
  } catch (error) {
    lift.release();
    throw error;
  }
}

/** One body or line that is taken apart in slices, and given up as soon as it is over a limit. */
class Lift {
  readonly #limits: Limits;
  readonly #announced: number;
  readonly #lifter = new MediaLifter();
  #read = 0;

  /** @param announced bytes of it, where they are known @throws ApiError `body_too_large` */
  constructor(limits: Limits, announced = 0) {
    this.#limits = limits;
    this.#announced = announced;
    this.#check();
  }

  /** @throws ApiError */
  async push(part: Uint8Array): Promise<void> {
    this.#read += part.length;
    for (let at = 0; at < part.length; at += CHUNK_BYTES) {
      refusingNotBase64(() => this.#lifter.push(part.subarray(at, at + CHUNK_BYTES)));
      this.#check();
      if (sliceIsOver()) await yieldToEventLoop();
    }
  }

  /** @throws ApiError */
  finish(): LiftedBody {
    const lifted = refusingNotBase64(() => this.#lifter.finish());
    this.#check();
    return lifted;
  }

  /** Gives the memory of what was read back. */
  release(): void {
    this.#lifter.release();
  }

  #check(): void {
    const { body_bytes, media_body_bytes } = this.#limits;
    const size = Math.max(this.#announced, this.#read);
    const most = Math.max(body_bytes, media_body_bytes);
    if (size > most) throw new ApiError('body_too_large', { size, limit: most });
    const left = this.#lifter.size;
    if (left <= body_bytes) return;
    throw new ApiError('body_too_large', { size: this.#lifter.hasLifted ? left : size, limit: body_bytes });
  }
}

function refusingNotBase64<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof NotBase64 ? invalid('what follows ;base64, in a URL of the body is not base64') : error;
  }
}

/** A line of a streamed body, less the bytes of its pictures and videos, which are its reader's to release. */
export type MediaLine = LiftedBody;

/** Parses a line, and makes its pictures and videos those that the request's messages may refer to. @throws ApiError */
export function parseLine(c: RequestContext, { bytes, blobs }: MediaLine): unknown {
  c.set('lifted', blobs);
  const value = parseJson(bytes, c.get('services').limits);
  if (blobs.size > 0) restoreTexts(value, blobs);
  return value;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const RETURN = 0x0d;
const NO_BLOBS: LiftedBody['blobs'] = new Map();

/**
 * The lines of a body that are not blank, one at a time, whatever its length.
 * @throws ApiError `body_too_large` for a single line over the limits
 */
export async function* mediaLines(body: AsyncIterable<Uint8Array>, limits: Limits): AsyncGenerator<MediaLine, void> {
  const small = Math.min(SMALL_BODY, limits.body_bytes);
  let lift: Lift | undefined;
  try {
    for await (const chunk of body) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const part = chunk.subarray(start, end);
        start = end + 1;
        // A body may be nothing but line ends: those are skipped without a copy.
        if (!lift && isBlank(part)) continue;
        if (!lift && part.length <= small) {
          yield { bytes: Buffer.from(part), blobs: NO_BLOBS };
          continue;
        }
        lift ??= new Lift(limits);
        await lift.push(part);
        const line = lift.finish();
        lift = undefined;
        if (!isBlank(line.bytes)) yield line;
      }
      if (start === chunk.length) continue;
      lift ??= new Lift(limits);
      await lift.push(chunk.subarray(start));
    }
    const last = lift?.finish();
    lift = undefined;
    if (last && !isBlank(last.bytes)) yield last;
  } finally {
    lift?.release();
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === SPACE || byte === TAB || byte === RETURN);
}
