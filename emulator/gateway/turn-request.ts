import * as z from 'zod';
import { type ChatRequest, chatRequest } from '../../contract/chat.ts';
import { type Limits, oncePerLimits } from '../../contract/limits.ts';
import type { ChatMessage, ContentPart } from '../../contract/messages.ts';
import { encodeBlob } from '../engines/media/data-url.ts';
import { typeOf } from '../engines/media/formats.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { Services } from '../services.ts';
import { referenceOf, withUrl } from '../sessions/media.ts';
import { members } from './usage.ts';

/**
 * What a session turn has to know of a chat request. All else is the upstream's affair, and goes there as it came: what a field
 * may hold is not checked where only the count of the prompt depends on it.
 */
export const turnRequest = oncePerLimits((limits: Limits) => {
  const whole = chatRequest(limits);
  const { tool_choice, response_format, thinking, reasoning_effort, prompt_cache_options } = whole.shape;
  return z.object({
    ...whole.pick({
      model: true,
      messages: true,
      session_id: true,
      stream: true,
      n: true,
      max_tokens: true,
      max_completion_tokens: true,
      tools: true,
    }).shape,
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    tool_choice: tool_choice.catch(undefined),
    response_format: response_format.catch(undefined),
    thinking: thinking.catch(undefined),
    reasoning_effort: reasoning_effort.catch(undefined),
    prompt_cache_options: prompt_cache_options.catch(undefined),
  });
});

interface TurnBody {
  /** The request's body as the client sent it. */
  sent: unknown;
  /** The window, as the model is to read it. */
  window: readonly ChatMessage[];
  /** Of the session, where the request brings none. */
  tools: readonly object[];
  /** What of the answer's length is changed, because less is left of the window. */
  answerTokens: Readonly<Record<string, number>>;
  isStreamed: boolean;
}

const ENCODER = new TextEncoder();
/** UTF-16 units that are encoded at once: a network write. */
const PART_UNITS = 65_536;

/**
 * The body that the upstream is sent: the request's own fields, less those of the dialect, with the window before its messages.
 * In parts, so that a full window never stands in memory as one text.
 */
export async function turnBody(services: Services, turn: TurnBody): Promise<Uint8Array[]> {
  const { session_id: _, messages, tools, stream_options, ...fields } = members(turn.sent);
  const head = {
    ...fields,
    ...turn.answerTokens,
    ...(tools != null ? { tools } : turn.tools.length > 0 && { tools: turn.tools }),
    // Some tell of usage only where they are asked.
    ...(turn.isStreamed && { stream_options: { ...members(stream_options), include_usage: true } }),
  };
  const parts: Uint8Array[] = [];
  let text = `${JSON.stringify(head).slice(0, -1)}${Object.keys(head).length > 0 ? ',' : ''}"messages":[`;
  const written = (Array.isArray(messages) ? messages : []).map(withoutPin);
  let separator = '';
  for (const message of concat(turn.window, written)) {
    text += separator + JSON.stringify(withMedia(services, message));
    separator = ',';
    if (text.length >= PART_UNITS) {
      parts.push(ENCODER.encode(text));
      text = '';
    }
    if (sliceIsOver()) await yieldToEventLoop();
  }
  parts.push(ENCODER.encode(`${text}]}`));
  return parts;
}

function* concat(...lists: readonly (readonly unknown[])[]): Generator<unknown> {
  for (const list of lists) yield* list;
}

function withoutPin(message: unknown): unknown {
  const { pinned: _, ...sent } = members(message);
  return sent;
}

/** A message whose pictures and videos have their bytes again. */
function withMedia({ store }: Services, message: unknown): unknown {
  const { content } = members(message);
  if (!Array.isArray(content)) return message;
  return { ...members(message), content: content.map((part) => withBytes(store, part as ContentPart)) };
}

function withBytes({ blobs }: Services['store'], part: ContentPart): ContentPart {
  if (part.type !== 'image_url' && part.type !== 'video_url') return part;
  const { media: _, ...sent } = part;
  const reference = referenceOf(part);
  if (!reference) return sent;
  const parts = [...blobs.read(reference.hash)];
  // A file that was uploaded here is not there.
  const head = reference.isFile ? `data:${typeOf(parts[0] ?? new Uint8Array())};base64,` : reference.head;
  return withUrl(sent, head + encodeBlob({ parts }));
}

/** Headers of the request that are about its body, or the dialect's own. */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-match',
]);

export function lengthOf(parts: readonly Uint8Array[]): string[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return ['Content-Type', 'application/json', 'Accept-Encoding', 'identity', 'Content-Length', String(length)];
}

/** The field in which the request names the length of its answer. */
export function answerField({ max_completion_tokens, max_tokens }: ChatRequest): string {
  return max_completion_tokens == null && max_tokens != null ? 'max_tokens' : 'max_completion_tokens';
}
