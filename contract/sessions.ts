import * as z from 'zod';
import { type Limits, oncePerLimits } from './limits.ts';
import { InputMessage, inputMessages, MediaContent, ROLES, Tool, ToolCall } from './messages.ts';

/**
 * Pairs of texts, kept as they are sent. Not a `z.record`, which leaves out a key of the name `__proto__`: to whoever sends it,
 * that is an ordinary key.
 */
export function metadataSchema(limits: Limits) {
  const key = z.string().max(limits.metadata_key_chars);
  const value = z.string().max(limits.metadata_value_chars);
  return z
    .custom<Record<string, string>>()
    .superRefine((pairs: unknown, context) => {
      if (typeof pairs !== 'object' || pairs === null || Array.isArray(pairs)) {
        context.addIssue({ code: 'invalid_type', expected: 'record', input: pairs });
        return;
      }
      // Of too many, nothing more is looked at: making entries of 45,000 takes as long as parsing them.
      if (Object.keys(pairs).length > limits.metadata_pairs) {
        context.addIssue(`at most ${limits.metadata_pairs} pairs`);
        return;
      }
      for (const [name, text] of Object.entries(pairs)) {
        const { error: wrongKey } = key.safeParse(name);
        if (wrongKey) {
          context.addIssue({
            code: 'invalid_key',
            origin: 'record',
            issues: wrongKey.issues,
            path: [name],
            input: pairs,
          });
        }
        for (const issue of value.safeParse(text).error?.issues ?? []) {
          context.addIssue({ ...issue, path: [name], input: text });
        }
      }
    })
    .meta({
      type: 'object',
      propertyNames: { type: 'string', maxLength: limits.metadata_key_chars },
      additionalProperties: { type: 'string', maxLength: limits.metadata_value_chars },
    });
}

export const COMPRESS_FORMATS = ['outline', 'json', 'text'] as const;
export type CompressFormat = (typeof COMPRESS_FORMATS)[number];
/** Who writes a summary: quotations, or the model behind a gateway. */
const COMPRESS_METHODS = ['extract', 'model'] as const;

/** Request bodies of the session routes. The least `preserve_len` is a rule of the session, with a code of its own. */
export const sessionRequests = oncePerLimits((limits: Limits) => {
  const title = z.string().max(limits.title_chars).nullable().optional();
  const pairs = metadataSchema(limits).nullable().optional();
  const preserve_len = z.int().optional();
  // Null is as good as absent.
  const tools = z.array(Tool).max(limits.tools).nullish();
  const create = z
    .object({
      model: z.string().min(1).optional(),
      title,
      metadata: pairs,
      tools,
      messages: inputMessages(limits).optional(),
      snapshot_id: z.string().min(1).optional(),
      share_id: z.string().min(1).optional(),
      preserve_len,
    })
    .superRefine(checkFork);
  return {
    create,
    update: z.object({ title, metadata: pairs, tools }),
    append: z.object({ messages: inputMessages(limits).min(1) }),
    appendOne: InputMessage,
    pin: z.object({ pinned: z.boolean() }),
    truncate: z.object({ preserve_len: z.int(), dry_run: z.boolean().optional() }),
    rollback: z.object({
      snapshot_id: z.string().min(1),
      preserve_len: z.union([z.int(), z.literal('all')]).optional(),
    }),
    compress: z.object({
      ratio: z.number().gt(1).max(limits.compress_ratio_max).default(limits.compress_ratio),
      format: z.enum(COMPRESS_FORMATS).default('outline'),
      method: z.enum(COMPRESS_METHODS).default('extract').meta({
        description:
          '`model`: the upstream of a gateway writes the summary, as text; extracted where that does not fit.',
      }),
      preserve_len,
      dry_run: z.boolean().optional(),
    }),
  };
});

/** A fork takes model, tools and messages from what it is forked from. */
function checkFork(body: Record<string, unknown>, context: z.RefinementCtx): void {
  const origins = ['snapshot_id', 'share_id'].filter((field) => body[field] !== undefined);
  const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (origins.length === 2) refuse('share_id', 'does not go with snapshot_id');
  if (origins.length === 0) {
    if (body.preserve_len !== undefined) refuse('preserve_len', 'needs snapshot_id or share_id');
    return;
  }
  for (const field of ['model', 'tools', 'messages']) {
    if (body[field] != null) refuse(field, `does not go with ${origins[0]}`);
  }
}

type Requests = ReturnType<typeof sessionRequests>;
export type CreateSessionRequest = z.infer<Requests['create']>;
export type UpdateSessionRequest = z.infer<Requests['update']>;
export type AppendRequest = z.infer<Requests['append']>;
export type TruncateRequest = z.infer<Requests['truncate']>;
export type RollbackRequest = z.infer<Requests['rollback']>;
export type CompressRequest = z.input<Requests['compress']>;

const tokens = z.int().min(0);
const unixSeconds = z.int().min(0);
const version = z.int().min(1);

/** What stands in the window: messages and session tools. */
export const Usage = z
  .object({ total_tokens: tokens, tools_tokens: tokens, remaining_tokens: z.int(), messages: z.int().min(0) })
  .meta({ id: 'Usage' });

export const SessionLimits = z
  .object({
    sessions: z.int(),
    append_tokens: z.int(),
    min_preserve_tokens: z.int(),
    window_tokens: z.int(),
    snapshots: z.int(),
  })
  .meta({ id: 'SessionLimits' });

export const Session = z
  .object({
    id: z.string(),
    session_id: z.string().meta({ description: 'The same value as `id`.' }),
    object: z.literal('session'),
    model: z.string(),
    title: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    tools: z.array(Tool),
    version,
    created_at: unixSeconds,
    updated_at: unixSeconds,
    usage: Usage,
    limits: SessionLimits,
    forked_from: z.union([z.object({ snapshot_id: z.string() }), z.object({ share_id: z.string() })]).nullable(),
  })
  .meta({ id: 'Session' });

export const SessionMessage = z
  .object({
    id: z.string(),
    object: z.literal('session.message'),
    session_id: z.string(),
    role: z.enum(ROLES),
    content: MediaContent.nullable(),
    name: z.string().optional(),
    tool_calls: z.array(ToolCall).optional(),
    tool_call_id: z.string().optional(),
    reasoning_content: z.string().optional(),
    tools: z.array(Tool).optional(),
    tokens: tokens.meta({ description: 'What it takes in the window now, its reasoning included where that is kept.' }),
    reasoning_tokens: tokens
      .optional()
      .meta({ description: 'What its reasoning takes while the prompt keeps it; absent where it has none.' }),
    pinned: z.boolean(),
    truncated: z.boolean(),
    summary: z.boolean(),
    created_at: unixSeconds,
  })
  .meta({ id: 'SessionMessage' });

export const SessionDeleted = z
  .object({ id: z.string(), object: z.literal('session.deleted'), deleted: z.literal(true) })
  .meta({ id: 'SessionDeleted' });

export const SessionAppend = z
  .object({
    object: z.literal('session.append'),
    session_id: z.string(),
    data: z.array(SessionMessage),
    tokens,
    usage: Usage,
    version,
  })
  .meta({ id: 'SessionAppend' });

export const SessionTruncation = z
  .object({
    object: z.literal('session.truncation'),
    session_id: z.string(),
    preserve_len: z.int(),
    removed: z.object({ messages: z.int().min(0), tokens }),
    before: Usage,
    after: Usage,
    version,
    dry_run: z.boolean(),
  })
  .meta({ id: 'SessionTruncation' });

export const SessionCompression = z
  .object({
    object: z.literal('session.compression'),
    session_id: z.string(),
    format: z.enum(COMPRESS_FORMATS),
    method: z.literal('model').optional().meta({ description: 'Absent where the summary was extracted.' }),
    ratio: z.object({ requested: z.number(), achieved: z.number() }),
    before: Usage,
    after: Usage,
    summary: SessionMessage.nullable(),
    snapshot_id: z.string().nullable(),
    dropped_reasoning_tokens: tokens.optional().meta({
      description: 'Tokens of the reasoning of the messages that the summary replaces; absent where it is 0.',
    }),
    version,
    dry_run: z.boolean(),
  })
  .meta({ id: 'SessionCompression' });

/** The session part of a chat answer, and of the finish chunk of a stream. */
export const SessionState = z.object({ id: z.string(), version, usage: Usage }).meta({ id: 'SessionState' });

/** What a streamed append answers: a line for each line written, then the end or an error. */
export const AppendAcknowledgement = z
  .object({ index: z.int().min(0), id: z.string(), tokens, usage: Usage, version })
  .meta({ id: 'AppendAcknowledgement' });
export const AppendEnd = z
  .object({ done: z.literal(true), lines: z.int().min(0), usage: Usage, version })
  .meta({ id: 'AppendEnd' });

export type Usage = z.infer<typeof Usage>;
export type Session = z.infer<typeof Session>;
export type SessionMessage = z.infer<typeof SessionMessage>;
export type SessionDeleted = z.infer<typeof SessionDeleted>;
export type SessionAppend = z.infer<typeof SessionAppend>;
export type SessionTruncation = z.infer<typeof SessionTruncation>;
export type SessionCompression = z.infer<typeof SessionCompression>;
export type SessionState = z.infer<typeof SessionState>;
export type AppendAcknowledgement = z.infer<typeof AppendAcknowledgement>;
export type AppendEnd = z.infer<typeof AppendEnd>;
