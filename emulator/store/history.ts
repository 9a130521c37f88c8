import { setImmediate as nextTick } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import {
  addToSums,
  asNewEntry,
  type Entry,
  freeTokensBefore,
  fromValues,
  heldMessagesBefore,
  historyStatements,
  keepDropped,
  type NewEntry,
  type Reasoning,
  reasoningBetween,
  type StoredMessage,
  type Sums,
  type Tail,
  tokensOf,
  toStoredMessage,
  toValues,
  type View,
} from './entries.ts';
import { Segments, type Span } from './segments.ts';
import { WindowMemory } from './window-memory.ts';

/** What is known of the entry behind which others are written. */
type Before = Sums & Pick<Entry, 'group'>;

const NO_REASONING = { all: 0, kept: 0, keptAfter: 0 };

export interface PageRequest {
  after?: number;
  order: 'asc' | 'desc';
  limit: number;
}

/** The persistent list of messages: views are pointers into it, so that taking and restoring one copies nothing. */
export class History {
  readonly #sql: ReturnType<typeof historyStatements>;
  /** The runs of entries under the windows. */
  readonly segments: Segments;
  /** The windows that `readWindow` has read last. */
  readonly memory: WindowMemory;

  constructor(database: Database, memory = new WindowMemory()) {
    this.#sql = historyStatements(database);
    this.segments = new Segments(database);
    this.memory = memory;
  }

  /** An empty window with a segment of its own. */
  create(): View {
    return this.segments.create();
  }

  /** Writes entries behind a view's head. The view's segment must be its session's own. */
  append(view: View, entries: readonly NewEntry[], last = this.last(view)): View {
    return this.#write(view, entries, last);
  }

  /** Remembers a window no more. */
  forget({ segment }: View): void {
    const birth = this.segments.birthOf(segment);
    if (birth !== undefined) this.memory.forget(birth);
  }

  /** The same window on a segment of its own: what is written behind it is seen by nobody else. */
  branch(view: View): View {
    return this.segments.branch(view, view.head) ?? this.rewrite(this.#copyOf(view));
  }

  /** The window with everything from `seq` on replaced by `entries`, the first of which opens a group. */
  replaceTail(view: View, seq: number, entries: readonly NewEntry[], floor = view.floor): View {
    const base = this.segments.branch({ ...view, floor }, seq - 1);
    if (!base) return this.rewrite([...this.#copyOf({ ...view, floor, head: seq - 1 }), ...entries]);
    return this.measure(this.#write(base, entries, this.#sumsBefore(view, seq)));
  }

  /** A window of its own that holds just these entries. */
  rewrite(entries: readonly (NewEntry | StoredMessage)[]): View {
    return this.append(this.create(), entries.map(asNewEntry));
  }

  /** The view with its token and message counts worked out from the cumulative columns. */
  measure(view: View): View {
    const head = this.last(view);
    const floor = this.entry(view, view.floor);
    if (!head || !floor) return { ...view, tokens: 0, messages: 0 };
    const tokens = head.totalTokens - freeTokensBefore(floor) + this.reasoning(view, head).kept;
    return { ...view, tokens, messages: view.head - view.floor + 1 + heldMessagesBefore(floor) };
  }

  /** The reasoning of a window, worked out from the cumulative columns. */
  reasoning(view: View, last = this.last(view)): Reasoning {
    const floor = last && last.totalReasoning > 0 ? this.entry(view, view.floor) : undefined;
    return last && floor ? reasoningBetween(floor, last) : NO_REASONING;
  }

  /** Tokens of a window with entries behind it: a border among them drops the reasoning before it. */
  tokensWith(view: View, entries: readonly Pick<NewEntry, 'tokens' | 'reasoning' | 'border'>[]): number {
    const kept = entries.some((entry) => entry.border) ? this.reasoning(view).kept : 0;
    return view.tokens - kept + tokensOf(entries);
  }

  last(view: View): Entry | undefined {
    return view.head === 0 ? undefined : this.entry(view, view.head);
  }

  /** The entry at `seq`, by an index look-up in the segment that holds it. */
  entry(view: View, seq: number): Entry | undefined {
    for (const span of this.segments.spans(view, seq)) {
      if (span.from > seq || span.to < seq) continue;
      const values = this.#sql.entry.get(span.segment, seq);
      return values && fromValues(values);
    }
    return undefined;
  }

  /** What a write behind the window has to know. */
  tail(view: View): Tail {
    const last = this.last(view);
    return { last, calls: last?.calls ? this.#read(view, last.group, view.head) : [] };
  }

  /** The newest group, oldest member first; empty where the window is. */
  newestGroup(view: View): StoredMessage[] {
    const last = this.last(view);
    return last ? this.#read(view, last.group, view.head) : [];
  }

  /** Everything in the window, oldest first. */
  window(view: View): StoredMessage[] {
    return this.page(view, { order: 'asc', limit: -1 });
  }

  /** A page of the window. `after` is the place of the last entry seen; a limit of −1 means all. */
  page(view: View, { after, order, limit }: PageRequest): StoredMessage[] {
    const ascending = order === 'asc';
    const above = ascending ? (after ?? 0) + 1 : 1;
    const below = ascending ? view.head : (after ?? view.head + 1) - 1;
    const pins = { held: true, from: above, to: Math.min(below, view.floor - 1) };
    const run = { held: false, from: Math.max(above, view.floor), to: below };
    const found: StoredMessage[] = [];
    for (const part of ascending ? [pins, run] : [run, pins]) {
      const rest = limit < 0 ? -1 : limit - found.length;
      if (rest !== 0) found.push(...this.#read(view, part.from, part.to, part.held, order, rest));
    }
    return found;
  }

  /** The entry of a message by its public id, if it stands in the window. */
  find(view: View, publicId: string): Entry | undefined {
    const spans = new Map<number, Span>();
    for (const span of this.segments.spans(view, 1)) spans.set(span.segment, span);
    for (const { segment, seq } of this.#sql.places.iterate(publicId)) {
      const span = spans.get(segment);
      if (!span || seq < span.from || seq > span.to) continue;
      const values = this.#sql.entry.get(segment, seq);
      const entry = values && fromValues(values);
      if (entry && (seq >= view.floor || entry.held)) return entry;
    }
    return undefined;
  }

  /** The entries of a window, for another history. */
  #copyOf(view: View): StoredMessage[] {
    return keepDropped(this.window(view), this.reasoning(view).keptAfter);
  }

  #read(view: View, from: number, to: number, held = false, order = 'asc', limit = -1): StoredMessage[] {
    if (from > to) return [];
    const spans = [...this.segments.spans(view, from)].filter((span) => span.from <= to);
    if (order === 'asc') spans.reverse();
    const statement = this.#sql.read(held, order === 'asc');
    const found: StoredMessage[] = [];
    for (const span of spans) {
      const rest = limit < 0 ? -1 : limit - found.length;
      if (rest === 0) break;
      const rows = statement.all(span.segment, Math.max(from, span.from), Math.min(to, span.to), rest);
      for (const row of rows) found.push(toStoredMessage(row));
    }
    return found;
  }

  #write(view: View, entries: readonly NewEntry[], before: Before | undefined): View {
    let last = before;
    let { head } = view;
    for (const { message, tokens, reasoning, border, pinned, held, opensGroup } of entries) {
      head += 1;
      const { role, tool_calls, tool_call_id } = message.body;
      const row: Entry = {
        seq: head,
        message: 'message' in message ? message.message : this.#insertMessage(message),
        tokens,
        group: opensGroup || !last ? head : last.group,
        pinned,
        held,
        calls: tool_calls !== undefined || tool_call_id !== undefined,
        reasoning,
        border,
        ...addToSums(last, { seq: head, tokens, reasoning, border, held, role }),
      };
      this.#sql.insertEntry.run(...toValues(view.segment, row));
      last = row;
    }
    return { ...view, head, tokens: this.tokensWith(view, entries), messages: view.messages + entries.length };
  }

  /** Worked out from the entry at `seq` itself: the one before it may be below the floor, and collected. */
  #sumsBefore(view: View, seq: number): Before | undefined {
    const entry = this.#read(view, seq, seq)[0];
    if (!entry) return undefined;
    const { group, tokens, reasoning, held, body } = entry;
    return {
      group,
      totalTokens: entry.totalTokens - tokens,
      heldTokens: entry.heldTokens - (held ? tokens : 0),
      heldMessages: entry.heldMessages - (held ? 1 : 0),
      heldSystems: entry.heldSystems - (held && body.role === 'system' ? 1 : 0),
      totalReasoning: entry.totalReasoning - reasoning,
      heldReasoning: entry.heldReasoning - (held ? reasoning : 0),
      // A border that is written again is the newest one again.
      lastBorder: entry.lastBorder,
      borderTotalReasoning: entry.borderTotalReasoning,
      borderHeldReasoning: entry.borderHeldReasoning,
    };
  }

  #insertMessage({ id, body, truncated, summary, createdAt }: Exclude<NewEntry['message'], StoredMessage>): number {
    const flags = [truncated ? 1 : 0, summary ? 1 : 0] as const;
    return this.#sql.insertMessage(body, id, ...flags, createdAt);
  }
}

/**
 * Where a window has to begin so that its messages, held ones included, take at most `budget` tokens: the oldest group
 * that may stay. A few index look-ups, whatever the window's size.
 * @returns undefined where not even the newest group fits
 */
export function findCut(history: History, view: View, budget: number): number | undefined {
  const last = history.last(view);
  if (!last || view.tokens <= budget) return view.floor;
  const tokensFrom = (seq: number): number => {
    const entry = history.entry(view, seq);
    if (!entry) return 0;
    const tokens = last.totalTokens - freeTokensBefore(entry);
    return last.totalReasoning === 0 ? tokens : tokens + reasoningBetween(entry, last).kept;
  };
  if (tokensFrom(last.group) > budget) return undefined;
  let tooLong = view.floor;
  let fits = last.group;
  while (fits - tooLong > 1) {
    const middle = (tooLong + fits) >>> 1;
    if (tokensFrom(middle) > budget) tooLong = middle;
    else fits = middle;
  }
  while (fits < last.group && history.entry(view, fits)?.group !== fits) fits += 1;
  return fits;
}

/** Messages read in one slice: a few milliseconds. */
const SLICE = 256;

/**
 * Everything in a window, oldest first, read in slices where it is not remembered. The caller holds the session or has a snapshot
 * of it, so that nothing of it is collected meanwhile; and changes no message, because others read the same ones.
 */
export async function readWindow(history: History, view: View): Promise<readonly StoredMessage[]> {
  const { memory, segments } = history;
  const { floor, head } = view;
  const birth = segments.birthOf(view.segment);
  const known = memory.find(floor, segments.stretches(view));
  if (known?.head === head) return known.messages;
  const messages = [...(known?.messages ?? [])];
  for await (const slice of slicesOf(history, view, 'asc', known?.head)) messages.push(...slice);
  if (birth !== undefined) memory.save(birth, { floor, head, messages });
  return messages;
}

/** The window in slices, from behind `after` where given. */
export async function* slicesOf(
  history: History,
  view: View,
  order: 'asc' | 'desc',
  after?: number,
): AsyncGenerator<StoredMessage[], void> {
  for (let from = after; ; await nextTick()) {
    const slice = history.page(view, { ...(from !== undefined && { after: from }), order, limit: SLICE });
    if (slice.length > 0) yield slice;
    if (slice.length < SLICE) return;
    from = slice.at(-1)?.seq;
  }
}
