import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { LIVE_TEXT } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import { yieldToEventLoop } from '../engines/scheduler.ts';
import { lazy } from '../lazy.ts';
import type { RequestContext } from './context.ts';
import { setHeader } from './respond.ts';
import { abortable } from './streams.ts';

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** Up to here a body or a line is read as it is, pictures included. */
export const SMALL_BODY = 65_536;
/** Only the first issue is reported, and a body can hold a million of them. */
const FIRST_FAULT: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: true };

/**
 * The request's JSON body. An absent body is an empty object. Fields that the schema does not know are ignored, as on the
 * live API, and named in `Kimi-Emulator-Ignored`.
 * @throws ApiError `body_too_large` while reading, `invalid_request` naming the field
 */
export async function readJson<Schema extends z.ZodType>(c: RequestContext, schema: Schema): Promise<z.output<Schema>> {
  return parseFields(c, schema, await readValue(c));
}

/** The request's JSON body as it is. @throws ApiError `body_too_large`, or `invalid_request` where it is not JSON */
export async function readValue(c: RequestContext): Promise<unknown> {
  return noteValue(c, await readBytes(c, c.get('services').limits.body_bytes));
}

/** A body of this length takes so long to parse that it is checked in a tick of its own. */
const LONG_BODY = 262_144;

/** The same, less the bytes of its pictures and videos, where it is long enough to hold many. @throws as `readValue` does */
export async function readMediaValue(c: RequestContext): Promise<unknown> {
  const announced = Number(c.req.header('content-length') ?? Number.POSITIVE_INFINITY);
  if (announced <= SMALL_BODY || c.get('body').length > 0) return readValue(c);
  return (await mediaBodies()).readLifted(c);
}

const mediaBodies = lazy(() => import('./media-body.ts'));

/** A body as a value, once it is read. The journal notes what it says. @throws as `readValue` does */
export async function noteValue(c: RequestContext, bytes: Uint8Array): Promise<unknown> {
  const { limits, isStateless } = c.get('services');
  c.set('body', bytes);
  if (bytes.length > 0) {
    requireUncompressed(c);
    requireJsonType(c);
  }
  const value = bytes.length > 0 ? parseJson(bytes, limits) : {};
  const exchange = c.get('exchange');
  if (!isStateless && hasSession(value)) {
    c.set('addressed', true);
    exchange?.of(value.session_id);
  }
  if (exchange) c.get('services').journal.noteSent(exchange, value);
  if (bytes.length > LONG_BODY) await yieldToEventLoop();
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
  const fields = checkFields(schema, value, c.get('addressed'));
  nameIgnored(c, ignoredFields(value, fields));
  return fields;
}

/**
 * The profile of the model that a request names. A header of the answer says where the live API has that model no longer.
 * @throws ApiError `model_not_found`
 */
export function modelOf(c: RequestContext, name: string): ModelProfile {
  const { profiles } = c.get('services');
  const { profile } = profiles.require(name);
  const note = profiles.retirementNote(profile);
  if (note !== undefined) setHeader(c, 'Kimi-Emulator-Note', note);
  return profile;
}

/** Names fields that are ignored in a header of the answer, behind those that are named already. */
export function nameIgnored(c: RequestContext, fields: readonly string[]): void {
  if (fields.length === 0) return;
  const before = c.get('headers')[IGNORED];
  setHeader(c, IGNORED, [...(before === undefined ? [] : [before]), ignoredHeader(fields)].join(', '));
}

/**
 * The same for a value that comes when the headers have left.
 * @param addressed a request without a session, snapshot or share has the live API's own texts
 */
export function checkFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  addressed = true,
): z.output<Schema> {
  const parsed = schema.safeParse(value, FIRST_FAULT);
  if (!parsed.success)
    throw (addressed ? undefined : liveRefusal(parsed.error, value)) ?? describeIssue(parsed.error, value);
  return parsed.data;
}

export function requireJsonType(c: RequestContext): void {
  const type = c.req.header('content-type') ?? '';
  if (!JSON_TYPE.test(type)) {
    throw invalid(`Content-Type must be application/json, not ${type || 'absent'}`, 'Content-Type');
  }
}

/** A compressed body is refused by its header: an error about its bytes would not help the client. @throws ApiError */
export function requireUncompressed(c: RequestContext): void {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  throw invalid(`Content-Encoding: send the body without an encoding, not as ${encoding}`, 'Content-Encoding');
}

function hasSession(value: unknown): value is { session_id: string } {
  return typeof value === 'object' && value !== null && 'session_id' in value && typeof value.session_id === 'string';
}

/** Reads the body, and stops reading as soon as it is over the limit. */
async function readBytes(c: RequestContext, limit: number): Promise<Uint8Array> {
  const read = c.get('body');
  if (read.length > 0) return read;
  const check = (bytes: number): void => {
    if (bytes > limit) throw new ApiError('body_too_large', { size: bytes, limit });
  };
  check(Number(c.req.header('content-length') ?? 0));
  return readBody(c, check);
}

/**
 * The body as it comes in. What is not read of it is left to the server.
 * @param end aborted to stop reading while the body waits for its sender; a connection ends by itself with its answer
 * @throws ApiError where it breaks off; as a rule there is nobody left to hear it
 */
export async function* bodyParts(c: RequestContext, end?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const incoming = c.env.incoming;
  try {
    if (incoming) return yield* incoming.iterator({ destroyOnReturn: false });
    // Not touched where there is a connection: the body would be made a web stream, which holds up what is left of it.
    const { body, signal } = c.req.raw;
    if (body) yield* requireBytes(end ? abortable(abortable(body, signal), end) : abortable(body, signal));
  } catch (error) {
    throw error instanceof ApiError ? error : brokenOff();
  }
}

/** A stream of this process may yield anything; over the network `fetch` refuses it. @throws ApiError */
async function* requireBytes(body: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  for await (const part of body) {
    // Not by its class: that of another realm, such as a test environment's, is a different one.
    if (!ArrayBuffer.isView(part)) throw invalid('a body that is a stream must yield bytes (Uint8Array)');
    yield part as Uint8Array;
  }
}

/** The whole body. @throws ApiError where it breaks off, or as `check` does, which is called with the bytes read so far */
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

const IGNORED = 'Kimi-Emulator-Ignored';
const MAX_NAMED = 16;
const MAX_NAME_LENGTH = 80;

type Issue = z.core.$ZodIssue;

const SCHEMA_FIELD = 'response_format.json_schema.schema';

/** The first thing that is wrong with a body, named by its field. */
function describeIssue(error: z.ZodError, input: unknown): ApiError {
  const issue = error.issues[0];
  if (!issue) return invalid('the request is not understood');
  const part = unknownPart(issue, input);
  if (part !== undefined) return invalid(LIVE_TEXT.partType(part), fieldName(issue.path));
  if (issue.path.join('.') === SCHEMA_FIELD && valueAt(input, issue.path) != null) {
    return invalid(LIVE_TEXT.wrongType(SCHEMA_FIELD, 'dict[string,interface]'), SCHEMA_FIELD);
  }
  const { path, message } = deepest(issue);
  const field = fieldName(path);
  if (field === '') return invalid(message);
  return invalid(`${field}: ${message}`, field, valueAt(input, path) === undefined ? 'missing_field' : undefined);
}

/** What the live API says in words of its own to a body that its schema refuses. */
function liveRefusal(error: z.ZodError, input: unknown): ApiError | undefined {
  const issue = error.issues[0];
  const [, index, member] = issue?.path ?? [];
  if (issue?.path[0] !== 'messages' || typeof index !== 'number') return undefined;
  const value = valueAt(input, issue.path);
  // The two spaces of the live text are around the id that is not there.
  if (member === 'tool_call_id' && (value ?? '') === '') {
    return new ApiError('tool_call_id_not_found', { ids: [], fault: 'orphan', index });
  }
  if (member === 'content' && isSilent(valueAt(input, issue.path.slice(0, -1)))) {
    return new ApiError('assistant_empty', { index });
  }
  if (issue.code !== 'invalid_union' || member !== 'role' || typeof value !== 'string') return undefined;
  return new ApiError('role_unsupported', { role: value, param: fieldName(issue.path) });
}

/** Whether an assistant message has a list of no parts, and no calls. */
function isSilent(message: unknown): boolean {
  if (!isRecord(message) || message.role !== 'assistant' || message.tool_calls != null) return false;
  return Array.isArray(message.content) && message.content.length === 0;
}

const PART_TYPES: readonly unknown[] = ['text', 'image_url', 'video_url'];

/** The type of the first part of a content that is of none of the known ones. */
function unknownPart(issue: Issue, input: unknown): string | undefined {
  if (issue.path.at(-1) !== 'content') return undefined;
  const content = valueAt(input, issue.path);
  if (!Array.isArray(content)) return undefined;
  const types = content.filter(isRecord).map(({ type }) => type);
  return types.find((type): type is string => typeof type === 'string' && !PART_TYPES.includes(type));
}

/** What is wrong with a key, and in a union the branch that came furthest, say most about what was meant. */
function deepest(issue: Issue): { path: PropertyKey[]; message: string } {
  if (issue.code === 'invalid_key') return { path: issue.path, message: `the key: ${issue.issues[0]?.message}` };
  if (issue.code !== 'invalid_union') return issue;
  let best: { path: PropertyKey[]; message: string } = issue;
  for (const branch of issue.errors) {
    const first = branch[0];
    if (branch.length !== 1 || !first) continue;
    const found = deepest(first);
    const path = [...issue.path, ...found.path];
    if (path.length > best.path.length) best = { path, message: found.message };
  }
  return best;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (isRecord(value) ? value[String(part)] : undefined), input);
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? String(part) : `${name}.${String(part)}`;
  }, '');
}

/** Names of members of `input` that are not in `output`, because the schema does not know them; of a list, at their first place. */
function ignoredFields(input: unknown, output: unknown): string[] {
  const found: string[] = [];
  const kinds = new Set<string>();
  const visit = (before: unknown, after: unknown, path: PropertyKey[]): void => {
    if (before === after || !isRecord(before) || !isRecord(after)) return;
    for (const key of Object.keys(before)) {
      if (found.length >= MAX_NAMED) return;
      const place = [...path, Array.isArray(before) ? Number(key) : key];
      if (Object.hasOwn(after, key)) visit(before[key], after[key], place);
      else if (before[key] !== undefined) add(fieldName(place));
    }
  };
  const add = (name: string): void => {
    const kind = name.replaceAll(/\[\d+\]/g, '[]');
    if (!kinds.has(kind)) found.push(name);
    kinds.add(kind);
  };
  visit(input, output, []);
  return found.slice(0, MAX_NAMED);
}

/** A header value holds visible ASCII only. */
function ignoredHeader(names: readonly string[]): string {
  return names.map((name) => name.slice(0, MAX_NAME_LENGTH).replaceAll(/[^\x21-\x7e]|,/g, '?')).join(', ');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

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
 * @throws ApiError where they are not UTF-8 or not JSON, are nested too deep, hold too many values, or text that is not Unicode
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

/** Text that is not Unicode cannot be stored byte for byte. */
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
