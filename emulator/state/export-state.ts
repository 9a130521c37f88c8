import type { View } from '../store/history-rows.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { SnapshotRow } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import type { PortableEntry, PortableMessage, PortableState, PortableWindow } from './schema.ts';
import { seal } from './seal.ts';
import { StateError } from './state-error.ts';
import { VisibleSegments } from './visible-segments.ts';

/**
 * A state file's text: all sessions and snapshots, or one session with the snapshots taken of it. Holds the event loop while it
 * is made, so that it is of one moment.
 * @throws StateError where there is no such session
 */
export function exportState(store: Store, tokenizer: string, session?: string): string {
  const { sessions, snapshots } = readRows(store, session);
  const visible = new VisibleSegments(store.history.segments);
  for (const { view } of sessions) visible.add(view);
  for (const { archived, restored } of snapshots) {
    visible.add(archived);
    visible.add(restored);
  }
  const toolsets = new Numbers<number>();
  const messages = new Numbers<number>();
  const found: PortableMessage[] = [];
  const numbers = new Map<number | null, number>();
  const segments: PortableState['segments'] = [];
  const rows = store.portableRows();
  for (const [segment, { parent, parentSeq, entries }] of visible.read((id, to) => rows.entries(id, to))) {
    numbers.set(segment, segments.length);
    segments.push({
      parent: numbers.get(parent) ?? null,
      parent_seq: parentSeq,
      entries: entries.map((entry): PortableEntry => {
        const { seq, message, tokens, group, pinned, held, id, createdAt, truncated, summary, body } = entry;
        const number = messages.of(message);
        found[number] ??= { id, created_at: createdAt, truncated, summary, body: body as PortableMessage['body'] };
        return { seq, message: number, tokens, group, pinned, held };
      }),
    });
  }
  const windowOf = (view: View): PortableWindow => {
    const { head, floor, tokens, messages: count } = view;
    return { segment: numbers.get(visible.segmentOf(view)) ?? null, head, floor, tokens, messages: count };
  };
  const toolsetOf = (id: number | null) => (id === null ? null : toolsets.of(id));
  const portable = {
    sessions: sessions.map((row) => ({
      id: row.id,
      account: row.account,
      model: row.model,
      title: row.title,
      metadata: row.metadata,
      toolset: toolsetOf(row.toolset),
      version: row.version,
      calls: row.calls,
      forked_from: row.forkedFrom,
      created_at: row.createdAt,
      updated_at: row.updatedAt,
      window: windowOf(row.view),
    })),
    snapshots: snapshots.map((row) => ({
      id: row.id,
      account: row.account,
      session_id: row.sessionId,
      model: row.model,
      name: row.name,
      metadata: row.metadata,
      toolset: toolsetOf(row.toolset),
      calls: row.calls,
      preserve_len: row.preserveLen,
      created_at: row.createdAt,
      share: row.share && { share_id: row.share.id, expires_at: row.share.expiresAt },
      archived: windowOf(row.archived),
      restored: windowOf(row.restored),
    })),
  };
  const tools = toolsets.keys().map((id) => {
    const { tokens, tools: list } = store.toolsets.read(id);
    return { tokens, tools: list };
  });
  return seal({ tokenizer, toolsets: tools, messages: found, segments, ...portable } satisfies PortableState);
}

function readRows(store: Store, session?: string): { sessions: SessionRow[]; snapshots: SnapshotRow[] } {
  const rows = store.portableRows();
  const named = rows.sessions(session);
  const [only] = named;
  if (session !== undefined && !only) throw new StateError(`there is no session ${session}`);
  return {
    sessions: named.flatMap(({ id, account }) => store.sessions.find(account, id) ?? []),
    snapshots: rows
      .snapshots(session === undefined ? undefined : only)
      .flatMap(({ id, account }) => store.snapshots.find(account, id) ?? []),
  };
}

/** Numbers things in the order in which they are first met. */
class Numbers<Thing> {
  readonly #numbers = new Map<Thing, number>();

  of(thing: Thing): number {
    const number = this.#numbers.get(thing) ?? this.#numbers.size;
    this.#numbers.set(thing, number);
    return number;
  }

  keys(): Thing[] {
    return [...this.#numbers.keys()];
  }
}
