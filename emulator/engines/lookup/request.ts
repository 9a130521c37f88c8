import type { ChatMessage, Tool } from '../../../contract/messages.ts';

/** What the lookup model reads of a request: the prompt, and the form in which the answer is wanted. */
export interface LookupRequest {
  messages: readonly ChatMessage[];
  tools: readonly Tool[];
  /** True where the last message is an assistant's beginning that the answer continues. */
  partial: boolean;
  toolChoice: 'none' | 'auto' | 'required' | { name: string };
  responseFormat: ResponseFormat;
  signal: AbortSignal;
}

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; schema: Record<string, unknown> };

/** The whole text of the answer, or one whole tool call (`arguments` is JSON text). */
export type LookupDelta = { type: 'text'; text: string } | { type: 'tool_call'; name: string; arguments: string };
