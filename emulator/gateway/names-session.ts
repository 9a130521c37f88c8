import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING = 0x7b;
const CLOSING = 0x7d;
const OPENING_LIST = 0x5b;
const CLOSING_LIST = 0x5d;
const SPACE = 0x20;
const NAME = 'session_id';
/** An escape is up to six bytes for one character. */
const MOST_NAME_BYTES = 6 * NAME.length + 2;
const NULL = Buffer.from('null');

/**
 * Whether the outermost object of a JSON body has a `session_id` that is not null: the last one counts, as for a parser. Nothing
 * is parsed for it, and the body may be of any size and shape; whether it is JSON at all, whoever takes it finds out.
 */
export async function namesSession(bytes: Uint8Array): Promise<boolean> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // An escape could spell the name too.
  if (!body.includes(NAME) && !body.includes('\\u00')) return false;
  let found = false;
  let depth = 0;
  /** Where the string began that goes on. */
  let start: number | undefined;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (start !== undefined) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) {
        if (depth === 1 && at - start < MOST_NAME_BYTES && isName(body.toString('latin1', start, at + 1))) {
          const colon = skipSpace(body, at + 1);
          const value = skipSpace(body, colon + 1);
          if (body[colon] === COLON) found = !body.subarray(value, value + NULL.length).equals(NULL);
        }
        start = undefined;
      }
    } else if (byte === QUOTE) start = at;
    else if (byte === OPENING || byte === OPENING_LIST) depth += 1;
    else if (byte === CLOSING || byte === CLOSING_LIST) depth -= 1;
    if ((at & STRIDE) === STRIDE && sliceIsOver()) await yieldToEventLoop();
  }
  return found;
}

/** So many bytes take less than a millisecond. */
const STRIDE = 0x3_ffff;

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while ((body[at] ?? QUOTE) <= SPACE) at += 1;
  return at;
}

function isName(quoted: string): boolean {
  if (!quoted.includes('\\')) return quoted === `"${NAME}"`;
  try {
    return JSON.parse(quoted) === NAME;
  } catch {
    return false;
  }
}
