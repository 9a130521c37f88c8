import type { ChatMessage, Tool } from '../../../contract/messages.ts';
import type { ModelDelta, ModelRequest } from '../../../emulator/models/model.ts';
import { lookupModel } from '../../../emulator/models/scriptable.ts';

export const user = (content: string): ChatMessage => ({ role: 'user', content });
export const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
export const system = (content: string): ChatMessage => ({ role: 'system', content });

/** A request for the messages, a lone text being one user message. */
export function requestOf(
  messages: string | readonly ChatMessage[],
  options: Partial<ModelRequest> = {},
): ModelRequest {
  return {
    model: 'kimi-k2-0905-preview',
    messages: typeof messages === 'string' ? [user(messages)] : messages,
    tools: [],
    partial: false,
    toolChoice: 'auto',
    responseFormat: { type: 'text' },
    maxTokens: 1024,
    temperature: 0.6,
    signal: new AbortController().signal,
    ...options,
  };
}

export async function deltasOf(request: ModelRequest): Promise<ModelDelta[]> {
  const deltas: ModelDelta[] = [];
  for await (const delta of lookupModel().complete(request)) deltas.push(delta);
  return deltas;
}

/** The text that the lookup model answers; a tool call fails. */
export async function ask(
  messages: string | readonly ChatMessage[],
  options: Partial<ModelRequest> = {},
): Promise<string> {
  const deltas = await deltasOf(requestOf(messages, options));
  return deltas.map((delta) => (delta.type === 'tool_call' ? `[call of ${delta.name}]` : delta.text)).join('');
}

export const tool = (name: string, parameters?: Record<string, unknown>, description?: string): Tool => ({
  type: 'function',
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  },
});
