import { promisify } from 'node:util';
import { brotliDecompress, unzip } from 'node:zlib';
import type { Limits } from '../../contract/limits.ts';
import { ApiError } from '../api-error.ts';
import type { RequestContext } from '../http/context.ts';
import { bodyParts, parseJson, readBody } from '../http/request-body.ts';

/** Bodies of requests that may be handed on: as bytes, and what can be known of them. */

/** Of a body that is not read first, such as a file. */
const STREAMED_BYTES = 512 * 2 ** 20;

const DECODERS = { gzip: promisify(unzip), deflate: promisify(unzip), br: promisify(brotliDecompress) };

/** The bytes of a body that has to be looked at. @throws ApiError `body_too_large` while it is read */
export async function readWholeBody(c: RequestContext): Promise<Uint8Array> {
  const known = c.get('body');
  if (known.length > 0) return known;
  const limit = mostBytes(c);
  const bytes = await readBody(c, (size) => {
    if (size > limit) throw new ApiError('body_too_large', { size, limit });
  });
  c.set('body', bytes);
  return bytes;
}

function mostBytes(c: RequestContext): number {
  const { body_bytes, media_body_bytes } = c.get('services').limits;
  return Math.max(body_bytes, media_body_bytes);
}

/**
 * The bytes without their `Content-Encoding`: the same where there is none; undefined where it is unknown or damaged.
 * @throws ApiError `body_too_large` where they are more than a body may have
 */
export async function unfolded(c: RequestContext, bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const coding = (c.req.header('content-encoding') ?? 'identity')
    .trim()
    .toLowerCase()
    .replace(/^x-(?=gzip$)/, '');
  if (coding === 'identity' || bytes.length === 0) return bytes;
  if (!isKnown(coding)) return undefined;
  const limit = mostBytes(c);
  try {
    return await DECODERS[coding](bytes, { maxOutputLength: limit });
  } catch (error) {
    const isTooLong = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLong) throw new ApiError('body_too_large', { size: limit + 1, limit });
    return undefined;
  }
}

function isKnown(coding: string): coding is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, coding);
}

/** Whatever the method: a length that goes on without its bytes would make the upstream wait for them. */
export function hasBody(c: RequestContext): boolean {
  const { incoming } = c.env;
  if (!incoming) return c.req.raw.body !== null;
  const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers;
  return encoding !== undefined || Number(length ?? 0) > 0;
}

/** The bytes of a body as they come in. @throws ApiError `body_too_large` */
export async function* limited(c: RequestContext): AsyncGenerator<Uint8Array, void> {
  let size = 0;
  for await (const part of bodyParts(c)) {
    size += part.length;
    if (size > STREAMED_BYTES) throw new ApiError('body_too_large', { size, limit: STREAMED_BYTES });
    yield part;
  }
}

/** The body as JSON; undefined where it is not, or beyond what the emulator itself would take. */
export function parsed(bytes: Uint8Array, limits: Limits): unknown {
  try {
    return parseJson(bytes, limits);
  } catch {
    return undefined;
  }
}
