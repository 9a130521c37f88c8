import * as z from 'zod';
import { MessageContent, Tool, ToolCall } from '../../contract/messages.ts';

/** Seconds up to the last instant that a `Date` can name. No other count of an emulator comes near it; all arithmetic is exact. */
const MOST = 8_640_000_000_000;
const count = z.int().min(0).max(MOST);
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}_[\\w-]{1,64}$`), `must be an id such as ${prefix}_…`);
/** The hash of a key. */
const account = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a key, in hex');
const metadata = z.record(z.string(), z.string());
const name = z.string().min(1);

const Body = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'user']), content: MessageContent, name: z.exactOptional(name) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: MessageContent.nullable(),
    name: z.exactOptional(name),
    tool_calls: z.exactOptional(z.array(ToolCall).min(1)),
  }),
  z.strictObject({ role: z.literal('tool'), content: MessageContent, name: z.exactOptional(name), tool_call_id: name }),
]);

const Message = z.strictObject({
  id: id('msg'),
  created_at: count,
  truncated: z.boolean(),
  summary: z.boolean(),
  body: Body,
});

/** A message's place in a history: `seq` counts along the whole path from its root, `group` is where its group begins. */
const Entry = z.strictObject({
  seq: count.min(1),
  message: count,
  tokens: count,
  group: count.min(1),
  pinned: z.boolean(),
  held: z.boolean(),
});

/** A run of entries behind `parent_seq`; up to there the history is that of segment number `parent`. */
const Segment = z.strictObject({ parent: count.nullable(), parent_seq: count, entries: z.array(Entry) });

/** What is seen of a history: from `floor` to `head`, an entry of segment number `segment`, and what a pin holds before. */
const Window = z.strictObject({
  segment: count.nullable(),
  head: count,
  floor: count.min(1),
  tokens: count,
  messages: count,
});

const Session = z.strictObject({
  id: id('sess'),
  account,
  model: z.string(),
  title: z.string().nullable(),
  metadata,
  toolset: count.nullable(),
  version: count.min(1),
  calls: count,
  forked_from: z
    .union([z.strictObject({ snapshot_id: id('snap') }), z.strictObject({ share_id: id('shr') })])
    .nullable(),
  created_at: count,
  updated_at: count,
  window: Window,
});

const Snapshot = z.strictObject({
  id: id('snap'),
  account,
  session_id: id('sess'),
  model: z.string(),
  name: z.string().nullable(),
  metadata,
  toolset: count.nullable(),
  calls: count,
  preserve_len: count.nullable(),
  created_at: count,
  share: z.strictObject({ share_id: id('shr'), expires_at: count.nullable() }).nullable(),
  archived: Window,
  restored: Window,
});

/**
 * What a state file holds. Everything that is named by a number is named by its place in its list; a segment stands behind its
 * parent, sessions and snapshots stand in the order in which they were made.
 */
export const PortableState = z.strictObject({
  /** The vocabulary by which all tokens were counted. */
  tokenizer: z.string(),
  toolsets: z.array(z.strictObject({ tokens: count, tools: z.array(Tool).min(1) })),
  messages: z.array(Message),
  segments: z.array(Segment),
  sessions: z.array(Session),
  snapshots: z.array(Snapshot),
});

export type PortableState = z.infer<typeof PortableState>;
export type PortableEntry = z.infer<typeof Entry>;
export type PortableWindow = z.infer<typeof Window>;
export type PortableMessage = z.infer<typeof Message>;
