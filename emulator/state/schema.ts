import * as z from 'zod';
import { FILE_PURPOSES } from '../../contract/files.ts';
import type { Limits } from '../../contract/limits.ts';
import { MeasuredContent, MessageContent, Tool, ToolCall } from '../../contract/messages.ts';
import { metadataSchema } from '../../contract/sessions.ts';
import { findFault } from '../documents.ts';
import { StateError } from './state-file.ts';

/** Seconds up to the latest time of a `Date`. Every other count is far below it, and all arithmetic is exact. */
const MOST = 8_640_000_000_000;
/** Maximum length of an error's details: names in them come from the file. */
const MAX_DETAILS = 500;
const count = z.int().min(0).max(MOST);
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}_[\\w-]{1,64}$`), `must be an id such as ${prefix}_…`);
/** The hash of a key. */
const account = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a key, in hex');
const name = z.string().min(1);

const Body = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('system'),
    content: MessageContent.nullable(),
    name: z.exactOptional(name),
    tools: z.exactOptional(z.array(Tool).min(1)),
  }),
  z.strictObject({ role: z.literal('user'), content: MeasuredContent, name: z.exactOptional(name) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: MessageContent.nullable(),
    name: z.exactOptional(name),
    tool_calls: z.exactOptional(z.array(ToolCall).min(1)),
    reasoning_content: z.exactOptional(z.string()),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: MeasuredContent,
    name: z.exactOptional(name),
    tool_call_id: name,
  }),
]);

const Message = z.strictObject({
  id: id('msg'),
  created_at: count,
  truncated: z.boolean(),
  summary: z.boolean(),
  body: Body,
});

/** Bytes that messages refer to by their hash. */
const StoredBlob = z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/), base64: z.string().min(1) });

/** An uploaded file, whose bytes are the blob of that hash. */
const StoredFile = z.strictObject({
  id: z.string().regex(/^[\w-]{1,64}$/, 'must be an id such as file-…'),
  account,
  filename: name,
  purpose: z.enum(FILE_PURPOSES),
  created_at: count,
  hash: StoredBlob.shape.hash,
});

/** A message's place in a history: `seq` counts from the root along the whole path, `group` is the `seq` of its group's first. */
const Entry = z.strictObject({
  seq: count.min(1),
  message: count,
  tokens: count,
  group: count.min(1),
  pinned: z.boolean(),
  held: z.boolean(),
  /** Tokens of its reasoning, and whether a prompt drops that of all before it; absent where 0 and false. */
  reasoning: z.exactOptional(count),
  border: z.exactOptional(z.literal(true)),
});

/** A run of entries after `parent_seq`; up to there the history is that of segment number `parent`. */
const Segment = z.strictObject({ parent: count.nullable(), parent_seq: count });
const SegmentOutline = Segment.extend({ entries: z.array(z.unknown()) });

/** The visible part of a history: from `floor` to `head`, an entry of segment number `segment`, and the pinned entries before. */
const Window = z.strictObject({
  segment: count.nullable(),
  head: count,
  floor: count.min(1),
  tokens: count,
  messages: count,
});

/** Schemas that depend on the limits of the contract, as in a request. */
function limited(limits: Limits) {
  const title = z.string().max(limits.title_chars).nullable();
  const pairs = metadataSchema(limits);
  const toolset = z.strictObject({ tokens: count, tools: z.array(Tool).min(1).max(limits.tools) });
  const session = z.strictObject({
    id: id('sess'),
    account,
    model: z.string(),
    title,
    metadata: pairs,
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

  const snapshot = z.strictObject({
    id: id('snap'),
    account,
    session_id: id('sess'),
    model: z.string(),
    name: title,
    metadata: pairs,
    toolset: count.nullable(),
    calls: count,
    preserve_len: count.nullable(),
    created_at: count,
    share: z.strictObject({ share_id: id('shr'), expires_at: count.nullable() }).nullable(),
    archived: Window,
    restored: Window,
  });
  return { toolset, session, snapshot };
}

type Limited = ReturnType<typeof limited>;

/**
 * The content of a state file. A number that names something is its index in its list; a segment follows its parent, sessions
 * and snapshots are in the order in which they were created.
 */
export interface PortableState {
  /** Vocabulary with which all tokens were counted. */
  tokenizer: string;
  toolsets: z.infer<Limited['toolset']>[];
  messages: PortableMessage[];
  segments: PortableSegment[];
  sessions: z.infer<Limited['session']>[];
  snapshots: z.infer<Limited['snapshot']>[];
  /** Absent where no message has a picture or a video, and no file is there. */
  blobs?: z.infer<typeof StoredBlob>[];
  /** Absent where there is none. */
  files?: PortableFile[];
}

export type PortableEntry = z.infer<typeof Entry>;
type PortableSegment = z.infer<typeof Segment> & { entries: PortableEntry[] };
export type PortableWindow = z.infer<typeof Window>;
export type PortableFile = z.infer<typeof StoredFile>;
export type PortableMessage = z.infer<typeof Message>;

const list = z.array(z.unknown());

/** The outline: lists of items that are not validated yet. */
const Outline = z.strictObject({
  tokenizer: z.string(),
  toolsets: list,
  messages: list,
  segments: list,
  sessions: list,
  snapshots: list,
  blobs: z.exactOptional(list),
  files: z.exactOptional(list),
});

/** Validates the content of a state file. Runs in slices, one item per step. @throws StateError naming the member */
export function* parseState(value: unknown, limits: Limits): Generator<void, PortableState> {
  const { toolset, session, snapshot } = limited(limits);
  const outline = parse(Outline, value, []);
  const toolsets = yield* parseList(toolset, outline.toolsets, ['toolsets']);
  const messages = yield* parseList(Message, outline.messages, ['messages']);
  const segments: PortableSegment[] = [];
  for (const [index, segment] of outline.segments.entries()) {
    const path = ['segments', index];
    const { entries, ...place } = parse(SegmentOutline, segment, path);
    segments.push({ ...place, entries: yield* parseList(Entry, entries, [...path, 'entries']) });
  }
  const sessions = yield* parseList(session, outline.sessions, ['sessions']);
  const snapshots = yield* parseList(snapshot, outline.snapshots, ['snapshots']);
  const blobs = yield* parseList(StoredBlob, outline.blobs ?? [], ['blobs']);
  const files = yield* parseList(StoredFile, outline.files ?? [], ['files']);
  return { tokenizer: outline.tokenizer, toolsets, messages, segments, sessions, snapshots, blobs, files };
}

function* parseList<Item extends z.ZodType>(
  item: Item,
  values: readonly unknown[],
  path: readonly PropertyKey[],
): Generator<void, z.output<Item>[]> {
  const found: z.output<Item>[] = [];
  for (const [index, value] of values.entries()) {
    found.push(parse(item, value, [...path, index]));
    yield;
  }
  return found;
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: readonly PropertyKey[],
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
  const { message } = findFault(new z.ZodError(issues));
  throw new StateError(`the file's state is invalid: ${message.slice(0, MAX_DETAILS)}`);
}
