import { createHash } from 'node:crypto';
import * as z from 'zod';
import { contentText } from '../../contract/content-text.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import { sha256 } from '../engines/files.ts';
import { headerOf, type UpstreamRequest } from '../gateway/upstream.ts';
import { members } from '../gateway/usage.ts';
import type { TapeRedactor } from './redaction.ts';

const Json = z.record(z.string(), z.unknown());

/** What a model reads of a chat, however it came: members in a stable order, and nothing that changes no answer. */
const TapedChat = z.object({
  model: z.unknown(),
  settings: Json,
  tools: z.array(z.unknown()),
  messages: z.array(Json),
});
export type TapedChat = z.infer<typeof TapedChat>;

/** A request as a tape holds it. Of one that is not a chat, the body is known by its hash. */
export const TapedRequest = z.object({
  method: z.string(),
  path: z.string(),
  chat: TapedChat.optional(),
  body: z.object({ sha256: z.string(), bytes: z.int() }).optional(),
});
export type TapedRequest = z.infer<typeof TapedRequest>;

/** The form in which an answer was asked for. A chat that was recorded in one form answers in the others, too. */
export const FORMS = ['plain', 'stream', 'stream with usage', 'other'] as const;
export type Form = (typeof FORMS)[number];

export interface ReadRequest {
  /** Of two requests with the same key, a model reads the same. */
  readonly key: string;
  readonly form: Form;
  readonly request: TapedRequest;
}

/**
 * Fields of a chat that change no word of its answer: whose session it is, the form it comes in, notes for accounting, and what
 * only makes it cheaper or faster. All others count, those that nobody here knows too.
 */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'session_id',
  'stream',
  'stream_options',
  'metadata',
  'user',
  'safety_identifier',
  'store',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_options',
]);

const CHAT_PATH = /^\/chat\/completions(?:\?|$)/;

/** Whether the body has to be read as JSON to know the request again. */
export function isChat({ method, path }: Pick<UpstreamRequest, 'method' | 'path'>): boolean {
  return method === 'POST' && CHAT_PATH.test(path);
}

/** A chat as a tape knows it. Undefined where its body is not one. */
export function readChatRequest(
  { method, path }: Pick<UpstreamRequest, 'method' | 'path'>,
  body: Uint8Array,
  redactor: TapeRedactor,
): ReadRequest | undefined {
  const sent = parsed(body);
  const { messages, stream, stream_options } = members(sent);
  if (!Array.isArray(messages)) return undefined;
  const chat = redactor.value(toChat(members(sent), messages)) as TapedChat;
  const withUsage = members(stream_options).include_usage === true;
  const form = stream !== true ? 'plain' : withUsage ? 'stream with usage' : 'stream';
  return keyed(form, { method, path: redactor.path(path), chat });
}

/** Any other request, by the hash of its body. */
export function otherRequest(
  { method, path }: Pick<UpstreamRequest, 'method' | 'path'>,
  body: TapedRequest['body'],
  redactor: TapeRedactor,
): ReadRequest {
  return keyed('other', { method, path: redactor.path(path), ...(body && body.bytes > 0 && { body }) });
}

function keyed(form: Form, request: TapedRequest): ReadRequest {
  const { method, path, chat, body } = request;
  return { key: sha256(Buffer.from(JSON.stringify([method, path, chat ?? body ?? null]))), form, request };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return undefined;
  }
}

function toChat(sent: Readonly<Record<string, unknown>>, messages: readonly unknown[]): TapedChat {
  const { model, messages: _, tools, max_tokens, max_completion_tokens, n, ...others } = sent;
  const settings = Object.entries(others).filter(([name]) => !WITHOUT_EFFECT.has(name));
  const given = {
    ...Object.fromEntries(settings),
    // Two names of one setting.
    max_completion_tokens: max_completion_tokens ?? max_tokens,
    ...(n !== 1 && { n }),
  };
  // A gateway sends reasoning to Kimi's own models only.
  const readsReasoning = typeof model === 'string' && findProfile(model) !== undefined;
  return {
    model: model ?? null,
    settings: ordered(withoutNulls(given)),
    tools: Array.isArray(tools) ? tools.map((tool) => ordered(toTool(tool))) : [],
    messages: messages.map((message) => toMessage(members(message), readsReasoning)),
  };
}

function toTool(tool: unknown): unknown {
  const { function: described, ...others } = members(tool);
  return withoutNulls({ ...others, function: described && withoutNulls(members(described)) });
}

/** A message as the template of a model shows it: an absent text is an empty one, and parts that are all text are joined. */
function toMessage(message: Readonly<Record<string, unknown>>, readsReasoning: boolean): Record<string, unknown> {
  const { role, content, pinned: _, reasoning_content, tool_calls, ...others } = message;
  const calls = Array.isArray(tool_calls) ? tool_calls.map(toCall) : [];
  const rest = withoutNulls({
    ...others,
    reasoning_content: readsReasoning && reasoning_content !== '' ? reasoning_content : undefined,
    ...(calls.length > 0 && { tool_calls: calls }),
  });
  return { role: role ?? null, content: toContent(content), ...(ordered(rest) as object) };
}

function toCall(call: unknown): unknown {
  const { index: _, ...others } = members(call);
  return withoutNulls(others);
}

function toContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content ?? '';
  const parts = content.map(members);
  if (parts.every(({ type, text }) => type === 'text' && typeof text === 'string')) return contentText(parts);
  return content.map((part) => ordered(withShortUrls(part)));
}

/** Longer data of a picture or a video stands on a tape as its hash. */
const SHORT_URL = 512;

function withShortUrls(value: unknown): unknown {
  if (typeof value === 'string' && value.length > SHORT_URL && value.startsWith('data:')) {
    const head = value.slice(0, Math.min(SHORT_URL, value.indexOf(',') + 1));
    return `${head}[${value.length} characters, sha256 ${createHash('sha256').update(value).digest('hex')}]`;
  }
  if (Array.isArray(value)) return value.map(withShortUrls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withShortUrls(member)]));
}

function withoutNulls(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));
}

/** With the members of all its objects sorted by name, so that two tapes can be compared line by line. */
function ordered<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(ordered) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, member]) => [name, ordered(member)])) as Value;
}

/** The hash of a body that passes by, less the border that every client makes up for a form anew. */
export class BodyHash {
  readonly #hash = createHash('sha256');
  readonly #border: Buffer | undefined;
  #rest: Uint8Array = new Uint8Array();
  #bytes = 0;

  constructor(headers: readonly string[]) {
    const type = headerOf(headers, 'content-type') ?? '';
    const border = /^multipart\/.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type);
    this.#border = border ? Buffer.from(border[1] ?? border[2] ?? '') : undefined;
  }

  push(part: Uint8Array): void {
    const border = this.#border;
    if (!border) {
      this.#bytes += part.length;
      this.#hash.update(part);
      return;
    }
    const bytes = Buffer.concat([this.#rest, part]);
    let from = 0;
    for (let at = bytes.indexOf(border); at !== -1; at = bytes.indexOf(border, from)) {
      this.#add(bytes.subarray(from, at));
      from = at + border.length;
    }
    // A border may have begun at the end of this part.
    const kept = Math.max(from, bytes.length - border.length + 1);
    this.#add(bytes.subarray(from, kept));
    this.#rest = bytes.subarray(kept);
  }

  #add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
  }

  end(): { sha256: string; bytes: number } {
    this.#add(this.#rest);
    return { sha256: this.#hash.digest('hex'), bytes: this.#bytes };
  }
}
