import type { Limits } from '../../contract/limits.ts';
import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import { type Blob, toBlob } from '../engines/media/data-url.ts';
import { follow, track } from '../sessions/append.ts';
import { addToSums, blobsIn, reasoningBetween, type Sums } from '../store/entries.ts';
import { MAX_DEPTH } from '../store/segments.ts';
import { type PortableEntry, type PortableState, type PortableWindow, parseState } from './schema.ts';
import type { StateParts } from './state.ts';
import { StateError } from './state-file.ts';

/** A state that can be imported as it is. */
export interface CheckedState {
  state: PortableState;
  histories: Histories;
  blobs: readonly Blob[];
}

/**
 * Checks everything about a state file that can be wrong in itself. The hash detects damage; this detects states that no
 * emulator has exported. Runs in slices.
 * @throws StateError naming the problem
 */
export function* checkState(
  value: unknown,
  { tokenizer: { name: tokenizer }, limits, profiles }: Pick<StateParts, 'tokenizer' | 'limits' | 'profiles'>,
): Generator<void, CheckedState> {
  requireShallow(value, limits);
  const state = yield* parseState(value, limits);
  if (state.tokenizer !== tokenizer) {
    throw new StateError(
      `the file's tokens were counted with ${state.tokenizer}, and this emulator counts with ${tokenizer} (see --tokenizer)`,
    );
  }
  const histories = yield* Histories.read(state);
  requireContent(state);
  const blobs = yield* readBlobs(state);
  requireUnique(state);
  const toolsOf = (toolset: number | null): number => {
    if (toolset === null) return 0;
    const found = state.toolsets[toolset];
    if (!found) throw new StateError(`there is no toolset number ${toolset}`);
    return found.tokens;
  };
  const check = ({ id, model, toolset }: Owner, windows: readonly PortableWindow[]): void => {
    try {
      for (const window of windows) {
        histories.check(window);
        requireWithin('window_tokens', window.tokens + toolsOf(toolset), profiles.of(model).limits);
      }
    } catch (error) {
      throw error instanceof StateError ? new StateError(`${id}: ${error.message}`) : error;
    }
  };
  for (const { id, model } of [...state.sessions, ...state.snapshots]) {
    if (!findProfile(model)) throw new StateError(`${id}: unknown model ${model}`);
  }
  for (const session of state.sessions) {
    check(session, [session.window]);
    yield;
  }
  for (const snapshot of state.snapshots) {
    check(snapshot, [snapshot.archived, snapshot.restored]);
    yield;
  }
  return { state, histories, blobs };
}

/** Whose window it is. */
type Owner = Pick<PortableState['sessions'][number], 'id' | 'model' | 'toolset'>;

/** @throws StateError naming the limit */
export function requireWithin(
  limit: 'window_tokens' | 'sessions' | 'snapshots' | 'files',
  count: number,
  limits: Limits,
): void {
  if (count > limits[limit]) throw new StateError(`${count} is more than ${limits[limit]} (${limit}; see --limit)`);
}

/** Only tools may contain any JSON. In a request they are nested one level less. */
function requireShallow(value: unknown, { json_depth }: Limits): void {
  let level: unknown[] = isObject(value) ? [...toolsIn(value)] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > json_depth + 1) {
      throw new StateError(`tools are nested deeper than ${json_depth} levels (json_depth; see --limit)`);
    }
    level = level.filter(isObject).flatMap((item) => Object.values(item));
  }
}

function* toolsIn(value: object): Generator<unknown> {
  if ('toolsets' in value) yield value.toolsets;
  if (!('messages' in value) || !Array.isArray(value.messages)) return;
  for (const message of value.messages) {
    if (isObject(message) && 'body' in message && isObject(message.body) && 'tools' in message.body)
      yield [message.body];
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function requireContent({ messages }: PortableState): void {
  const empty = messages.find(
    ({ body }) =>
      !('tool_calls' in body && body.tool_calls) &&
      !('tools' in body && body.tools) &&
      contentText(body.content) === '',
  );
  if (empty) throw new StateError(`${empty.id} is empty`);
}

/** @throws StateError where bytes are not what their hash says, or a message refers to some that the file does not hold */
function* readBlobs({ blobs: stored = [], messages, files = [] }: PortableState): Generator<void, Blob[]> {
  const blobs: Blob[] = [];
  for (const { hash, base64 } of stored) {
    const blob = toBlob(Buffer.from(base64, 'base64'));
    if (blob.hash !== hash) throw new StateError(`the bytes of blob ${hash} are others than its hash says`);
    blobs.push(blob);
    yield;
  }
  const there = new Set(blobs.map(({ hash }) => hash));
  for (const { id, body } of messages) {
    const missing = blobsIn(body as ChatMessage).find((hash) => !there.has(hash));
    if (missing !== undefined) throw new StateError(`${id} refers to blob ${missing}, which the file does not hold`);
  }
  const lost = files.find(({ hash }) => !there.has(hash));
  if (lost) throw new StateError(`${lost.id} refers to blob ${lost.hash}, which the file does not hold`);
  return blobs;
}

function requireUnique({ sessions, snapshots, files = [] }: PortableState): void {
  const seen = new Set<string>();
  const shares = snapshots.flatMap(({ share }) => (share ? [share.share_id] : []));
  for (const id of [...[...sessions, ...snapshots, ...files].map((row) => row.id), ...shares]) {
    if (seen.has(id)) throw new StateError(`the file holds ${id} twice`);
    seen.add(id);
  }
}

/** An entry with the sums along its path, and the state needed to check the entry after it. */
interface LaidEntry extends Omit<PortableEntry, 'reasoning' | 'border'>, Sums {
  body: ChatMessage;
  reasoning: number;
  border: boolean;
  /** Start of the run without gaps that it belongs to. */
  run: number;
  /** Whether calls of its group still wait for their results. */
  isOpen: boolean;
  groupPinned: boolean;
}

type Segment = PortableState['segments'][number];

/** Several times the depth of an emulator's own histories, as each import adds one; a path is walked segment by segment. */
const MAX_PATH = 4 * MAX_DEPTH;

/** The histories of a state file, checked while they are built: order, groups, calls and their results, pins. */
class Histories {
  readonly segments: readonly Segment[];
  readonly #messages: PortableState['messages'];
  readonly #laid: LaidEntry[][] = [];
  readonly #depths: number[] = [];

  private constructor({ segments, messages }: Pick<PortableState, 'segments' | 'messages'>) {
    this.segments = segments;
    this.#messages = messages;
  }

  /** Runs in slices. @throws StateError naming the segment */
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

  /** @throws StateError if a window is invalid, or its tokens or messages do not add up */
  check({ segment, head, floor, tokens, messages }: PortableWindow): void {
    if (segment === null) {
      if (head !== 0 || floor !== 1 || tokens !== 0 || messages !== 0)
        throw new StateError('an empty window has tokens or messages');
      return;
    }
    const last = this.#at(this.#laid[segment] ?? [], head);
    const first = this.#last(segment, floor);
    if (last?.seq !== head || first?.seq !== floor || first.group !== floor || last.run > floor) {
      throw new StateError('the window does not start or end with a message, or has gaps');
    }
    const heldBefore = first.heldMessages - (first.held ? 1 : 0);
    const freeBefore = first.totalTokens - first.heldTokens - (first.held ? 0 : first.tokens);
    const { kept } = reasoningBetween(first, last);
    if (tokens !== last.totalTokens - freeBefore + kept || messages !== head - floor + 1 + heldBefore) {
      throw new StateError('the tokens or messages of the window do not add up');
    }
  }

  *#layOut({ parent, parent_seq, entries }: Segment, index: number): Generator<void> {
    if (parent !== null && parent >= index) throw new StateError('precedes its parent');
    const depth = parent === null ? 0 : (this.#depths[parent] ?? 0) + 1;
    if (depth > MAX_PATH) throw new StateError(`more than ${MAX_PATH} segments in a row`);
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

  /** @param open calls without a result after `before`; updated to those after the entry */
  #follow(before: LaidEntry | undefined, entry: PortableEntry, open: Set<string>): LaidEntry {
    const message = this.#messages[entry.message];
    if (!message) throw new StateError(`entry ${entry.seq}: there is no message number ${entry.message}`);
    const { body } = message;
    const adjoining = before?.seq === entry.seq - 1 ? before : undefined;
    const joined = entry.group === entry.seq ? undefined : adjoining;
    if (entry.group !== (joined?.group ?? entry.seq) || (joined && joined.held !== entry.held)) {
      throw new StateError(`entry ${entry.seq} belongs to no group`);
    }
    if (!adjoining) open.clear();
    if (follow(open, body) || (body.role === 'tool') !== (joined !== undefined)) {
      throw new StateError(`entry ${entry.seq}: calls and results do not match`);
    }
    const { reasoning = 0, border = false } = entry;
    return {
      ...entry,
      reasoning,
      border,
      ...addToSums(before, { ...entry, reasoning, border, role: body.role }),
      body,
      run: adjoining?.run ?? entry.seq,
      isOpen: open.size > 0,
      groupPinned: entry.pinned || (joined?.groupPinned ?? false),
    };
  }

  /** Adds the open calls at an entry, where a segment continues in the middle of a group. */
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

  /** The last of the entries up to `seq`, by binary search. */
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

/** A group is held if and only if one of its members is pinned. */
function requireSamePins(entry: LaidEntry, next: LaidEntry | undefined): void {
  const ends = next?.group !== entry.group;
  if (ends && entry.held !== entry.groupPinned)
    throw new StateError(`entry ${entry.seq}: held does not match the pins`);
}
