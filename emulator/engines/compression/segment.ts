import { type ChatMessage, contentText, type Role, type ToolCall } from '../../../contract/messages.ts';
import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { type Candidate, CandidateList, type Ref } from './candidates.ts';
import { EarlierSummaries } from './earlier-summaries.ts';
import { looksLikeJson, memberPieces } from './json-members.ts';
import { textPassages } from './passages.ts';
import { estimateTokens } from './ranking.ts';
import { isQuestion, isRequest } from './sentence-features.ts';
import { isCall, TURN_CHARS, type WindowSize, type WindowWeights, weigh, weightsIn } from './speakers.ts';
import { isSpeaker } from './summary-format.ts';

/** A message to be summarised. */
export interface SourceMessage {
  /** Its place, counted from 1, in the window that the snapshot holds: what references name. */
  readonly ref: number;
  readonly message: ChatMessage;
  /** Written by an earlier compress: taken over line by line instead of summarised. */
  readonly summary: boolean;
}

/** Which messages a summary treats as requests and as the newest turns; indices into the window. */
interface Turns {
  /** The first message of a user; −1 where there is none. */
  readonly first: number;
  /** The newest message of a user that asks for something, else simply the newest. */
  readonly latest: number;
  readonly recent: ReadonlySet<number>;
}

const RECENT_TURNS = 4;
/** Messages looked at, from the newest back, for one that asks. */
const LOOK_BACK = 400;

function findTurns(messages: readonly SourceMessage[]): Turns {
  const isUser = ({ message, summary }: SourceMessage) => message.role === 'user' && !summary;
  const first = messages.findIndex(isUser);
  // "Yes, please go ahead" asks for what was asked for before.
  const asks = (source: SourceMessage) =>
    isUser(source) && isRequest(contentText(source.message.content).slice(0, TURN_CHARS).trim());
  const asking = messages.findLastIndex((source, at) => at >= messages.length - LOOK_BACK && asks(source));
  const latest = asking > first ? asking : messages.findLastIndex(isUser);
  const recent = new Set<number>();
  for (let at = messages.length - 1; at >= 0 && recent.size < RECENT_TURNS; at--) {
    const source = messages[at];
    if (source !== undefined && at !== first && at !== latest && isTurn(source)) recent.add(at);
  }
  return { first, latest, recent };
}

function isTurn({ message, summary }: SourceMessage): boolean {
  if (summary || (message.role !== 'user' && message.role !== 'assistant')) return false;
  const length = contentText(message.content).length;
  return length > 0 && length <= TURN_CHARS;
}

/** A window in pieces. */
interface Segments {
  /** In the order of the conversation. */
  readonly candidates: Candidate[];
  /** The pieces of the first and of the latest request, each in order. */
  readonly requests: readonly (readonly Candidate[])[];
  /** The pieces of the newest turns, newest turn first. */
  readonly recent: readonly (readonly Candidate[])[];
  /** Ids of earlier snapshots, oldest first: what a reference's `snapshot` counts. */
  readonly snapshots: readonly string[];
}

/** A user's message no longer than this answers the question before it, and says little without it. */
const ANSWER_CHARS = 60;
/** An argument that is a path, a file or an address. */
const NAMES_PLACE = /:\s*"(?=[^"]*[/.])([\w./@:+-]{1,80})"/;
/** Arguments searched for one. */
const ARGUMENT_CHARS = 1_000;
/** An argument that a shell could run: what an agent did, word for word. */
const COMMAND = /: (?:[A-Z_]+=\S+ )*[a-z][\w.-]* (?:.*\s)?(?:-{1,2}\w|&& |\| |\S*\w\/\w)/;
const COMMAND_WEIGHT = 2;
/** JSON in a string of a JSON text is read as JSON too, this deep. */
const NESTED_JSON = 3;

/** What naming earlier snapshots may take of a summary, and about what one name takes. */
const NAMES_SHARE = 0.1;
const NAME_TOKENS = 12;

/** Takes a window apart, for a summary of at most `maxTokens`. */
export async function segment(messages: readonly SourceMessage[], maxTokens: number): Promise<Segments> {
  const maxNames = Math.max(1, Math.floor((NAMES_SHARE * maxTokens) / NAME_TOKENS));
  const weights = weightsIn(await sizeOf(messages), maxTokens);
  const reader = new WindowReader(findTurns(messages), maxNames, weights);
  for (const [index, source] of messages.entries()) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    for (const _ of reader.read(source, index)) if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
  }
  return reader.finish();
}

async function sizeOf(messages: readonly SourceMessage[]): Promise<WindowSize> {
  let chars = 0;
  let toolChars = 0;
  let userTokens = 0;
  const spoken: WindowSize['spoken'] = { user: [], assistant: [] };
  for (const { message } of messages) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    const text = contentText(message.content);
    const called = (message.tool_calls ?? []).reduce((sum, call) => sum + call.function.arguments.length, 0);
    chars += text.length + called;
    toolChars += called + (message.role === 'tool' ? text.length : 0);
    if (message.role === 'user' && text.length <= TURN_CHARS) userTokens += estimateTokens(text);
    if (message.role === 'user' || message.role === 'assistant') spoken[message.role].push(text.length);
  }
  return { chars, toolChars, userTokens, spoken };
}

class WindowReader {
  readonly #turns: Turns;
  readonly #weights: WindowWeights;
  readonly #list = new CandidateList();
  readonly #earlier: EarlierSummaries;
  /**
   * Tool call id → origin, the same for calls of one function with the same arguments: their results answer one
   * question.
   */
  readonly #calls = new Map<string, string>();
  /** Tool call id → the call with the file or place that it names, where it names one. */
  readonly #sources = new Map<string, string>();
  /** Function and arguments → origin. */
  readonly #origins = new Map<string, string>();
  /** The last piece read, where an assistant asked it. */
  #question: Candidate | undefined;
  readonly #first: Candidate[] = [];
  readonly #latest: Candidate[] = [];
  readonly #recent = new Map<number, Candidate[]>();

  constructor(turns: Turns, maxNames: number, weights: WindowWeights) {
    this.#turns = turns;
    this.#weights = weights;
    this.#earlier = new EarlierSummaries(this.#list, maxNames, weights);
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
    const named = looksLikeJson(text) ? undefined : this.#sources.get(message.tool_call_id ?? '');
    this.#list.openLine(named ?? message.role);
    yield* this.#readText(text, { ref, index, role: message.role, origin, depth: 0 });
    for (const call of message.tool_calls ?? []) yield* this.#readCall(call, ref);
  }

  finish(): Segments {
    const requests = this.#earlier.requests(this.#first, this.#latest);
    const recent = [...this.#recent.values()].reverse();
    return { candidates: this.#list.candidates, requests, recent, snapshots: this.#earlier.snapshots };
  }

  #noteRecent(index: number, candidate: Candidate): void {
    const turn = this.#recent.get(index);
    if (turn === undefined) this.#recent.set(index, [candidate]);
    else turn.push(candidate);
  }

  *#readText(text: string, place: Place): Generator<void> {
    if (place.depth < NESTED_JSON && looksLikeJson(text) && !this.#isShortRequest(text, place))
      yield* this.#readJson(text, place);
    else yield* this.#readProse(text, place);
  }

  /** A short request is quoted word for word, even if a program wrote it as JSON. */
  #isShortRequest(text: string, { index, depth }: Place): boolean {
    const isRequest = index === this.#turns.first || index === this.#turns.latest;
    return isRequest && depth === 0 && text.length <= TURN_CHARS;
  }

  *#readProse(text: string, { ref, index, role }: Place): Generator<void> {
    const isRequest = index === this.#turns.first || index === this.#turns.latest;
    const isRecent = this.#turns.recent.has(index);
    const question = role === 'user' && text.length <= ANSWER_CHARS ? this.#question : undefined;
    const speech = { role, chars: text.length, weights: this.#weights, answers: question !== undefined };
    this.#question = undefined;
    let leader: Candidate | undefined;
    let isFirst = true;
    for (const passage of textPassages(text, role)) {
      if (passage === undefined) {
        yield;
        continue;
      }
      weigh(passage, speech);
      if (passage.joint === '\n') leader = undefined;
      const before = isFirst ? question : leader;
      isFirst = false;
      const candidate = this.#list.add(passage, ref, isRequest || isRecent ? undefined : '', before);
      this.#question = role === 'assistant' && isQuestion(passage.text) ? candidate : undefined;
      if (passage.leads) leader = candidate;
      if (index === this.#turns.first) this.#first.push(candidate);
      else if (index === this.#turns.latest) this.#latest.push(candidate);
      else if (isRecent) this.#noteRecent(index, candidate);
      yield;
    }
  }

  *#readJson(text: string, place: Place, speaker: string = place.role): Generator<void> {
    let record = -1;
    let leader: Candidate | undefined;
    for (const piece of memberPieces(text, place.origin)) {
      if (piece === undefined) {
        yield;
        continue;
      }
      const startsLine = 'text' in piece || piece.record !== record;
      if (startsLine) {
        this.#list.openLine(speaker);
        leader = undefined;
      }
      if ('text' in piece) {
        yield* this.#readText(piece.text, { ...place, depth: place.depth + 1 });
        record = -1;
        continue;
      }
      record = piece.record;
      if (isCall(speaker) && COMMAND.test(piece.passage.text)) piece.passage.weight *= COMMAND_WEIGHT;
      const candidate = this.#list.add(piece.passage, place.ref, piece.scope, leader);
      if (piece.names) leader = candidate;
      yield;
    }
  }

  *#readCall({ id, function: { name, arguments: args } }: ToolCall, ref: Ref): Generator<void> {
    const origin = this.#originOf(`${name}(${args})`);
    this.#calls.set(id, origin);
    const source = `${name}(${NAMES_PLACE.exec(args.slice(0, ARGUMENT_CHARS))?.[1] ?? ''})`;
    if (!isCall(source) && isSpeaker(source)) this.#sources.set(id, source);
    const speaker = isSpeaker(`${name}()`) ? `${name}()` : 'assistant';
    yield* this.#readJson(args, { ref, index: -1, role: 'assistant', origin, depth: 1 }, speaker);
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
