import type * as z from 'zod';
import type { Limits } from '../../contract/limits.ts';
import { ApiError, invalid } from '../errors.ts';
import { readBody } from './body-parts.ts';
import type { RequestContext } from './context.ts';
import { describeIssue, ignoredFields, ignoredHeader } from './fields.ts';
import { parseJson } from './json.ts';
import { setHeader } from './send.ts';

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** Only the first fault is told, and a body can hold a million of them. */
const FIRST_FAULT: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: true };

/**
 * The request's JSON body. An absent body is an empty object. Fields that the schema does not know are ignored, as on the
 * live API, and named in `Kimi-Emulator-Ignored`.
 * @throws ApiError `body_too_large` while reading, `invalid_request` naming the field
 */
export async function readJson<Schema extends z.ZodType>(c: RequestContext, schema: Schema): Promise<z.output<Schema>> {
  return parseFields(c, schema, await readValue(c));
}

/** The request's JSON body as it is. @throws ApiError `body_too_large`, or `invalid_request` where it is no JSON */
export async function readValue(c: RequestContext): Promise<unknown> {
  const { limits } = c.get('services');
  const bytes = await readBytes(c, limits.body_bytes);
  c.set('body', bytes);
  if (bytes.length > 0) requireJsonType(c);
  const value = bytes.length > 0 ? parsed(c, bytes, limits) : {};
  if (hasSession(value)) {
    c.set('addressed', true);
    c.get('exchange')?.of(value.session_id);
  }
  return value;
}

/**
 * A value checked against a schema. Names what the schema does not know in the answer's headers.
 * @throws ApiError `invalid_request` naming the field
 */
export function parseFields<Schema extends z.ZodType>(
  c: RequestContext,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const fields = checkFields(schema, value);
  const ignored = ignoredFields(value, fields);
  if (ignored.length > 0) setHeader(c, 'Kimi-Emulator-Ignored', ignoredHeader(ignored));
  return fields;
}

/** The same for a value that comes when the headers have left. */
export function checkFields<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value, FIRST_FAULT);
  if (!parsed.success) throw describeIssue(parsed.error, value);
  return parsed.data;
}

export function requireJsonType(c: RequestContext): void {
  const type = c.req.header('content-type') ?? '';
  if (!JSON_TYPE.test(type)) {
    throw invalid(`Content-Type must be application/json, not ${type || 'absent'}`, 'Content-Type');
  }
}

/** A body that was packed is told by its header; what it is as text says nothing to whoever packed it. */
function parsed(c: RequestContext, bytes: Uint8Array, limits: Limits): unknown {
  try {
    return parseJson(bytes, limits);
  } catch (error) {
    throw packed(c) ?? error;
  }
}

/** A refusal where the body is packed, as `gzip` does. */
export function packed(c: RequestContext): ApiError | undefined {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return undefined;
  return invalid(`Content-Encoding: a body is taken as it is, not as ${encoding}`, 'Content-Encoding');
}

function hasSession(value: unknown): value is { session_id: string } {
  return typeof value === 'object' && value !== null && 'session_id' in value && typeof value.session_id === 'string';
}

/** Reads the body, and stops reading as soon as it is over the limit. */
async function readBytes(c: RequestContext, limit: number): Promise<Uint8Array> {
  const read = c.get('body');
  if (read.length > 0) return read;
  const check = (bytes: number): void => {
    if (bytes > limit) throw tooLarge(bytes, limit);
  };
  check(Number(c.req.header('content-length') ?? 0));
  return readBody(c, check);
}

export function tooLarge(size: number, limit: number): ApiError {
  return new ApiError('body_too_large', { size, limit });
}
