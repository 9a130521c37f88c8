import { createHash } from 'node:crypto';
import type { ChatMessage, MediaSize, Tool, ToolCall } from '../../../contract/messages.ts';
import type { Tokenizer } from './tokenizer.ts';
import { declareTools } from './tool-declarations.ts';

/** Tokens of a message in a prompt. */
export interface MessageSize {
  /** All of it but its reasoning. */
  readonly tokens: number;
  /** What it takes more where the prompt keeps its reasoning. */
  readonly reasoning: number;
}

/** Tokens of the markup around the parts of an answer. */
export type MarkupSizes = { readonly [Part in keyof AnswerMarkup]: number };

/** Lists of tools whose sizes are remembered, the newest: some 20 KiB. */
const MOST_TOOL_SIZES = 256;
/** UTF-16 units of texts whose sizes are remembered, of one and of all: a megabyte at most. */
const TEXT_UNITS = { least: 64, most: 16_384, all: 2 ** 19 } as const;

/** Counts the parts of the prompts of one family of models. A prompt is the sum of its parts, because markers part them. */
export class PromptCounter {
  readonly tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #markup = new Map<string, MarkupSizes>();
  /** Tokens of lists of tools that were counted, by the hash of their text. */
  readonly #toolSizes = new Map<string, number>();
  /** Tokens of texts of messages, which clients without sessions send again with every request. */
  readonly #textSizes = new Map<string, number>();
  #textUnits = 0;
  #emptyAnswer: MessageSize | undefined;

  constructor(tokenizer: Tokenizer, template: ChatTemplate) {
    this.tokenizer = tokenizer;
    this.#template = template;
  }

  /** Whether the size of a tool's result depends on the call that it answers. */
  get needsAnsweredCalls(): boolean {
    return this.#template.namesAnsweredCalls;
  }

  /** @param answered the call that a tool's result answers */
  async message(message: ChatMessage, answered?: AnsweredCall): Promise<MessageSize> {
    const { body, reasoning } = this.#template.message(message, answered);
    let tokens = 0;
    for (const piece of body) {
      const size = typeof piece === 'string' ? this.#text(piece) : piece.times;
      tokens += typeof size === 'number' ? size : await size;
    }
    return { tokens, reasoning: reasoning.length === 0 ? 0 : await countPiecesSliced(this.tokenizer, reasoning) };
  }

  #text(text: string): number | Promise<number> {
    if (text.length < TEXT_UNITS.least) return this.tokenizer.count(text);
    if (text.length > TEXT_UNITS.most) return this.tokenizer.countSliced(text);
    const known = this.#textSizes.get(text);
    return known ?? this.#countText(text);
  }

  async #countText(text: string): Promise<number> {
    const tokens = await countPiecesSliced(this.tokenizer, [text]);
    if (this.#textUnits + text.length > TEXT_UNITS.all) {
      this.#textSizes.clear();
      this.#textUnits = 0;
    }
    this.#textSizes.set(text, tokens);
    this.#textUnits += text.length;
    return tokens;
  }

  /** Declared tools; 0 where there are none. The same ones, as an agent sends them with every step, are counted once. */
  async tools(tools: readonly Tool[]): Promise<number> {
    if (tools.length === 0) return 0;
    const key = createHash('sha256').update(JSON.stringify(tools)).digest('base64');
    const known = this.#toolSizes.get(key);
    if (known !== undefined) return known;
    const tokens = await countPiecesSliced(this.tokenizer, this.#template.tools(tools));
    const [oldest] = this.#toolSizes.keys();
    if (this.#toolSizes.size >= MOST_TOOL_SIZES && oldest !== undefined) this.#toolSizes.delete(oldest);
    this.#toolSizes.set(key, tokens);
    return tokens;
  }

  /** What a request adds to its tools and messages; less than 0 where it takes the end from an answer that is begun. */
  async request(settings: PromptSettings, begun: boolean): Promise<number> {
    const added = await countPiecesSliced(this.tokenizer, this.#template.request(settings, begun));
    return begun ? added - countPieces(this.tokenizer, this.#template.ending) : added;
  }

  /** Calls within an answer. */
  calls(calls: readonly ToolCall[]): Promise<number> {
    return countPiecesSliced(this.tokenizer, this.#template.calls([...calls]));
  }

  /** An assistant's message without text, calls and reasoning. */
  get emptyAnswer(): MessageSize {
    if (!this.#emptyAnswer) {
      const { body, reasoning } = this.#template.message({ role: 'assistant', content: '' });
      const sizes = { tokens: countPieces(this.tokenizer, body), reasoning: countPieces(this.tokenizer, reasoning) };
      this.#emptyAnswer = sizes;
    }
    return this.#emptyAnswer;
  }

  /** What the model writes around the parts of its answer. */
  markup(thinking: boolean, begun: boolean): MarkupSizes {
    const key = `${thinking} ${begun}`;
    const known = this.#markup.get(key);
    if (known) return known;
    const { beforeReasoning, afterReasoning, beforeText, afterText, end } = this.#template.answer(thinking, begun);
    const sizes = {
      beforeReasoning: countPieces(this.tokenizer, beforeReasoning),
      afterReasoning: countPieces(this.tokenizer, afterReasoning),
      beforeText: countPieces(this.tokenizer, beforeText),
      afterText: countPieces(this.tokenizer, afterText),
      end: countPieces(this.tokenizer, end),
    };
    this.#markup.set(key, sizes);
    return sizes;
  }
}

/**
 * Which call each tool's result answers, for messages behind the newest group of a history; undefined for other messages, and
 * for results without a call.
 */
export function answeredCalls(
  newest: readonly ChatMessage[],
  messages: readonly ChatMessage[],
): (AnsweredCall | undefined)[] {
  const open = new Map<string, AnsweredCall>();
  const note = ({ role, tool_calls = [] }: ChatMessage): void => {
    if (role !== 'tool') open.clear();
    for (const [place, { id, function: called }] of tool_calls.entries()) {
      open.set(id, { tool: called.name, index: place + 1 });
    }
  };
  for (const message of newest) note(message);
  return messages.map((message) => {
    note(message);
    return message.role === 'tool' ? open.get(message.tool_call_id ?? '') : undefined;
  });
}

/** How a request asks to be answered, as far as its prompt says so. */
export interface PromptSettings {
  readonly thinking: boolean;
  readonly effort: 'low' | 'high' | 'max';
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly responseFormat:
    | { readonly type: 'text' }
    | { readonly type: 'json_object' }
    | { readonly type: 'json_schema'; readonly schema: unknown };
}

/** Which call a tool's result answers: the name of its function, and its place among the calls of the message, from 1. */
export interface AnsweredCall {
  readonly tool: string;
  readonly index: number;
}

/** A message in a prompt: all of it but its reasoning, and what the reasoning adds where the prompt keeps it. */
interface RenderedMessage {
  readonly body: readonly Piece[];
  readonly reasoning: readonly Piece[];
}

/** The markup around the parts of an answer that a model writes by itself, and that `completion_tokens` counts. */
interface AnswerMarkup {
  readonly beforeReasoning: readonly Piece[];
  readonly afterReasoning: readonly Piece[];
  readonly beforeText: readonly Piece[];
  readonly afterText: readonly Piece[];
  readonly end: readonly Piece[];
}

/** How the prompt of a family of models is written. A prompt is its tools, its messages and what the request adds. */
export interface ChatTemplate {
  /** Whether a tool's result names the call that it answers, so that its size depends on that. */
  readonly namesAnsweredCalls: boolean;
  /** Declared tools; nothing where there are none. */
  tools(tools: readonly Tool[]): Piece[];
  message(message: ChatMessage, answered?: AnsweredCall): RenderedMessage;
  /**
   * What a request adds to its tools and messages: how much to think, what to call, and the opening of the answer.
   * @param begun whether the last message is the beginning of the answer: then that is open already
   */
  request(settings: PromptSettings, begun: boolean): Piece[];
  /** What closes a message, and is missing where the answer is begun. */
  readonly ending: readonly Piece[];
  calls(calls: NonNullable<ChatMessage['tool_calls']>): Piece[];
  /** @param begun whether the answer goes on from a beginning, which its reasoning and its opening belong to */
  answer(thinking: boolean, begun: boolean): AnswerMarkup;
}

const NOTHING: readonly Piece[] = [];

/** An answer of which the model writes no markup. */
const BARE_ANSWER: AnswerMarkup = {
  beforeReasoning: NOTHING,
  afterReasoning: NOTHING,
  beforeText: NOTHING,
  afterText: NOTHING,
  end: NOTHING,
};

/**
 * What stands in a prompt: text, or markers of one token each. Every text is encoded by itself, because markers part it from
 * its neighbours; text that a user writes never becomes a marker.
 */
export type Piece = string | Markers;

interface Markers {
  readonly marker: string;
  readonly times: number;
}

/** Texts up to this length are counted at once: waiting for a slice takes longer. */
const SHORT = 1_024;

export function marker(text: string, times = 1): Markers {
  return { marker: text, times };
}

/** Tokens of pieces; runs to the end without a pause. */
export function countPieces(tokenizer: Tokenizer, pieces: readonly Piece[]): number {
  let sum = 0;
  for (const piece of pieces) sum += typeof piece === 'string' ? tokenizer.count(piece) : piece.times;
  return sum;
}

/** The same, giving way to the event loop. */
export async function countPiecesSliced(tokenizer: Tokenizer, pieces: readonly Piece[]): Promise<number> {
  let sum = 0;
  for (const piece of pieces) {
    if (typeof piece !== 'string') sum += piece.times;
    else sum += piece.length <= SHORT ? tokenizer.count(piece) : await tokenizer.countSliced(piece);
  }
  return sum;
}

/** The prompt for people to read. Text that looks like a marker cannot be told from one in it. */
export function toText(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.marker.repeat(piece.times))).join('');
}

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

/** How the models of one family see pictures [the checkpoints' preprocessor_config.json, as client authors report it, 2026-08]. */
interface Sight {
  /** Patches of one picture at most. */
  readonly patches: number;
  /** Frames of a video that are looked at in a second, and patches of each at most. */
  readonly framesPerSecond: number;
  readonly framePatches: number;
  /** Patches of a whole video at most. */
  readonly videoPatches: number;
}

export const K2_SIGHT: Sight = {
  patches: 16_384,
  framesPerSecond: 2,
  framePatches: 4_096,
  videoPatches: Number.POSITIVE_INFINITY,
};
export const K3_SIGHT: Sight = { patches: 65_536, framesPerSecond: 8, framePatches: 16_384, videoPatches: 655_360 };

/** Of a part that did not come by way of a request. */
export const UNMEASURED: MediaSize = { width: 1, height: 1 };

const PATCH = 14;
/** Two by two patches are one token. */
const TOKEN = 2 * PATCH;
/** 512 patches. */
const LONGEST_SIDE = 7_168;
const FRAMES_IN_A_GROUP = 4;

/**
 * Tokens of a picture or a video. Ours, because only its figures are known: each group of four frames of a video takes what one
 * frame does, and a video with too many patches is made smaller frame by frame.
 * @example mediaTokens({ width: 1024, height: 1024 }, K3_SIGHT) // 1369
 */
export function mediaTokens(size: MediaSize, sight: Sight): number {
  if (size.seconds === undefined) return imageTokens(size, sight.patches);
  const frames = Math.max(1, Math.ceil(size.seconds * sight.framesPerSecond));
  const groups = Math.ceil(frames / FRAMES_IN_A_GROUP);
  return groups * imageTokens(size, Math.min(sight.framePatches, Math.max(1, sight.videoPatches / frames)));
}

function imageTokens({ width, height }: MediaSize, patches: number): number {
  const across = Math.max(1, Math.floor(width / PATCH));
  const down = Math.max(1, Math.floor(height / PATCH));
  const scale = Math.min(1, Math.sqrt(patches / (across * down)), LONGEST_SIDE / width, LONGEST_SIDE / height);
  const scaled = (side: number) => Math.min(Math.max(1, Math.floor(side * scale)), LONGEST_SIDE);
  return Math.ceil(scaled(width) / TOKEN) * Math.ceil(scaled(height) / TOKEN);
}
