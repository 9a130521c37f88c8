import { contentText, type ToolCall } from '../../contract/messages.ts';
import { type RecordedMessage, type Transcript, TranscriptError } from './transcript.ts';

/** A record of a file, of which nothing is known yet. */
export type Value = Record<string, unknown>;

/** A transcript that has no name yet. */
export type Read = Omit<Transcript, 'name'>;

/** What the records of one file become. */
export interface RecordReader {
  /**
   * @returns characters of what is now held more, so that a file of any size can be refused in time
   * @throws TranscriptError without the file's name, where a record cannot be what the format has
   */
  add(record: Value): number;
  finish(): Read[];
}

/** What a message takes beside its texts, in characters. */
const MESSAGE_OVERHEAD = 256;

/** Characters that a message takes while it is held. */
export function heldBy({ content, reasoning_content, tool_calls = [] }: RecordedMessage): number {
  const calls = tool_calls.map(({ function: call }) => MESSAGE_OVERHEAD + call.name.length + call.arguments.length);
  const texts = contentText(content).length + (reasoning_content?.length ?? 0);
  return calls.reduce((sum, size) => sum + size, MESSAGE_OVERHEAD + texts);
}

export const ROLES: Readonly<Record<string, RecordedMessage['role']>> = {
  system: 'system',
  developer: 'system',
  _system_prompt: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

/** A message as of the OpenAI API. Undefined for what is not a message but stands among them. @throws TranscriptError naming the field */
export function toMessage(item: unknown, path: string): RecordedMessage | undefined {
  if (!isObject(item) || typeof item.role !== 'string') throw new TranscriptError(`${path}.role is missing`);
  const role = Object.hasOwn(ROLES, item.role) ? ROLES[item.role] : undefined;
  if (!role && item.role.startsWith('_')) return undefined;
  if (!role) throw new TranscriptError(`${path}.role must be one of system, user, assistant, tool, not ${item.role}`);
  const { tool_calls: calls, tool_call_id: id, reasoning_content: reasoning } = item;
  const { text, thoughts } = readParts(item.content, path);
  const thought = typeof reasoning === 'string' ? reasoning : thoughts;
  return {
    role,
    content: text,
    ...(role === 'assistant' && thought !== '' && { reasoning_content: thought }),
    ...(role === 'assistant' && Array.isArray(calls) && calls.length > 0 && { tool_calls: calls.map(readCall) }),
    ...(role === 'tool' && { tool_call_id: String(id ?? item.toolCallId ?? '') }),
    ...timeOf(item.timestamp ?? item.time),
  };
}

/** `{id, function: {name, arguments}}`, or `{id, name, arguments}`. */
function readCall(item: unknown): ToolCall {
  const call = isObject(item) ? item : {};
  const called = isObject(call.function) ? call.function : call;
  return toCall(call.id, called.name, called.arguments ?? called.args);
}

export function toCall(id: unknown, name: unknown, args: unknown): ToolCall {
  const text = typeof args === 'string' ? args : JSON.stringify(args ?? {});
  return { id: String(id ?? ''), type: 'function', function: { name: String(name ?? 'tool'), arguments: text } };
}

/** A text, or parts: of a picture and of what is not known only its kind is left. */
export function readParts(content: unknown, path = 'content'): { text: string; thoughts: string } {
  if (content === null || content === undefined) return { text: '', thoughts: '' };
  if (typeof content === 'string') return { text: content, thoughts: '' };
  if (!Array.isArray(content)) throw new TranscriptError(`${path}.content must be a text or a list of parts`);
  let text = '';
  let thoughts = '';
  for (const part of content.filter(isObject)) {
    const { type, think, thinking } = part;
    if (type === 'think' || type === 'thinking') thoughts += String(think ?? thinking ?? '');
    else text += typeof part.text === 'string' ? part.text : `[${String(type ?? 'part')}]`;
  }
  return { text, thoughts };
}

/** Seconds or milliseconds since the Unix epoch, or a date in words. */
export function timeOf(value: unknown): { at?: number } {
  const ms = typeof value === 'number' ? (value < 1e12 ? value * 1_000 : value) : Date.parse(String(value));
  return Number.isFinite(ms) && value != null ? { at: ms } : {};
}

/** Adds the next part of an answer to what there is of it. */
export function extend(answer: RecordedMessage, part: RecordedMessage): void {
  const thoughts = (answer.reasoning_content ?? '') + (part.reasoning_content ?? '');
  answer.content = contentText(answer.content) + contentText(part.content);
  if (thoughts !== '') answer.reasoning_content = thoughts;
  if (!part.tool_calls) return;
  answer.tool_calls ??= [];
  answer.tool_calls.push(...part.tool_calls);
}

export function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isDefined<Item>(item: Item | undefined): item is Item {
  return item !== undefined;
}
