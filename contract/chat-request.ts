import * as z from 'zod';
import type { Limits } from './limits.ts';
import { inputMessages, Tool } from './messages.ts';

const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string().min(1) }) }),
]);

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().min(1),
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().nullish(),
      description: z.string().nullish(),
    }),
  }),
]);

/** Parameters and ranges: Kimi API documentation, collected 2026-11. `session_id` is the session dialect's. */
export const chatRequest = (limits: Limits) => {
  const stopString = z.string().refine((text) => new TextEncoder().encode(text).length <= limits.stop_bytes, {
    error: `a stop string takes at most ${limits.stop_bytes} bytes`,
  });
  return z.object({
    model: z.string().min(1),
    messages: inputMessages(limits),
    session_id: z.string().min(1).nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
    temperature: z.number().min(0).max(1).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    n: z.int().min(1).max(limits.choices).nullish(),
    max_tokens: z.int().min(1).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    stop: z.union([stopString, z.array(stopString).max(limits.stop_sequences)]).nullish(),
    tools: z.array(Tool).max(limits.tools).nullish(),
    tool_choice: ToolChoice.nullish(),
    response_format: ResponseFormat.nullish(),
    prompt_cache_key: z.string().nullish(),
  });
};

export type ChatRequest = z.infer<ReturnType<typeof chatRequest>>;
