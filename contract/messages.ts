import * as z from 'zod';
import type { Limits } from './limits.ts';

/** Roles that the live API accepts. */
export const ROLES = ['system', 'user', 'assistant', 'tool'] as const;

const TextPart = z.object({ type: z.literal('text'), text: z.string() }).meta({ id: 'TextPart' });

/** Where a picture or a video is: `data:TYPE;base64,…`, or `ms://FILE_ID` of an uploaded file; bare, or as `{url}`. */
const Located = z.union([z.string(), z.object({ url: z.string() })], { error: 'must be a url, or an object with one' });
const ImagePart = z.object({ type: z.literal('image_url'), image_url: Located }).meta({ id: 'ImagePart' });
const VideoPart = z.object({ type: z.literal('video_url'), video_url: Located }).meta({ id: 'VideoPart' });

const CONTENT_WANTED = 'must be text, or a list of parts of type text';
/** Text, or text in parts. */
export const MessageContent = z.union([z.string(), z.array(TextPart).min(1)], { error: CONTENT_WANTED });

const MEDIA_WANTED = 'must be text, or a list of parts of type text, image_url or video_url';
const Part = z.discriminatedUnion('type', [TextPart, ImagePart, VideoPart]);
/** The same with pictures and videos, on models that take them. */
export const MediaContent = z.union([z.string(), z.array(Part).min(1)], { error: MEDIA_WANTED });

const media = z.exactOptional(
  z.object({ width: z.int().min(1), height: z.int().min(1), seconds: z.exactOptional(z.number().min(0)) }),
);
/** The same as it is stored: measured. */
export const MeasuredContent = z.union(
  [
    z.string(),
    z.array(z.discriminatedUnion('type', [TextPart, ImagePart.extend({ media }), VideoPart.extend({ media })])).min(1),
  ],
  { error: MEDIA_WANTED },
);

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
 * A function that the model may call, the client's or, as `builtin_function`, the server's own. Unknown members are kept: they
 * are part of what the model reads. Which names and schemas are valid depends on the model.
 */
export const Tool = z
  .looseObject({
    type: z.enum(['function', 'builtin_function']),
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
const UserMessage = z.object({ role: z.literal('user'), content: MediaContent, name, pinned });
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
  content: MediaContent,
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
export type MediaPart = z.infer<typeof ImagePart> | z.infer<typeof VideoPart>;
export type ToolCall = z.infer<typeof ToolCall>;
export type Tool = z.infer<typeof Tool>;
export type InputMessage = z.infer<typeof InputMessage>;

/** What the header of a picture or a video says. */
export interface MediaSize {
  width: number;
  height: number;
  /** How long a video runs. */
  seconds?: number;
}

/** A picture or a video as a model reads it: measured. */
export type MeasuredPart = MediaPart & { media?: MediaSize };
export type ContentPart = z.infer<typeof TextPart> | MeasuredPart;

/** A message as a model reads it: what a client sent, less the flags that steer one request or the session. */
export interface ChatMessage {
  role: Role;
  content: string | ContentPart[] | null;
  name?: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  /** What the assistant thought before it answered. */
  reasoning_content?: string;
  /** Tools that a system message adds to those of the request. */
  tools?: Tool[];
}

export { contentText } from './content-text.ts';
