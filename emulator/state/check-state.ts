import type { Limits } from '../../contract/limits.ts';
import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { MODEL_NAMES } from '../../contract/model-names.ts';
import { follow, track } from '../sessions/groups.ts';
import { MAX_DEPTH } from '../store/segments.ts';
import { type PortableEntry, type PortableState, type PortableWindow, parseState } from './schema.ts';
import { StateError } from './state-file.ts';

/** A state that can be taken in as it is. */
export interface CheckedState {
  state: PortableState;
  histories: Histories;
}

/**
 * Everything about a state file that can be wrong in itself. The hash tells damage; this tells what nobody has exported.
 * Work in slices.
 * @throws StateError naming what is wrong
 */
export function* checkState(value: unknown, tokenizer: string, limits: Limits): Generator<void, CheckedState> {
  requireShallow(value, limits);
  const state = yield* parseState(value, limits);
  if (state.tokenizer !== tokenizer) {
    throw new StateError(
      `the file's tokens were counted with ${state.tokenizer}, and this emulator counts with ${tokenizer} (see --tokenizer)`,
    );
  }
  const histories = yield* Histories.read(state);
  requireContent(state);
  requireUnique(state);
  const toolsOf = (toolset: number | null): number => {
    if (toolset === null) return 0;
    const found = state.toolsets[toolset];
    if (!found) throw new StateError(`there is no toolset number ${toolset}`);
    return found.tokens;
  };
  const check = (owner: string, toolset: number | null, windows: readonly PortableWindow[]): void => {
    try {
      for (const window of windows) {
        histories.check(window);
        requireWithin('window_tokens', window.tokens + toolsOf(toolset), limits);
      }
    } catch (error) {
      throw error instanceof StateError ? new StateError(`${owner}: ${error.message}`) : error;
    }
  };
  for (const { id, model } of [...state.sessions, ...state.snapshots]) {
    if (!MODEL_NAMES.includes(model)) throw new StateError(`${id}: the model ${model} is not known here`);
  }
  for (const { id, toolset, window } of state.sessions) {
    check(id, toolset, [window]);
    yield;
  }
  for (const { id, toolset, archived, restored } of state.snapshots) {
    check(id, toolset, [archived, restored]);
    yield;
  }
  return { state, histories };
}

/** @throws StateError naming the limit */
export function requireWithin(limit: 'window_tokens' | 'sessions' | 'snapshots', count: number, limits: Limits): void {
  if (count > limits[limit]) throw new StateError(`${count} is more than ${limits[limit]} (${limit}; see --limit)`);
}

/** Tools alone may hold anything. In a request they are nested one level less. */
function requireShallow(value: unknown, { json_depth }: Limits): void {
  let level: unknown[] = isObject(value) && 'toolsets' in value ? [value.toolsets] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > json_depth + 1) {
      throw new StateError(`tools are nested deeper than ${json_depth} levels (json_depth; see --limit)`);
    }
    level = level.filter(isObject).flatMap((item) => Object.values(item));
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function requireContent({ messages }: PortableState): void {
  const empty = messages.find(
    ({ body }) => !('tool_calls' in body && body.tool_calls) && contentText(body.content) === '',
  );
  if (empty) throw new StateError(`${empty.id} is empty`);
}

function requireUnique({ sessions, snapshots }: PortableState): void {
  const seen = new Set<string>();
  const shares = snapshots.flatMap(({ share }) => (share ? [share.share_id] : []));
  for (const id of [...sessions.map((row) => row.id), ...snapshots.map((row) => row.id), ...shares]) {
    if (seen.has(id)) throw new StateError(`the file holds ${id} twice`);
    seen.add(id);
  }
}

/** An entry, with what it adds up to along its path, and what must be known to go on behind it. */
export interface LaidEntry extends PortableEntry {
  body: ChatMessage;
  totalTokens: number;
  heldTokens: number;
  heldMessages: number;
  heldSystems: number;
  /** Where the run without gaps begins in which it stands. */
  run: number;
  /** Whether calls of its group wait for their results behind it. */
  isOpen: boolean;
  groupPinned: boolean;
}

type Segment = PortableState['segments'][number];

/** Several times what an emulator makes, as each import puts one more in front; a path is walked one by one. */
const MAX_PATH = 4 * MAX_DEPTH;

/** The histories of a state file, checked as they are laid out: order, groups, calls and their results, pins. */
export class Histories {
  readonly segments: readonly Segment[];
  readonly #messages: PortableState['messages'];
  readonly #laid: LaidEntry[][] = [];
  readonly #depths: number[] = [];

  private constructor({ segments, messages }: Pick<PortableState, 'segments' | 'messages'>) {
    this.segments = segments;
    this.#messages = messages;
  }

  /** Work in slices. @throws StateError naming the segment */
  static *read(state: Pick<PortableState, 'segments' | 'messages'>): Generator<void, Histories> {
    const histories = new Histories(state);
    for (const [index, segment] of state.segments.entries()) {
      try {
        yield* histories.#layOut(segment, index);
      } catch (error) {
        if (error instanceof StateError) throw new StateError(`segment ${index}: ${error.message}`);
        throw error;
      }
    }
    return histories;
  }

  laid(segment: number): readonly LaidEntry[] {
    return this.#laid[segment] ?? [];
  }

  /** @throws StateError where a window is none, or does not hold as many tokens and messages as it says */
  check({ segment, head, floor, tokens, messages }: PortableWindow): void {
    if (segment === null) {
      if (head !== 0 || floor !== 1 || tokens !== 0 || messages !== 0)
        throw new StateError('an empty window holds something');
      return;
    }
    const last = this.#at(this.#laid[segment] ?? [], head);
    const first = this.#last(segment, floor);
    if (last?.seq !== head || first?.seq !== floor || first.group !== floor || last.run > floor) {
      throw new StateError('the window does not begin or end with a message, or lacks some between');
    }
    const heldBefore = first.heldMessages - (first.held ? 1 : 0);
    const freeBefore = first.totalTokens - first.heldTokens - (first.held ? 0 : first.tokens);
    if (tokens !== last.totalTokens - freeBefore || messages !== head - floor + 1 + heldBefore) {
      throw new StateError('the window holds other tokens or messages than it says');
    }
  }

  *#layOut({ parent, parent_seq, entries }: Segment, index: number): Generator<void> {
    if (parent !== null && parent >= index) throw new StateError('stands before its parent');
    const depth = parent === null ? 0 : (this.#depths[parent] ?? 0) + 1;
    if (depth > MAX_PATH) throw new StateError(`more than ${MAX_PATH} segments continue one another`);
    this.#depths.push(depth);
    const laid: LaidEntry[] = [];
    this.#laid.push(laid);
    let before = parent === null ? undefined : this.#last(parent, parent_seq);
    let above = parent_seq;
    const open = new Set<string>();
    if (parent !== null && before?.isOpen) yield* this.#reopen(open, parent, before);
    for (const entry of entries) {
      if (entry.seq <= above) throw new StateError(`entry ${entry.seq} is out of order`);
      above = entry.seq;
      before = this.#follow(before, entry, open);
      laid.push(before);
      yield;
    }
    for (const [place, entry] of laid.entries()) requireSamePins(entry, laid[place + 1]);
  }

  /** @param open the calls that wait behind `before`; changed to those that wait behind the entry */
  #follow(before: LaidEntry | undefined, entry: PortableEntry, open: Set<string>): LaidEntry {
    const message = this.#messages[entry.message];
    if (!message) throw new StateError(`entry ${entry.seq}: there is no message number ${entry.message}`);
    const { body } = message;
    const adjoining = before?.seq === entry.seq - 1 ? before : undefined;
    const joined = entry.group === entry.seq ? undefined : adjoining;
    if (entry.group !== (joined?.group ?? entry.seq) || (joined && joined.held !== entry.held)) {
      throw new StateError(`entry ${entry.seq} is of no group`);
    }
    if (!adjoining) open.clear();
    if (follow(open, body) || (body.role === 'tool') !== (joined !== undefined)) {
      throw new StateError(`entry ${entry.seq}: calls and results do not fit together`);
    }
    const held = entry.held ? 1 : 0;
    return {
      ...entry,
      body,
      totalTokens: (before?.totalTokens ?? 0) + entry.tokens,
      heldTokens: (before?.heldTokens ?? 0) + held * entry.tokens,
      heldMessages: (before?.heldMessages ?? 0) + held,
      heldSystems: (before?.heldSystems ?? 0) + (body.role === 'system' ? held : 0),
      run: adjoining?.run ?? entry.seq,
      isOpen: open.size > 0,
      groupPinned: entry.pinned || (joined?.groupPinned ?? false),
    };
  }

  /** Adds the calls that wait behind an entry: where a segment goes on in the middle of a group. */
  *#reopen(open: Set<string>, segment: number, { seq, group }: LaidEntry): Generator<void> {
    for (let at = group; at <= seq; at += 1) {
      const member = this.#last(segment, at);
      if (member) track(open, member.body);
      yield;
    }
  }

  /** The last entry up to `seq` on a segment's path. */
  #last(segment: number, seq: number): LaidEntry | undefined {
    for (let number: number | null = segment, to = seq; number !== null; ) {
      const found = this.#at(this.#laid[number] ?? [], to);
      if (found) return found;
      const { parent, parent_seq }: Segment = this.segments[number] ?? { parent: null, parent_seq: 0, entries: [] };
      to = Math.min(to, parent_seq);
      number = parent;
    }
    return undefined;
  }

  /** The last of the entries up to `seq`, found by halving. */
  #at(entries: readonly LaidEntry[], seq: number): LaidEntry | undefined {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return entries[low - 1];
  }
}

/** A group is held exactly where one of its members is pinned. */
function requireSamePins(entry: LaidEntry, next: LaidEntry | undefined): void {
  const ends = next?.group !== entry.group;
  if (ends && entry.held !== entry.groupPinned)
    throw new StateError(`entry ${entry.seq}: held is not what the pins say`);
}
