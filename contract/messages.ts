import * as z from 'zod';
import type { Limits } from './limits.ts';

/** Roles that the live API accepts. */
export const ROLES = ['system', 'user', 'assistant', 'tool'] as const;

const TextPart = z.object({ type: z.literal('text'), text: z.string() }).meta({ id: 'TextPart' });

const CONTENT_WANTED = 'must be text, or a list of parts of type text';
/** Text, or text in parts. The emulated models read no images. */
export const MessageContent = z.union([z.string(), z.array(TextPart).min(1)], { error: CONTENT_WANTED });

export const ToolCall = z
  .object({
    index: z.int().min(0).optional(),
    id: z.string().min(1),
    type: z.literal('function').default('function'),
    function: z.object({ name: z.string().min(1), arguments: z.string() }),
  })
  .meta({ id: 'ToolCall' });

/** A call that a client sends back. Moonshot's own client sends null where a call has no arguments [kimi-code 0.38.0]. */
const ReplayedToolCall = ToolCall.extend({
  function: z.object({ name: z.string().min(1), arguments: z.string().nullish() }),
});

/**
 * A function that the model may call. Unknown members are kept: they are part of what the model reads. Which names and schemas
 * are valid depends on the model.
 */
export const Tool = z
  .looseObject({
    type: z.literal('function'),
    function: z.looseObject({
      name: z.string(),
      description: z.string().optional(),
      parameters: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .meta({ id: 'Tool' });

const name = z.string().min(1).optional();
/** Ours: keeps the message, and the group it belongs to, through truncate and compress. */
const pinned = z.boolean().optional();

/** May bring tools instead of text, on models that take them: they are added to those of the request. */
const SystemMessage = z
  .object({
    role: z.literal('system'),
    content: MessageContent.nullish(),
    name,
    tools: z.array(Tool).nullish(),
    pinned,
  })
  .superRefine(({ content, tools }, context) => {
    if (content == null && tools == null) {
      context.addIssue({ code: 'custom', path: ['content'], message: CONTENT_WANTED });
    }
  });
const UserMessage = z.object({ role: z.literal('user'), content: MessageContent, name, pinned });
const AssistantMessage = z.object({
  role: z.literal('assistant'),
  content: MessageContent.nullish(),
  name,
  tool_calls: z.array(ReplayedToolCall).min(1).nullish(),
  reasoning_content: z.string().nullish(),
  partial: z.boolean().optional(),
  pinned,
});
const ToolMessage = z.object({
  role: z.literal('tool'),
  tool_call_id: z.string().min(1),
  content: MessageContent,
  name,
  pinned,
});

/** A message as a client sends it. */
export const InputMessage = z
  .discriminatedUnion('role', [SystemMessage, UserMessage, AssistantMessage, ToolMessage], {
    error: (issue) => (issue.code === 'invalid_union' ? `must be one of ${ROLES.join(', ')}` : undefined),
  })
  .meta({ id: 'InputMessage' });

export const inputMessages = (limits: Limits) => z.array(InputMessage).max(limits.request_messages);

export type Role = (typeof ROLES)[number];
export type MessageContent = z.infer<typeof MessageContent>;
export type ToolCall = z.infer<typeof ToolCall>;
export type Tool = z.infer<typeof Tool>;
export type InputMessage = z.infer<typeof InputMessage>;

/** A message as a model reads it: what a client sent, less the flags that steer one request or the session. */
export interface ChatMessage {
  role: Role;
  content: MessageContent | null;
  name?: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  /** What the assistant thought before it answered. */
  reasoning_content?: string;
  /** Tools that a system message adds to those of the request. */
  tools?: Tool[];
}

export { contentText } from './content-text.ts';
