import type { IncomingMessage } from 'node:http';
import { type ApiError, invalid } from '../errors.ts';
import { abortable } from '../streams.ts';
import type { RequestContext } from './context.ts';

/**
 * The body as it comes in. What is not read of it is left to the server.
 * @param end aborted to stop reading while the body waits for its sender; a connection ends by itself with its answer
 * @throws ApiError where it breaks off; as a rule there is nobody left to hear it
 */
export async function* bodyParts(c: RequestContext, end?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const incoming = c.env.incoming;
  const { body, signal } = c.req.raw;
  try {
    if (incoming) yield* incoming.iterator({ destroyOnReturn: false });
    else if (body) yield* end ? abortable(abortable(body, signal), end) : abortable(body, signal);
  } catch {
    throw brokenOff();
  }
}

/** The whole body. @throws ApiError where it breaks off, or as `check` does, which is told how many bytes there are so far */
export function readBody(c: RequestContext, check: (bytes: number) => void): Promise<Uint8Array> {
  const incoming = c.env.incoming;
  return incoming ? readIncoming(incoming, check) : readParts(bodyParts(c), check);
}

async function readParts(source: AsyncIterable<Uint8Array>, check: (bytes: number) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of source) {
    size += part.length;
    check(size);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** By events: iterating a stream costs several times what reading a small body does. */
function readIncoming(incoming: IncomingMessage, check: (bytes: number) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const onData = (part: Buffer): void => {
      size += part.length;
      parts.push(part);
      try {
        check(size);
      } catch (error) {
        incoming.off('data', onData).pause();
        reject(error);
      }
    };
    incoming.on('data', onData);
    incoming.once('end', () => resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)));
    incoming.once('error', () => reject(brokenOff()));
    incoming.once('close', () => incoming.readableEnded || reject(brokenOff()));
    if (incoming.destroyed) reject(brokenOff());
  });
}

function brokenOff(): ApiError {
  return invalid('the body broke off before its end', undefined, 'body_cut_off');
}
