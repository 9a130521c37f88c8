import * as z from 'zod';
import { type Limits, oncePerLimits } from './limits.ts';
import { inputMessages, MessageContent, Tool, ToolCall } from './messages.ts';
import { SessionState } from './sessions.ts';

const ToolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.object({ type: z.literal('function'), function: z.object({ name: z.string().min(1) }) }),
  ],
  { error: 'must be none, auto, required, or {"type":"function","function":{"name":…}}' },
);

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

/**
 * Parameters: Kimi API documentation, collected 2026-11. `session_id` is the session dialect's. Which values a model takes, its
 * profile says.
 */
export const chatRequest = oncePerLimits((limits: Limits) => {
  const stopString = z.string().refine((text) => new TextEncoder().encode(text).length <= limits.stop_bytes, {
    error: `a stop string takes at most ${limits.stop_bytes} bytes`,
  });
  return z.object({
    model: z.string().min(1),
    messages: inputMessages(limits),
    session_id: z.string().min(1).nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
    temperature: z.number().nullish(),
    top_p: z.number().nullish(),
    n: z.number().nullish(),
    max_tokens: z.int().min(1).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    presence_penalty: z.number().nullish(),
    frequency_penalty: z.number().nullish(),
    stop: z.union([stopString, z.array(stopString)]).nullish(),
    tools: z.array(Tool).max(limits.tools).nullish(),
    tool_choice: ToolChoice.nullish(),
    response_format: ResponseFormat.nullish(),
    prompt_cache_key: z.string().nullish(),
    thinking: z
      .object({ type: z.string().nullish(), keep: z.string().nullish(), effort: z.string().nullish() })
      .nullish(),
    reasoning_effort: z.string().nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish(),
    prediction: z.object({ type: z.literal('content'), content: MessageContent }).nullish(),
    safety_identifier: z.string().nullish(),
    prompt_cache_options: z
      .object({ mode: z.literal('implicit').nullish(), ttl: z.enum(['5m', '1h']).nullish() })
      .nullish(),
  });
});

/** What sampling may be asked for on a model that does not fix it. */
export const freeSampling = oncePerLimits((limits: Limits) =>
  z.object({
    temperature: z.number().min(0).max(1).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    n: z.int().min(1).max(limits.choices).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
  }),
);

export type ChatRequest = z.infer<ReturnType<typeof chatRequest>>;

export const FinishReason = z.enum(['stop', 'length', 'tool_calls']);
export type FinishReason = z.infer<typeof FinishReason>;

const tokens = z.int().min(0);

/** `cached_tokens` is absent when zero, as on the live API. */
export const CompletionUsage = z
  .object({
    prompt_tokens: tokens,
    completion_tokens: tokens,
    total_tokens: tokens,
    cached_tokens: z.int().min(1).optional(),
    completion_tokens_details: z.object({ reasoning_tokens: tokens }).optional(),
    prompt_tokens_details: z
      .object({ cached_tokens: z.int().min(1).optional(), cache_write_tokens: z.int().min(1).optional() })
      .optional(),
  })
  .meta({ id: 'CompletionUsage' });

const envelope = { id: z.string(), created: z.int(), model: z.string() };

export const ChatCompletion = z
  .object({
    ...envelope,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({
          role: z.literal('assistant'),
          content: z.string(),
          reasoning_content: z.string().optional(),
          tool_calls: z.array(ToolCall.required({ index: true })).optional(),
        }),
        finish_reason: FinishReason,
      }),
    ),
    usage: CompletionUsage,
    session: SessionState.optional(),
  })
  .meta({ id: 'ChatCompletion' });

const ToolCallDelta = z.object({
  index: z.int(),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string() }),
});

/** Usage stands inside `choices[0]` of the finish chunk, always [captured]. */
export const ChatCompletionChunk = z
  .object({
    ...envelope,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.int(),
        delta: z.object({
          role: z.literal('assistant').optional(),
          content: z.string().optional(),
          reasoning_content: z.string().optional(),
          tool_calls: z.array(ToolCallDelta).optional(),
        }),
        finish_reason: FinishReason.nullable(),
        usage: CompletionUsage.optional(),
      }),
    ),
    usage: CompletionUsage.optional(),
    system_fingerprint: z.string().optional(),
    session: SessionState.optional(),
  })
  .meta({ id: 'ChatCompletionChunk' });

export type CompletionUsage = z.infer<typeof CompletionUsage>;
export type ChatCompletion = z.infer<typeof ChatCompletion>;
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;
export type ToolCallDelta = z.infer<typeof ToolCallDelta>;
