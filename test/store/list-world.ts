import type { Database } from 'better-sqlite3';
import { expect } from 'vitest';
import { Collector } from '../../emulator/store/collector.ts';
import { openDatabase } from '../../emulator/store/database.ts';
import { keepDropped, type StoredMessage, type View } from '../../emulator/store/entries.ts';
import { findCut, History } from '../../emulator/store/history.ts';
import { SessionRows } from '../../emulator/store/sessions.ts';
import { SnapshotRows } from '../../emulator/store/snapshots.ts';
import type { WindowMemory } from '../../emulator/store/window-memory.ts';
import { cutWindow, dropReasoning, groupsOf, type Item, toNewEntry } from './reference-window.ts';

const ACCOUNT = 'account';
const FIELDS = { account: ACCOUNT, model: 'm', metadata: {}, toolset: null, calls: 0, createdAt: 0 };
const TABLES = ['sessions', 'snapshots', 'segments', 'entries', 'messages'] as const;

interface Session {
  id: string;
  window: Item[];
}

interface Snapshot {
  id: string;
  archived: Item[];
  restored: Item[];
}

/** A new group, or with `grows` more members of the newest one. */
export interface NewGroup {
  sizes: { tokens: number; reasoning: number; border: boolean }[];
  held: boolean;
  system: boolean;
  grows: boolean;
}

/** The store beside plain arrays: every step is done to both. */
export class ListWorld {
  readonly database: Database = openDatabase(':memory:');
  readonly history: History;
  readonly collector = new Collector(this.database);
  readonly sessions: Session[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly #sessionRows = new SessionRows(this.database);
  readonly #snapshotRows = new SnapshotRows(this.database);
  #issued = 0;

  constructor(memory?: WindowMemory) {
    this.history = new History(this.database, memory);
  }

  create(): Session {
    const session = { id: this.#id(), window: [] };
    this.#sessionRows.insert({ ...this.#newRow(session.id), view: this.history.create() });
    this.sessions.push(session);
    return session;
  }

  append(session: Session, group: NewGroup): void {
    const newest = session.window.at(-1);
    const joins = group.grows && newest !== undefined;
    const held = joins ? newest.held : group.held;
    const items = group.sizes.map((size, place): Item => {
      const id = this.#id();
      return { id, text: id, ...size, held, system: group.system, opensGroup: place === 0 && !joins };
    });
    this.#move(session, this.history.append(this.view(session), items.map(toNewEntry)));
    session.window = [...session.window, ...items];
  }

  /** As truncate does: the cut, or the newest group's texts made shorter where it is too long. */
  truncate(session: Session, budget: number): void {
    const kept = cutWindow(session.window, budget);
    const view = this.#cut(this.view(session), budget);
    expect(view === undefined).toBe(kept === undefined);
    if (view && kept) {
      this.#move(session, view);
      session.window = kept;
    } else {
      this.shorten(session);
    }
  }

  /** The newest group again with fewer tokens, and of the rest only what is held. */
  shorten(session: Session): void {
    const newest = groupsOf(session.window).at(-1) ?? [];
    if (newest.length === 0) return;
    const view = this.view(session);
    const first = this.history.newestGroup(view)[0]?.seq ?? 0;
    const shorter = newest.map((item) => ({ ...item, text: this.#id(), tokens: Math.ceil(item.tokens / 2) }));
    this.#move(session, this.history.replaceTail(view, first, shorter.map(toNewEntry), first));
    const before = dropReasoning(session.window).slice(0, -newest.length);
    session.window = [...before.filter((item) => item.held), ...shorter];
  }

  /** Other pins, on a segment of their own. */
  repin(session: Session, place: number): void {
    const groups = groupsOf(session.window);
    const target = groups[place % Math.max(1, groups.length)];
    if (!target) return;
    session.window = groups.flatMap((group) => {
      return group.map((item) => (group === target ? { ...item, held: !item.held } : item));
    });
    const stored = this.history.window(this.view(session));
    const entries = session.window.map((item, index) => ({ ...toNewEntry(item), ...messageOf(stored[index]) }));
    const { keptAfter } = this.history.reasoning(this.view(session));
    this.#move(session, this.history.rewrite(keepDropped(entries, keptAfter)));
  }

  snapshot(session: Session, budget: number | undefined): Snapshot {
    const view = this.view(session);
    const cut = budget === undefined ? undefined : this.#cut(view, budget);
    const restored = (cut && budget !== undefined && cutWindow(session.window, budget)) || session.window;
    const snapshot = { id: this.#id(), archived: session.window, restored };
    const { createdAt, ...fields } = { ...FIELDS, id: snapshot.id, sessionId: session.id };
    const views = { archived: view, restored: cut ?? view };
    this.#snapshotRows.insert({ ...fields, ...views, name: null, preserveLen: null, createdAt });
    this.snapshots.push(snapshot);
    return snapshot;
  }

  rollback(session: Session, snapshot: Snapshot, scope: 'archived' | 'restored'): void {
    this.#move(session, this.history.branch(this.viewOf(snapshot, scope)));
    session.window = snapshot[scope];
  }

  fork(snapshot: Snapshot): Session {
    const session = { id: this.#id(), window: snapshot.restored };
    const view = this.history.branch(this.viewOf(snapshot, 'restored'));
    this.#sessionRows.insert({ ...this.#newRow(session.id), view });
    this.sessions.push(session);
    return session;
  }

  deleteSession(session: Session): void {
    const { segment } = this.view(session);
    this.#sessionRows.delete(session.id);
    this.collector.markDirty(segment);
    this.sessions.splice(this.sessions.indexOf(session), 1);
  }

  deleteSnapshot(snapshot: Snapshot): void {
    const segments = [this.viewOf(snapshot, 'archived').segment, this.viewOf(snapshot, 'restored').segment];
    this.#snapshotRows.delete(snapshot.id);
    for (const segment of segments) this.collector.markDirty(segment);
    this.snapshots.splice(this.snapshots.indexOf(snapshot), 1);
  }

  collectAll(): void {
    while (this.collector.slice());
  }

  /** A collector as a restart makes it, which runs by hand only. */
  restartCollector(): Collector {
    const collector = new Collector(this.database);
    collector.close();
    return collector;
  }

  /** Rows of every table of the list. */
  countRows(): Record<string, number> {
    const count = (table: string) => this.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    return Object.fromEntries(TABLES.map((table) => [table, count(table)]));
  }

  view(session: Session): View {
    const row = this.#sessionRows.find(ACCOUNT, session.id);
    if (!row) throw new Error(`no session ${session.id}`);
    return row.view;
  }

  viewOf(snapshot: Snapshot, scope: 'archived' | 'restored'): View {
    const row = this.#snapshotRows.find(ACCOUNT, snapshot.id);
    if (!row) throw new Error(`no snapshot ${snapshot.id}`);
    return row[scope];
  }

  #cut(view: View, budget: number): View | undefined {
    const floor = findCut(this.history, view, budget);
    return floor === undefined ? undefined : this.history.measure({ ...view, floor });
  }

  #move(session: Session, view: View): void {
    const before = this.view(session);
    expect(view).toEqual(this.history.measure(view));
    this.#sessionRows.update({ ...this.#newRow(session.id), ord: 0, view });
    if (before.segment !== view.segment || before.floor !== view.floor) this.collector.markDirty(before.segment);
  }

  #newRow(id: string) {
    return { ...FIELDS, id, title: null, version: 1, forkedFrom: null, updatedAt: 0 };
  }

  #id(): string {
    this.#issued += 1;
    return `id${this.#issued}`;
  }
}

function messageOf(message: StoredMessage | undefined) {
  return message ? { message } : {};
}
