import { ApiError } from '../api-error.ts';

/** One event of an event stream. */
export function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** One line of an NDJSON stream. */
export function toNdjson(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const RETURN = 0x0d;

/**
 * The lines of a body that are not blank, one at a time, whatever its length.
 * @throws ApiError `body_too_large` for a single line over the limit
 */
export async function* ndjsonLines(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const push = (part: Uint8Array): void => {
    size += part.length;
    if (size > maxBytes) throw new ApiError('body_too_large', { size, limit: maxBytes });
    parts.push(part);
  };
  const finish = (): Uint8Array => {
    const line = Buffer.concat(parts);
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const whole = parts.length === 0;
      // A body may be nothing but line ends: those are skipped without a copy.
      if (!whole || !isBlank(chunk, start, end)) {
        push(chunk.subarray(start, end));
        const line = finish();
        if (whole || !isBlank(line, 0, line.length)) yield line;
      }
      start = end + 1;
    }
    if (start < chunk.length) push(chunk.subarray(start));
  }
  const last = finish();
  if (!isBlank(last, 0, last.length)) yield last;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index];
    if (byte !== SPACE && byte !== TAB && byte !== RETURN) return false;
  }
  return true;
}
