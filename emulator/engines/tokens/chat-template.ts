import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import type { Piece } from './pieces.ts';

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
export interface AnswerMarkup {
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
export const BARE_ANSWER: AnswerMarkup = {
  beforeReasoning: NOTHING,
  afterReasoning: NOTHING,
  beforeText: NOTHING,
  afterText: NOTHING,
  end: NOTHING,
};
