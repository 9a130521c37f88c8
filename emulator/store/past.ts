import type { SessionRow } from './sessions.ts';

/** What a window came out of. `opened`: as it was found, before the first change that this process has seen. */
export type ChangeKind =
  | 'opened'
  | 'created'
  | 'forked'
  | 'append'
  | 'turn'
  | 'truncate'
  | 'compress'
  | 'snapshot'
  | 'rollback'
  | 'undo'
  | 'pin'
  | 'update';

/** A change of a session, and the session as it is then. */
export interface PastChange {
  kind: ChangeKind;
  session: SessionRow;
  /** The snapshot that was taken. */
  snapshot?: string;
  /** What was returned to, or forked: a snapshot, or the number of a moment. */
  restored?: string;
}

/** A window as it was after a change: pointers, so that to look at it copies nothing. */
interface Moment extends Pick<SessionRow, 'version' | 'model' | 'toolset' | 'view'> {
  /** Counts the moments of its session. */
  n: number;
  kind: ChangeKind;
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  at: number;
  /** Number of the request in the journal. */
  request: number | undefined;
  snapshot: string | undefined;
  restored: string | undefined;
}

interface SessionPast {
  moments: Moment[];
  next: number;
  /** Number of its last change, among the changes of all sessions. */
  changed: number;
}

/** Moments of all sessions together; beyond them, the sessions that changed longest ago lose theirs. */
const MAX_MOMENTS = 100_000;

/** The last windows of each session, in memory only. What they show is not collected. */
export class PastWindows {
  readonly #most: number;
  readonly #sessions = new Map<string, SessionPast>();
  /** A segment is of one session, and its moments follow one another. */
  readonly #bySegment = new Map<number, Moment[]>();
  /** How many moments have each list of tools. */
  readonly #toolsets = new Map<number, number>();
  #droppedToolsets = 0;
  #latest: SessionPast | undefined;
  #moments = 0;
  #changes = 0;
  /** Of changes up to this one it is not known which sessions they were of. */
  #known = 0;

  /** @param most moments of one session; 0 for none */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many changes there have been, so that who looks can tell whether there was another. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Adds a moment.
   * @param before the session before its first change here
   * @returns segments of which less is shown than before
   */
  record(change: PastChange, at: number, request: number | undefined, before?: SessionRow): number[] {
    this.#changes += 1;
    if (this.#most === 0) {
      this.#known = this.#changes;
      return [];
    }
    const { kind, session, snapshot, restored } = change;
    const past = this.#sessions.get(session.id) ?? { moments: [], next: 1, changed: 0 };
    past.changed = this.#changes;
    if (this.#latest !== past) {
      // At the end again: those that changed longest ago come first.
      this.#sessions.delete(session.id);
      this.#sessions.set(session.id, past);
      this.#latest = past;
    }
    if (past.next === 1 && before) {
      // Tools that the change has replaced are not stored any more.
      const toolset = before.toolset === session.toolset ? before.toolset : null;
      this.#add(past, { ...before, toolset }, { kind: 'opened', at: before.updatedAt * 1_000 });
    }
    this.#add(past, session, { kind, at, request, snapshot, restored });
    const freed: number[] = [];
    while (past.moments.length > this.#most) freed.push(...this.#dropOldest(past));
    for (const [id, oldest] of this.#sessions) {
      if (this.#moments <= MAX_MOMENTS || oldest === past) break;
      freed.push(...this.forget(id));
    }
    return freed;
  }

  /** Oldest first. */
  of(session: string): readonly Moment[] {
    return this.#sessions.get(session)?.moments ?? [];
  }

  /** Ids of the sessions that have changed since so many changes; undefined where that is not known of all, or some are gone. */
  changedSince(changes: number): string[] | undefined {
    if (changes < this.#known) return undefined;
    return [...this.#sessions].filter(([, { changed }]) => changed > changes).map(([id]) => id);
  }

  /** What of a segment is shown: windows that overlap are one. */
  pointers(segment: number): { head: number; floor: number }[] {
    const found: { head: number; floor: number }[] = [];
    // Within a segment places only grow.
    for (const { view } of this.#bySegment.get(segment) ?? []) {
      const last = found.at(-1);
      if (last && view.floor <= last.head + 1) last.head = Math.max(last.head, view.head);
      else found.push({ head: view.head, floor: view.floor });
    }
    return found;
  }

  /** How often the last moment with a list of tools has gone. */
  get droppedToolsets(): number {
    return this.#droppedToolsets;
  }

  /** Lists of tools that moments have. */
  get toolsets(): ReadonlyMap<number, number> {
    return this.#toolsets;
  }

  /** A session is deleted. @returns segments of which less is shown than before */
  forget(session: string): number[] {
    const past = this.#sessions.get(session);
    this.#sessions.delete(session);
    if (this.#latest === past) this.#latest = undefined;
    const freed = new Set<number>();
    for (const { view, toolset } of past?.moments ?? []) {
      freed.add(view.segment);
      this.#bySegment.delete(view.segment);
      this.#countTools(toolset, -1);
    }
    this.#moments -= past?.moments.length ?? 0;
    this.#changes += 1;
    this.#known = this.#changes;
    return [...freed];
  }

  clear(): void {
    this.#sessions.clear();
    this.#latest = undefined;
    this.#bySegment.clear();
    this.#toolsets.clear();
    this.#moments = 0;
    this.#changes += 1;
    this.#known = this.#changes;
  }

  #add(
    past: SessionPast,
    { version, model, toolset, view }: SessionRow,
    of: Pick<Moment, 'kind' | 'at'> & Partial<Pick<Moment, 'request' | 'snapshot' | 'restored'>>,
  ): void {
    const { kind, at, request, snapshot, restored } = of;
    const moment: Moment = { n: past.next, kind, at, request, snapshot, restored, version, model, toolset, view };
    past.next += 1;
    past.moments.push(moment);
    this.#moments += 1;
    this.#countTools(toolset, 1);
    const ofSegment = this.#bySegment.get(view.segment);
    if (ofSegment) ofSegment.push(moment);
    else this.#bySegment.set(view.segment, [moment]);
  }

  #dropOldest(past: SessionPast): number[] {
    const oldest = past.moments.shift();
    if (!oldest) return [];
    this.#moments -= 1;
    this.#countTools(oldest.toolset, -1);
    const { segment, floor } = oldest.view;
    const ofSegment = this.#bySegment.get(segment);
    ofSegment?.shift();
    if (ofSegment?.length === 0) this.#bySegment.delete(segment);
    const next = past.moments[0];
    const showsAsMuch = next?.view.segment === segment && next.view.floor === floor && next.toolset === oldest.toolset;
    return showsAsMuch ? [] : [segment];
  }

  #countTools(toolset: number | null, more: 1 | -1): void {
    if (toolset === null) return;
    const count = (this.#toolsets.get(toolset) ?? 0) + more;
    if (count > 0) this.#toolsets.set(toolset, count);
    else {
      this.#toolsets.delete(toolset);
      this.#droppedToolsets += 1;
    }
  }
}
