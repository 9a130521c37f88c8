import * as z from 'zod';
import { type Limits, oncePerLimits } from './limits.ts';
import { listQuery } from './lists.ts';
import { metadataSchema } from './sessions.ts';

const SECONDS_IN_TEN_YEARS = 315_360_000;
export const SCOPES = ['restored', 'archived'] as const;
export type Scope = (typeof SCOPES)[number];

/** Request bodies and queries of the snapshot and share routes. */
export const snapshotRequests = oncePerLimits((limits: Limits) => {
  return {
    create: z.object({
      preserve_len: z.int().optional(),
      name: z.string().max(limits.title_chars).nullable().optional(),
      metadata: metadataSchema(limits).nullable().optional(),
    }),
    share: z.object({ expires_in: z.int().min(1).max(SECONDS_IN_TEN_YEARS).nullable().optional() }),
    messagesQuery: listQuery(limits).extend({
      scope: z.enum(SCOPES).default('restored'),
      query: z.string().optional(),
    }),
  };
});

type Requests = ReturnType<typeof snapshotRequests>;
export type CreateSnapshotRequest = z.infer<Requests['create']>;
export type ShareRequest = z.infer<Requests['share']>;
export type SnapshotMessagesQuery = z.infer<Requests['messagesQuery']>;

const tokens = z.int().min(0);
const messages = z.int().min(0);

export const Share = z.object({ share_id: z.string(), expires_at: z.int().nullable() }).meta({ id: 'Share' });

export const Snapshot = z
  .object({
    id: z.string(),
    snapshot_id: z.string().meta({ description: 'The same value as `id`.' }),
    object: z.literal('session.snapshot'),
    session_id: z.string(),
    name: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    preserve_len: z.int().nullable(),
    usage: z
      .object({ total_tokens: tokens, tools_tokens: tokens, messages })
      .meta({ description: 'What it restores.' }),
    archived: z.object({ total_tokens: tokens, messages }).meta({ description: 'What it holds.' }),
    created_at: z.int().min(0),
    share: Share.nullable(),
  })
  .meta({ id: 'Snapshot' });

/** What a share shows to another account. */
export const SharedSnapshot = Snapshot.omit({ session_id: true, metadata: true, archived: true }).meta({
  id: 'SharedSnapshot',
});

export const SnapshotDeleted = z
  .object({ id: z.string(), object: z.literal('session.snapshot.deleted'), deleted: z.literal(true) })
  .meta({ id: 'SnapshotDeleted' });

export type Share = z.infer<typeof Share>;
export type Snapshot = z.infer<typeof Snapshot>;
export type SharedSnapshot = z.infer<typeof SharedSnapshot>;
export type SnapshotDeleted = z.infer<typeof SnapshotDeleted>;
