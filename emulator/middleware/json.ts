import type { Limits } from '../../contract/limits.ts';
import { invalid } from '../errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
/** A bracket and a brace are one bit apart, and nothing else differs from them by it. */
const CASE = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true });
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/**
 * Bytes of a body as a value.
 * @throws ApiError where they are no UTF-8, no JSON, nested too deep, too many values, or hold text that is no Unicode
 */
export function parseJson(bytes: Uint8Array, limits: Pick<Limits, 'json_depth' | 'json_values'>): unknown {
  requireParsable(bytes, limits);
  const text = decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const at = /position \d+/.exec(error instanceof Error ? error.message : '')?.[0];
    throw invalid(`the body is not valid JSON${at ? ` (at ${at})` : ''}`, undefined, 'not_json');
  }
  // Only an escape can bring in a lone surrogate: the bytes themselves are UTF-8.
  if (SURROGATE_ESCAPE.test(text)) requireUnicode(value);
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    throw invalid('the body is not valid UTF-8', undefined, 'not_unicode');
  }
}

/**
 * Looks at the brackets and commas outside strings, before anything is parsed: a value that a few MiB can describe may
 * take minutes and gigabytes to check.
 */
function requireParsable(
  bytes: Uint8Array,
  { json_depth, json_values }: Pick<Limits, 'json_depth' | 'json_values'>,
): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) values += 1;
    else if ((byte | CASE) === OPENING) {
      values += 1;
      depth += 1;
    } else if ((byte | CASE) === CLOSING) depth -= 1;
    if (depth > json_depth) throw tooMany(`the body is nested deeper than ${json_depth} levels (json_depth)`);
    if (values > json_values) throw tooMany(`the body holds more than ${json_values} values (json_values)`);
  }
}

function tooMany(problem: string) {
  return invalid(problem, undefined, 'too_many_values');
}

/** Text that is no Unicode cannot be stored byte for byte, so it is refused where it stands. */
function requireUnicode(root: unknown): void {
  const waiting: { value: unknown; path: string }[] = [{ value: root, path: '' }];
  for (let item = waiting.pop(); item; item = waiting.pop()) {
    const { value, path } = item;
    if (typeof value === 'string' && !value.isWellFormed()) throw loneSurrogate(path);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
      if (!key.isWellFormed()) throw loneSurrogate(path);
      waiting.push({ value: child, path: place });
    }
  }
}

function loneSurrogate(path: string) {
  const field = path || 'the body';
  return invalid(`${field}: the text holds a lone surrogate, which is not Unicode`, path || undefined, 'not_unicode');
}
