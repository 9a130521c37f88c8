/** Marks a file as ours, so that no other program's database is ever written to: "kimi" in ASCII. */
export const APPLICATION_ID = 0x6b696d69;

/**
 * Numbered migrations: entry n brings a file from version n to n + 1. Entries are never edited, only added.
 *
 * Messages are immutable. A *segment* is a run of entries that may continue another segment from a given place, as a
 * branch continues a history; `seq` and the cumulative columns count along the whole path from the root. A *view* is
 * where a window ends (segment, head) and begins (floor); entries below the floor belong to it only where held by a pin.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL,
    role TEXT NOT NULL,
    body TEXT NOT NULL,
    truncated INTEGER NOT NULL,
    summary INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  );
  CREATE INDEX messages_by_public_id ON messages (public_id);

  CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    parent_seq INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    kept_floor INTEGER NOT NULL,
    dirty INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX segments_by_parent ON segments (parent) WHERE parent IS NOT NULL;
  CREATE INDEX segments_dirty ON segments (id) WHERE dirty = 1;

  CREATE TABLE entries (
    segment INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    group_seq INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    held INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    held_tokens INTEGER NOT NULL,
    held_messages INTEGER NOT NULL,
    held_systems INTEGER NOT NULL,
    PRIMARY KEY (segment, seq)
  ) WITHOUT ROWID;
  CREATE INDEX entries_held ON entries (segment, seq) WHERE held = 1;
  CREATE INDEX entries_by_message ON entries (message);

  CREATE TABLE toolsets (id INTEGER PRIMARY KEY, tools TEXT NOT NULL, tokens INTEGER NOT NULL);

  CREATE TABLE sessions (
    ord INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    model TEXT NOT NULL,
    title TEXT,
    metadata TEXT NOT NULL,
    toolset INTEGER,
    version INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    forked_from TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    messages INTEGER NOT NULL
  );
  CREATE INDEX sessions_by_account ON sessions (account, ord);
  CREATE UNIQUE INDEX sessions_by_segment ON sessions (segment);

  CREATE TABLE snapshots (
    ord INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    session_id TEXT NOT NULL,
    model TEXT NOT NULL,
    name TEXT,
    metadata TEXT NOT NULL,
    toolset INTEGER,
    calls INTEGER NOT NULL,
    preserve_len INTEGER,
    created_at INTEGER NOT NULL,
    share_id TEXT UNIQUE,
    share_expires_at INTEGER,
    archived_segment INTEGER NOT NULL,
    archived_head INTEGER NOT NULL,
    archived_floor INTEGER NOT NULL,
    archived_tokens INTEGER NOT NULL,
    archived_messages INTEGER NOT NULL,
    restored_segment INTEGER NOT NULL,
    restored_head INTEGER NOT NULL,
    restored_floor INTEGER NOT NULL,
    restored_tokens INTEGER NOT NULL,
    restored_messages INTEGER NOT NULL
  );
  CREATE INDEX snapshots_by_account ON snapshots (account, ord);
  CREATE INDEX snapshots_by_session ON snapshots (session_id, ord);
  CREATE INDEX snapshots_by_archived ON snapshots (archived_segment);
  CREATE INDEX snapshots_by_restored ON snapshots (restored_segment);
  CREATE INDEX snapshots_by_toolset ON snapshots (toolset) WHERE toolset IS NOT NULL;
  CREATE INDEX sessions_by_toolset ON sessions (toolset) WHERE toolset IS NOT NULL;

  CREATE TABLE answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    etag TEXT,
    body TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
  );
  CREATE INDEX answers_by_expiry ON answers (expires_at);
  `,
  // The state that a reset returns to: copies of the rows above, which the collector keeps alive and no look-up sees.
  `
  CREATE TABLE kept_sessions AS SELECT * FROM sessions WHERE 0;
  CREATE UNIQUE INDEX kept_sessions_by_id ON kept_sessions (id);
  CREATE UNIQUE INDEX kept_sessions_by_place ON kept_sessions (ord, version);
  CREATE INDEX kept_sessions_by_segment ON kept_sessions (segment);
  CREATE INDEX kept_sessions_by_toolset ON kept_sessions (toolset) WHERE toolset IS NOT NULL;

  CREATE TABLE kept_snapshots AS SELECT * FROM snapshots WHERE 0;
  CREATE UNIQUE INDEX kept_snapshots_by_place ON kept_snapshots (ord);
  CREATE INDEX kept_snapshots_by_share ON kept_snapshots (share_id) WHERE share_id IS NOT NULL;
  CREATE INDEX kept_snapshots_by_archived ON kept_snapshots (archived_segment);
  CREATE INDEX kept_snapshots_by_restored ON kept_snapshots (restored_segment);
  CREATE INDEX kept_snapshots_by_toolset ON kept_snapshots (toolset) WHERE toolset IS NOT NULL;

  ALTER TABLE answers ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  `,
  // What models think: tokens of the reasoning of each message, and where a prompt stops to keep it.
  `
  ALTER TABLE entries ADD COLUMN reasoning INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN border INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN total_reasoning INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN held_reasoning INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN last_border INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN border_total_reasoning INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN border_held_reasoning INTEGER NOT NULL DEFAULT 0;
  `,
  // Bytes of pictures and videos, by hash: one that has none is being removed, and one without a size is being written.
  `
  CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash TEXT UNIQUE, size INTEGER);
  CREATE INDEX blobs_dying ON blobs (id) WHERE hash IS NULL;
  CREATE TABLE blob_parts (blob INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE UNIQUE INDEX blob_parts_by_place ON blob_parts (blob, place);
  CREATE TABLE message_blobs (message INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (message, blob)) WITHOUT ROWID;
  CREATE INDEX message_blobs_by_blob ON message_blobs (blob);
  CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
    DELETE FROM message_blobs WHERE message = old.id;
  END;
  `,
  // Uploaded files, which are never changed, and those of the baseline.
  `
  CREATE TABLE files (
    ord INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    blob INTEGER NOT NULL
  );
  CREATE INDEX files_by_account ON files (account, ord);
  CREATE INDEX files_by_blob ON files (blob);
  CREATE TABLE kept_files AS SELECT * FROM files WHERE 0;
  CREATE UNIQUE INDEX kept_files_by_place ON kept_files (ord);
  CREATE INDEX kept_files_by_blob ON kept_files (blob);
  `,
  // Calls to another server that are under way, by the key of their request.
  `
  CREATE TABLE calls (account TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (account, key)) WITHOUT ROWID;
  `,
];
