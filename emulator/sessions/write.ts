import { ERRORS } from '../../contract/errors.ts';
import { type ChatMessage, contentText, type InputMessage, type Role, type Tool } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import type { Blob } from '../engines/media/data-url.ts';
import { checkParameters } from '../engines/mfjs/check-schema.ts';
import { ADVICE } from '../engines/mfjs/faults.ts';
import { type AnsweredCall, answeredCalls, type MessageSize, type PromptCounter } from '../engines/tokens/prompt.ts';
import type { ServedModel } from '../models/profiles.ts';
import type { Services } from '../services.ts';
import type { View } from '../store/entries.ts';
import type { Toolset } from '../store/sessions.ts';
import { type MediaSource, readMedia } from './media.ts';

/** One message on its way into a window, counted. */
export interface WriteItem extends MessageSize {
  body: ChatMessage;
  /** Whether a prompt drops its reasoning, and all before it. */
  border: boolean;
  /** Undefined where the client did not set it: then only a leading system message is pinned. */
  pinned: boolean | undefined;
}

/** What a request brings, counted. */
export interface Counted {
  write: Write;
  tools: Toolset | undefined;
  counter: PromptCounter;
}

/** Messages that are written together or not at all. */
export interface Write {
  items: WriteItem[];
  /** Reasoning included. */
  tokens: number;
  /** Bytes of its pictures and videos, each once. */
  blobs: readonly Blob[];
}

/** What the messages of a write are counted for, and behind. */
interface WriteTarget {
  /** The model that reads them. */
  model: string;
  /** The end of the window that they come behind; absent where they begin one. */
  view?: View;
  media: MediaSource;
}

/** Counts the messages of one write, in slices. */
export async function countWrite(
  services: Services,
  target: WriteTarget,
  sent: readonly InputMessage[],
): Promise<Write> {
  const served = services.profiles.of(target.model);
  // Only a list of parts holds pictures: most requests are texts, and nothing is read or copied of them.
  const { messages, blobs } = sent.some(({ content }) => Array.isArray(content))
    ? await readMedia(services.store, served, sent, target.media)
    : { messages: sent, blobs: [] };
  const counter = await served.counter();
  const bodies = messages.map(toChatMessage);
  const answered = answeredIn(services, counter, target, bodies);
  const items: WriteItem[] = [];
  let tokens = 0;
  for (const [place, message] of messages.entries()) {
    const body = bodies[place];
    if (!body) continue;
    const item = { ...(await sizeItem(served, counter, body, answered[place])), pinned: message.pinned };
    items.push(item);
    tokens += item.tokens + item.reasoning;
  }
  return { items, tokens, blobs };
}

/** The same with tools; undefined where the request names none. */
export async function countContent(
  services: Services,
  target: WriteTarget,
  messages: readonly InputMessage[],
  tools: Tool[] | null | undefined,
): Promise<Counted> {
  const counter = await services.profiles.of(target.model).counter();
  const write = await countWrite(services, target, messages);
  if (!tools) return { write, tools: undefined, counter };
  return { write, tools: { tools, tokens: await counter.tools(tools) }, counter };
}

/** A message with its size, for a model. */
export async function sizeItem(
  { profile }: ServedModel,
  counter: PromptCounter,
  body: ChatMessage,
  answered: AnsweredCall | undefined,
): Promise<Omit<WriteItem, 'pinned'>> {
  const { tokens, reasoning } = await counter.message(body, answered);
  return { body, tokens, reasoning, border: isBorder(profile, body) };
}

/** Whether the prompt of a model drops the reasoning of a message and of all before it. */
export function isBorder({ thinking }: ModelProfile, { role, tool_calls }: ChatMessage): boolean {
  if (thinking.history.value === 'after_last_user') return role === 'user';
  return thinking.history.value === 'after_last_answer' && role === 'assistant' && !tool_calls;
}

function answeredIn(
  { store }: Services,
  counter: PromptCounter,
  { view }: WriteTarget,
  bodies: readonly ChatMessage[],
): (AnsweredCall | undefined)[] {
  if (!counter.needsAnsweredCalls || !bodies.some((body) => body.role === 'tool')) return [];
  return answeredCalls(view ? store.history.tail(view).calls.map(bodyOf) : [], bodies);
}

/** Messages as a client without sessions would send them again and again. */
export function historyOf({ profile }: Pick<ServedModel, 'profile'>, items: readonly WriteItem[]): ReadMessage[] {
  const keepsReasoning = profile.thinking.history.value === 'all';
  return items.map((item) => readAs(item, keepsReasoning));
}

/** What is stored of a message: everything that the model reads, and none of the flags. */
function toChatMessage(message: InputMessage): ChatMessage {
  const body: ChatMessage = { role: message.role, content: message.content ?? null };
  if (message.name !== undefined) body.name = message.name;
  if (message.role === 'assistant' && message.tool_calls) {
    body.tool_calls = message.tool_calls.map(({ id, type, function: { name, arguments: text } }) => ({
      id,
      type,
      function: { name, arguments: text ?? '' },
    }));
  }
  if (message.role === 'assistant' && message.reasoning_content != null) {
    body.reasoning_content = message.reasoning_content;
  }
  if (message.role === 'system' && message.tools) body.tools = message.tools;
  if (message.role === 'tool') body.tool_call_id = message.tool_call_id;
  return body;
}

/**
 * Refuses messages that say nothing, as the live API does.
 * @throws ApiError the live text; where a session is addressed, with the field
 */
export function requireContent(messages: readonly InputMessage[], addressed: boolean): void {
  const index = messages.findIndex(isEmpty);
  if (index === -1) return;
  const field = `messages[${index}].content`;
  if (addressed) throw invalid(`${field}: ${ERRORS.content_empty.message({ index })}`, field);
  const silent = messages[index]?.role === 'assistant' && !hasCalls(messages[index]);
  throw new ApiError(silent ? 'assistant_empty' : 'content_empty', { index });
}

/** Calls may stand without text, but not beside a list of parts that holds none. */
function isEmpty(message: InputMessage): boolean {
  if (hasCalls(message) && !Array.isArray(message.content)) return false;
  if (message.role === 'system' && message.tools && message.tools.length > 0) return false;
  return contentText(message.content) === '';
}

function hasCalls(message: InputMessage | undefined): boolean {
  return message?.role === 'assistant' && message.tool_calls != null;
}

export function bodyOf(message: { body: ChatMessage }): ChatMessage {
  return message.body;
}

/** A message as a prompt has it. */
export interface ReadMessage {
  body: ChatMessage;
  tokens: number;
  /** The body that this one leaves the reasoning out of. */
  source?: ChatMessage;
}

interface Sized extends MessageSize {
  body: ChatMessage;
}

/** A message with its reasoning, or without. */
export function readAs(sized: Sized, keepsReasoning: boolean): ReadMessage {
  const { body, tokens, reasoning } = sized;
  if (reasoning === 0 && body.reasoning_content === undefined) return sized;
  // Written out: with spreads, a window of 50,000 messages takes several times as long.
  if (keepsReasoning) return { body, tokens: tokens + reasoning };
  if (body.reasoning_content === undefined) return { body, tokens };
  const { reasoning_content, ...rest } = body;
  return { body: rest, tokens, source: body };
}

/** Tools of a request, and those that its system messages bring. @throws ApiError */
export function requireTools(
  profile: ModelProfile,
  tools: readonly Tool[],
  messages: readonly InputMessage[] = [],
): void {
  for (const [place, tool] of tools.entries()) requireTool(profile, tool, `tools[${place}]`);
  availableTools(profile, tools, messages);
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'system' || !message.tools || message.tools.length === 0) continue;
    const field = `messages[${index}].tools`;
    if (message.content != null && message.content !== '')
      throw invalid(`${field}: cannot be used with content`, field);
    for (const [place, tool] of message.tools.entries()) requireTool(profile, tool, `${field}[${place}]`);
  }
}

/**
 * Where system messages may bring tools, others may not.
 * @param body as it was sent: the schema leaves out what a message has no use for
 * @throws ApiError; the text of the live API is not known
 */
export function requireToolsInPlace({ tools }: ModelProfile, body: unknown): void {
  if (!tools.dynamic.value) return;
  const { messages = [] } = body as { messages?: readonly { role: Role; tools?: unknown }[] };
  const index = messages.findIndex((message) => message.role !== 'system' && message.tools != null);
  if (index === -1) return;
  const field = `messages[${index}].tools`;
  throw invalid(`${field}: only a system message brings tools`, field);
}

/**
 * All tools that a prompt declares: those of the request or the session, and those that system messages bring.
 * @throws ApiError where the model takes none from messages, or a name stands twice: a window was not checked with the request
 */
export function availableTools(
  profile: ModelProfile,
  declared: readonly Tool[],
  messages: readonly { role: Role; tools?: readonly Tool[] | null | undefined }[],
): Tool[] {
  const available = [...declared];
  for (const [index, { role, tools }] of messages.entries()) {
    if (role !== 'system' || !tools || tools.length === 0) continue;
    if (!profile.tools.dynamic.value) throw new ApiError('tokenization_failed', { index });
    available.push(...tools);
  }
  const seen = new Set<string>();
  for (const { function: declaration } of available) {
    const { name } = declaration;
    if (seen.has(name)) throw new ApiError('function_name_duplicated', { name });
    seen.add(name);
  }
  return available;
}

function requireTool(profile: ModelProfile, { type, function: declared }: Tool, field: string): void {
  const { namePattern, schemas, builtins } = profile.tools;
  const { name } = declared;
  if (type === 'builtin_function') {
    if (builtins.value.includes(name)) return;
    // Departure: the text of the live API is not known.
    const names = builtins.value.join(', ');
    throw invalid(`${field}.function.name: the built-in functions are ${names}`, `${field}.function.name`);
  }
  // Departure: the text of the live API is not known.
  if (!new RegExp(namePattern.value).test(name)) {
    throw invalid(`${field}.function.name: must match pattern ${namePattern.value}`, `${field}.function.name`);
  }
  if (schemas.value === null) return;
  const fault = checkParameters(declared, schemas.value);
  if (!fault) return;
  if ('root' in fault) throw new ApiError('parameters_not_object', { tool: name });
  const { path, text, rule } = fault;
  const details = { path, fault: text, of: name, fix: ADVICE[rule] };
  throw new ApiError('schema_refused', { field: 'tools.function.parameters', ...details });
}
