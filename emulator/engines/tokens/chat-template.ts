import { type ChatMessage, contentText, type Tool } from '../../../contract/messages.ts';
import type { Tokenizer } from './tokenizer.ts';

/** `<|im_ROLE|>`, `<|im_middle|>` and `<|im_end|>`: each marker is one token in every vocabulary. */
const MESSAGE_MARKERS = 3;
/** The markers of a message and its role, one token each: what a message without a name takes beside its text and calls. */
export const MESSAGE_FRAME_TOKENS = MESSAGE_MARKERS + 1;
/** `<|im_end|>`, which closes a message and is not part of what a model delivers. */
export const MESSAGE_END_TOKENS = 1;
/** `<|im_assistant|>assistant<|im_middle|>`, which ends a prompt. */
export const GENERATION_PROMPT_TOKENS = 3;
/** `<|tool_calls_section_begin|>` and `…_end|>`. */
const CALLS_MARKERS = 2;
/** `<|tool_call_begin|>`, `<|tool_call_argument_begin|>` and `<|tool_call_end|>`. */
const CALL_MARKERS = 3;

/** What stands in the prompt: so many markers, and texts that are encoded each by itself, because markers part them. */
interface Rendered {
  readonly markers: number;
  readonly texts: readonly string[];
}

/** Tokens of a message in Kimi's chat template, framing included. */
export function messageTokens(tokenizer: Tokenizer, message: ChatMessage): number {
  return count(tokenizer, renderMessage(message));
}

/** The same as `messageTokens`, giving way to the event loop. */
export function messageTokensSliced(tokenizer: Tokenizer, message: ChatMessage): Promise<number> {
  return countSliced(tokenizer, renderMessage(message));
}

/** Tokens of a tool declaration; 0 where there are no tools. */
export function toolsTokens(tokenizer: Tokenizer, tools: readonly Tool[]): number {
  return count(tokenizer, renderTools(tools));
}

/** The same as `toolsTokens`, giving way to the event loop. */
export function toolsTokensSliced(tokenizer: Tokenizer, tools: readonly Tool[]): Promise<number> {
  return countSliced(tokenizer, renderTools(tools));
}

/**
 * Tokens of a whole prompt: tools, messages, and the generation prompt.
 * @param partial the last message is the beginning of the answer: it stays open, and no generation prompt follows it
 */
export function promptTokens(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  tools: readonly Tool[] = [],
  partial = false,
): number {
  return count(tokenizer, renderPrompt(messages, tools, partial));
}

/** The same as `promptTokens`, giving way to the event loop. */
export function promptTokensSliced(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  tools: readonly Tool[] = [],
  partial = false,
): Promise<number> {
  return countSliced(tokenizer, renderPrompt(messages, tools, partial));
}

function count(tokenizer: Tokenizer, { markers, texts }: Rendered): number {
  return texts.reduce((sum, text) => sum + tokenizer.count(text), markers);
}

async function countSliced(tokenizer: Tokenizer, { markers, texts }: Rendered): Promise<number> {
  let sum = markers;
  for (const text of texts) sum += await tokenizer.countSliced(text);
  return sum;
}

function renderPrompt(messages: readonly ChatMessage[], tools: readonly Tool[], partial: boolean): Rendered {
  const parts = [renderTools(tools), ...messages.map(renderMessage)];
  // An open last message lacks `<|im_end|>`.
  const ending = partial ? { markers: -1, texts: [] } : { markers: 2, texts: ['assistant'] };
  return joined([...parts, ending]);
}

function renderTools(tools: readonly Tool[]): Rendered {
  if (tools.length === 0) return { markers: 0, texts: [] };
  return { markers: MESSAGE_MARKERS, texts: ['tool_declare', JSON.stringify(tools)] };
}

function renderMessage(message: ChatMessage): Rendered {
  const { role, name, tool_calls, tool_call_id } = message;
  const content = contentText(message.content);
  const text = role === 'tool' ? `## Return of ${tool_call_id ?? ''}\n${content}` : content;
  const calls = tool_calls ?? [];
  return joined([
    { markers: MESSAGE_MARKERS, texts: [name ?? role, text] },
    { markers: calls.length > 0 ? CALLS_MARKERS : 0, texts: [] },
    ...calls.map((call) => ({ markers: CALL_MARKERS, texts: [call.id, call.function.arguments] })),
  ]);
}

function joined(parts: readonly Rendered[]): Rendered {
  return {
    markers: parts.reduce((sum, part) => sum + part.markers, 0),
    texts: parts.flatMap((part) => part.texts),
  };
}
