import { contentText, type Role, type ToolCall } from '../../../contract/messages.ts';
import type { SourceMessage } from './compress.ts';
import { isPleasantry } from './cues.ts';
import { textDrafts } from './drafts.ts';
import { EarlierSummaries } from './earlier.ts';
import { looksLikeJson } from './json-members.ts';
import { isNote } from './labels.ts';
import { memberPieces } from './member-drafts.ts';
import type { Pacer } from './pacer.ts';
import { findTurns, TURN_CHARS, type Turns } from './requests.ts';
import type { Section } from './sections.ts';
import type { Ref, Unit } from './unit.ts';
import { UnitList } from './unit-list.ts';

/** A window in pieces. */
export interface Segments {
  /** In the order of the conversation. */
  readonly units: Unit[];
  /** The pieces of the first and of the latest request, each in order. */
  readonly requests: readonly (readonly Unit[])[];
  /** The pieces of the newest turns, newest turn first. */
  readonly recent: readonly (readonly Unit[])[];
  /** Ids of earlier snapshots, oldest first: what a reference's `snapshot` counts. */
  readonly snapshots: readonly string[];
}

const ROLE_WEIGHT: Readonly<Record<Role, number>> = {
  system: 1.3,
  user: 1.3,
  assistant: 1.05,
  tool: 1,
};
/** What a document demands or decides, it need not demand of this conversation. */
const CUED: ReadonlySet<Section> = new Set<Section>(['constraints', 'decisions', 'open']);
const CUED_IN_DOCUMENT = 0.7;
/** What is said in a turn is said to be known, whatever words it is in; a document holds much that is not. */
const TURN_NEWS = 0.25;
/** Thanks and greetings come when nothing else is left. */
const PLEASANTRY_WEIGHT = 0.25;
/** JSON in a string of a JSON text is read as JSON too, this deep. */
const NESTED_JSON = 3;

/** What naming earlier snapshots may take of a summary, and about what one name takes. */
const NAMES_SHARE = 0.1;
const NAME_TOKENS = 12;

/** Takes a window apart, for a summary of at most `maxTokens`. */
export async function segment(messages: readonly SourceMessage[], maxTokens: number, pacer: Pacer): Promise<Segments> {
  const maxNames = Math.max(1, Math.floor((NAMES_SHARE * maxTokens) / NAME_TOKENS));
  const reader = new WindowReader(findTurns(messages), maxNames);
  for (const [index, source] of messages.entries()) {
    if (pacer.due()) await pacer.rest();
    for (const _ of reader.read(source, index)) if (pacer.due()) await pacer.rest();
  }
  return reader.finish();
}

class WindowReader {
  readonly #turns: Turns;
  readonly #list = new UnitList();
  readonly #earlier: EarlierSummaries;
  /**
   * Tool call id → origin, the same for calls of one function with the same arguments: their results answer one
   * question.
   */
  readonly #calls = new Map<string, string>();
  /** Function and arguments → origin. */
  readonly #origins = new Map<string, string>();
  readonly #first: Unit[] = [];
  readonly #latest: Unit[] = [];
  readonly #recent = new Map<number, Unit[]>();

  constructor(turns: Turns, maxNames: number) {
    this.#turns = turns;
    this.#earlier = new EarlierSummaries(this.#list, maxNames);
  }

  /** Reads one message; stops after every piece, so that its caller may pause. */
  *read(source: SourceMessage, index: number): Generator<void> {
    const { message } = source;
    const ref = { snapshot: -1, place: source.ref };
    const text = contentText(message.content);
    if (source.summary && this.#earlier.open(text)) {
      yield* this.#earlier.read(ref);
      return;
    }
    const origin = this.#calls.get(message.tool_call_id ?? '') ?? '';
    this.#list.openLine();
    yield* this.#readText(text, { ref, index, role: message.role, origin, depth: 0 });
    for (const call of message.tool_calls ?? []) yield* this.#readCall(call, ref);
  }

  finish(): Segments {
    const requests = this.#earlier.requests(this.#first, this.#latest);
    const recent = [...this.#recent.values()].reverse();
    return { units: this.#list.units, requests, recent, snapshots: this.#earlier.snapshots };
  }

  #noteRecent(index: number, unit: Unit): void {
    const turn = this.#recent.get(index);
    if (turn === undefined) this.#recent.set(index, [unit]);
    else turn.push(unit);
  }

  *#readText(text: string, place: Place): Generator<void> {
    if (place.depth < NESTED_JSON && looksLikeJson(text) && !this.#isShortRequest(text, place))
      yield* this.#readJson(text, place);
    else yield* this.#readProse(text, place);
  }

  /** A request is told word for word, even where a program wrote it as JSON. */
  #isShortRequest(text: string, { index, depth }: Place): boolean {
    const isRequest = index === this.#turns.first || index === this.#turns.latest;
    return isRequest && depth === 0 && text.length <= TURN_CHARS;
  }

  *#readProse(text: string, { ref, index, role }: Place): Generator<void> {
    const isRequest = index === this.#turns.first || index === this.#turns.latest;
    const isRecent = this.#turns.recent.has(index);
    const isDocument = text.length > TURN_CHARS;
    for (const draft of textDrafts(text, role)) {
      if (draft === undefined) {
        yield;
        continue;
      }
      draft.weight *= ROLE_WEIGHT[role];
      if (isPleasantry(draft.text)) draft.weight *= PLEASANTRY_WEIGHT;
      if (isDocument && CUED.has(draft.section)) draft.weight *= CUED_IN_DOCUMENT;
      if (!isDocument && !draft.log) draft.news = TURN_NEWS + (1 - TURN_NEWS) * draft.news;
      draft.asks &&= role === 'user' && !isDocument;
      const unit = this.#list.add(draft, ref, isRequest || isRecent ? undefined : '');
      if (index === this.#turns.first) this.#first.push(unit);
      else if (index === this.#turns.latest) this.#latest.push(unit);
      else if (isRecent) this.#noteRecent(index, unit);
      yield;
    }
  }

  *#readJson(text: string, place: Place, note = ''): Generator<void> {
    let record = -1;
    let leader: Unit | undefined;
    for (const piece of memberPieces(text, place.origin)) {
      if (piece === undefined) {
        yield;
        continue;
      }
      const startsLine = 'text' in piece || piece.record !== record;
      if (startsLine) {
        this.#list.openLine(note);
        leader = undefined;
      }
      if ('text' in piece) {
        yield* this.#readText(piece.text, { ...place, depth: place.depth + 1 });
        record = -1;
        continue;
      }
      record = piece.record;
      const unit = this.#list.add(piece.draft, place.ref, piece.scope, leader);
      if (piece.names) leader = unit;
      yield;
    }
  }

  *#readCall({ id, function: { name, arguments: args } }: ToolCall, ref: Ref): Generator<void> {
    const origin = this.#originOf(`${name}(${args})`);
    this.#calls.set(id, origin);
    const note = isNote(`${name}()`) ? `${name}()` : '';
    yield* this.#readJson(args, { ref, index: -1, role: 'assistant', origin, depth: 1 }, note);
  }

  #originOf(signature: string): string {
    const known = this.#origins.get(signature);
    if (known !== undefined) return known;
    const origin = `call ${this.#origins.size}`;
    this.#origins.set(signature, origin);
    return origin;
  }
}

interface Place {
  readonly ref: Ref;
  readonly index: number;
  readonly role: Role;
  readonly origin: string;
  readonly depth: number;
}
