import * as z from 'zod';
import { ToolCall } from './messages.ts';
import { SessionState } from './sessions.ts';

export * from './chat-request.ts';

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
