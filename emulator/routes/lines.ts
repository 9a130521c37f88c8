import { bodyParts, tooLarge } from '../middleware/request-body.ts';

const NEWLINE = 0x0a;
const BLANK = /^[ \t\r]*$/;

/**
 * The lines of a body that are not blank, one at a time, whatever its length.
 * @throws ApiError `body_too_large` for a single line over the limit
 */
export async function* lines(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  if (!body) return;
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > maxBytes) throw tooLarge(size, maxBytes);
    parts.push(part);
  };
  const finish = (): Uint8Array => {
    const line = Buffer.concat(parts);
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of bodyParts(body)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      const line = finish();
      if (!isBlank(line)) yield line;
    }
    take(chunk.subarray(start));
  }
  const last = finish();
  if (!isBlank(last)) yield last;
}

function isBlank(line: Uint8Array): boolean {
  return line.length < 64 && BLANK.test(new TextDecoder().decode(line));
}
