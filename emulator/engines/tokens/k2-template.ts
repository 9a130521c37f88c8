import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import { BARE_ANSWER, type ChatTemplate } from './chat-template.ts';
import { K2_SIGHT, mediaTokens, UNMEASURED } from './media-tokens.ts';
import { countPieces, marker, type Piece } from './pieces.ts';
import type { Tokenizer } from './tokenizer.ts';
import { declareTools } from './tool-declarations.ts';

/**
 * The prompts of the K2 family [chat templates of the published checkpoints: K2-0905 of 2025-09; K2.5 to K2.7 as
 * MoonshotAI/Kimi-Vendor-Verifier 3dad65a renders them].
 */

const END = marker('<|im_end|>');
const MIDDLE = marker('<|im_middle|>');
const SYSTEM = marker('<|im_system|>');
const TURNS = {
  system: SYSTEM,
  user: marker('<|im_user|>'),
  assistant: marker('<|im_assistant|>'),
  // A tool's result is a message of the system.
  tool: SYSTEM,
};
const CALLS_BEGIN = marker('<|tool_calls_section_begin|>');
const CALLS_END = marker('<|tool_calls_section_end|>');
const CALL_BEGIN = marker('<|tool_call_begin|>');
const ARGUMENTS_BEGIN = marker('<|tool_call_argument_begin|>');
const CALL_END = marker('<|tool_call_end|>');
const MEDIA_BEGIN = marker('<|media_begin|>');
const MEDIA_CONTENT = marker('<|media_content|>');
const MEDIA_END = marker('<|media_end|>');
const THINK = marker('<think>');
const THINK_END = marker('</think>');

/** K2-0905: no reasoning, tools as JSON. */
export const K2_TEMPLATE: ChatTemplate = {
  namesAnsweredCalls: false,
  tools: (tools) => (tools.length === 0 ? [] : declaration(JSON.stringify(tools))),
  message: (message) => ({ body: turn(message, []), reasoning: [] }),
  request: (_, begun) => (begun ? [] : [...ANSWER_OPENING]),
  ending: [END],
  calls: callPieces,
  answer: () => BARE_ANSWER,
};

/**
 * K2.5, K2.6 and K2.7: a think block in each answer, empty where its reasoning is not kept; tools in TypeScript. Not known of
 * the live service, and decided here: that the block which opens the answer is counted with the prompt.
 */
export const K25_TEMPLATE: ChatTemplate = {
  ...K2_TEMPLATE,
  tools: (tools) => (tools.length === 0 ? [] : declaration(declareTools(tools))),
  message: (message) => {
    if (message.role !== 'assistant') return { body: turn(message, []), reasoning: [] };
    const reasoning = message.reasoning_content ?? '';
    return { body: turn(message, [THINK, THINK_END]), reasoning: reasoning === '' ? [] : [reasoning] };
  },
  request: ({ thinking }, begun) => {
    if (begun) return [];
    return thinking ? [...ANSWER_OPENING, THINK] : [...ANSWER_OPENING, THINK, THINK_END];
  },
  // Without thinking, too: live answers then count one token of reasoning [captured of K2.5 and K2.6, 2026-08].
  answer: (_, begun) => (begun ? BARE_ANSWER : { ...BARE_ANSWER, afterReasoning: [THINK_END] }),
};

const ANSWER_OPENING: readonly Piece[] = [TURNS.assistant, 'assistant', MIDDLE];

function declaration(text: string): Piece[] {
  return [SYSTEM, 'tool_declare', MIDDLE, text, END];
}

function turn({ role, name, content, tool_calls = [], tool_call_id }: ChatMessage, block: readonly Piece[]): Piece[] {
  const heading = role === 'tool' ? `## Return of ${tool_call_id ?? ''}\n` : '';
  return [TURNS[role], name ?? role, MIDDLE, ...block, ...said(heading, content), ...callPieces(tool_calls), END];
}

/** Text is one piece up to the next picture, whose line break begins the next piece. */
function said(heading: string, content: ChatMessage['content']): Piece[] {
  if (!Array.isArray(content)) return [heading + (content ?? '')];
  const pieces: Piece[] = [];
  let text = heading;
  for (const part of content) {
    if (part.type === 'text') {
      text += part.text;
      continue;
    }
    const pads = marker('<|media_pad|>', mediaTokens(part.media ?? UNMEASURED, K2_SIGHT));
    const kind = part.type === 'image_url' ? 'image' : 'video';
    pieces.push(text, MEDIA_BEGIN, kind, MEDIA_CONTENT, pads, MEDIA_END);
    text = '\n';
  }
  return [...pieces, text];
}

function callPieces(calls: NonNullable<ChatMessage['tool_calls']>): Piece[] {
  if (calls.length === 0) return [];
  const each = calls.flatMap((call) => [CALL_BEGIN, call.id, ARGUMENTS_BEGIN, call.function.arguments, CALL_END]);
  return [CALLS_BEGIN, ...each, CALLS_END];
}

/** Tokens of a message of K2-0905, markup included; runs to the end without a pause. */
export function messageTokens(tokenizer: Tokenizer, message: ChatMessage): number {
  return countPieces(tokenizer, K2_TEMPLATE.message(message).body);
}

/** Tokens of a tool declaration of K2-0905; 0 where there are no tools. */
export function toolsTokens(tokenizer: Tokenizer, tools: readonly Tool[]): number {
  return countPieces(tokenizer, K2_TEMPLATE.tools(tools));
}
