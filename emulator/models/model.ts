import type { ChatMessage, Tool } from '../../contract/messages.ts';

/** What a model reads: exactly the prompt that the API would have sent, and the request's settings. */
export interface ModelRequest {
  model: string;
  messages: readonly ChatMessage[];
  tools: readonly Tool[];
  /** True where the last message is an assistant's beginning that the answer continues. */
  partial: boolean;
  toolChoice: 'none' | 'auto' | 'required' | { name: string };
  responseFormat: ResponseFormat;
  maxTokens: number;
  temperature: number;
  /** How much to think before the answer; undefined where not at all. */
  thinking?: 'low' | 'high' | 'max';
  /** The session that the turn belongs to, if to any. */
  session?: { id: string };
  signal: AbortSignal;
}

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; schema: Record<string, unknown> };

/** A stretch of reasoning or of text of any length, or one whole tool call (`arguments` is JSON text). */
export type ModelDelta =
  | { type: 'reasoning'; text: string }
  | { type: 'text'; text: string }
  | { type: 'tool_call'; name: string; arguments: string };

/**
 * The same request with messages and tools of its own, for code that may change what it is given: those of a session's window are
 * shared by all its turns.
 */
export function withOwnPrompt(request: ModelRequest): ModelRequest {
  const { messages, tools } = request;
  return { ...request, ...structuredClone({ messages, tools }) };
}

/** What answers. Reasoning of a request that does not think is dropped. `max_tokens`, `stop`, chunking and usage are applied by `chat/`, the same for every model. */
export interface Model {
  readonly name: string;
  complete(request: ModelRequest): AsyncIterable<ModelDelta>;
}
