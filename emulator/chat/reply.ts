import type { ChatCompletion, ChatRequest, FinishReason } from '../../contract/chat.ts';
import { type ChatMessage, contentText, type ToolCall } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import type { PromptStart } from '../billing/prefix-cache.ts';
import type { MarkupSizes, PromptCounter } from '../engines/tokens/prompt.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { Ids } from '../ids.ts';
import { callFingerprint, type JournalEffects, type Turn as TurnFacts } from '../journal/exchange.ts';
import type { ServedModel } from '../models/profiles.ts';
import { isBorder, type Write, type WriteItem } from '../sessions/write.ts';
import type { Settings } from './settings.ts';

/** A token takes a byte at least, and a UTF-16 unit at most three bytes. */
const TOKENS_PER_UNIT = 3;
/** What follows a text can change how its end is divided, by a few tokens. */
const BORDER_TOKENS = 64;

/** A text that grows within a number of tokens. Counts in slices, and only where it could have come near the end. */
class BoundedText {
  readonly #tokenizer: Tokenizer;
  #text = '';
  /** Tokens and length of the text when it was last counted. */
  #counted = { tokens: 0, units: 0 };

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  get text(): string {
    return this.#text;
  }

  async tokens(): Promise<number> {
    if (this.#counted.units !== this.#text.length) {
      this.#counted = { tokens: await this.#tokenizer.countSliced(this.#text), units: this.#text.length };
    }
    return this.#counted.tokens;
  }

  /** Adds what of a text fits. @returns that part */
  async add(text: string, room: number): Promise<string> {
    const whole = this.#text + text;
    const fitting = (await this.#fits(whole, room))
      ? whole
      : await this.#tokenizer.prefixWithin(whole, Math.max(0, room));
    const added = fitting.slice(this.#text.length);
    this.#text += added;
    return added;
  }

  async #fits(whole: string, room: number): Promise<boolean> {
    const { tokens, units } = this.#counted;
    if (tokens + TOKENS_PER_UNIT * (whole.length - units) + BORDER_TOKENS <= room) return true;
    this.#counted = { tokens: await this.#tokenizer.countSliced(whole), units: whole.length };
    return this.#counted.tokens <= room;
  }
}

/**
 * The bounds of one answer, applied alike to every model: stop strings end its text, `max_tokens` cuts it, reasoning and
 * markup included.
 */
export class Bounds {
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  readonly #markup: MarkupSizes;
  readonly #stop: readonly string[];
  readonly #heldBack: number;
  readonly #reasoning: BoundedText;
  readonly #text: BoundedText;
  /** Tokens of the parts before the text, and of their markup. */
  #before = 0;
  /** Tokens of all calls. */
  #calls = 0;
  #inText = false;
  #waiting = '';
  /** Why the answer ended before the model did. */
  ended: 'stop' | 'length' | undefined;

  /** @param markup around the parts of the answer, of the model that gives it */
  constructor(tokenizer: Tokenizer, { maxTokens, stop }: Pick<Settings, 'maxTokens' | 'stop'>, markup: MarkupSizes) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
    this.#markup = markup;
    this.#stop = stop;
    this.#heldBack = Math.max(0, ...stop.map((text) => text.length - 1));
    this.#reasoning = new BoundedText(tokenizer);
    this.#text = new BoundedText(tokenizer);
    this.#before = markup.beforeReasoning;
  }

  /** All text let through so far. */
  get text(): string {
    return this.#text.text;
  }

  get reasoning(): string {
    return this.#reasoning.text;
  }

  /** Tokens of the parts of the answer, without markup. */
  async sizes(): Promise<{ text: number; reasoning: number; calls: number }> {
    return { text: await this.#text.tokens(), reasoning: await this.#reasoning.tokens(), calls: this.#calls };
  }

  /** The part of the reasoning that may be delivered. */
  async pushReasoning(text: string): Promise<string> {
    const delivered = await this.#reasoning.add(text, this.#maxTokens - this.#before);
    if (delivered.length < text.length) this.ended = 'length';
    return delivered;
  }

  /** Ends the reasoning, if any: text and calls follow. */
  async beginText(): Promise<void> {
    if (this.#inText || this.ended) return;
    this.#inText = true;
    this.#before += (await this.#reasoning.tokens()) + this.#markup.afterReasoning + this.#markup.beforeText;
    if (this.#before > this.#maxTokens) this.ended = 'length';
  }

  /** The part of `text` that may be delivered now. What could begin a stop string waits for what follows. */
  async push(text: string): Promise<string> {
    await this.beginText();
    if (this.ended) return '';
    this.#waiting += text;
    const stopAt = this.#firstStop();
    if (stopAt !== undefined) {
      this.ended = 'stop';
      return this.#deliver(this.#waiting.slice(0, stopAt));
    }
    const ready = this.#waiting.length - this.#heldBack;
    return ready > 0 ? this.#deliver(wholeCharacters(this.#waiting, ready)) : '';
  }

  /** What still waits where no more of the text will follow at once. */
  async rest(): Promise<string> {
    await this.beginText();
    return this.ended ? '' : this.#deliver(this.#waiting);
  }

  /**
   * The arguments of the next call that are within `max_tokens`.
   * @param frameTokens what all calls so far take, with this one's frame
   * @param wholeTokens the same with its arguments
   * @returns undefined where not even the frame is
   */
  async pushArguments(text: string, frameTokens: number, wholeTokens: number): Promise<string | undefined> {
    const left = this.#maxTokens - this.#before - (await this.#text.tokens());
    if (wholeTokens <= left) {
      this.#calls = wholeTokens;
      return text;
    }
    this.ended = 'length';
    if (frameTokens > left) return undefined;
    this.#calls = left;
    return this.#tokenizer.prefixWithin(text, left - frameTokens);
  }

  /** Tokens of the whole answer as the model wrote it. Where its end does not fit either, it was cut there. */
  async finish(): Promise<number> {
    const inText = this.#inText ? 0 : await this.#reasoning.tokens();
    const written = this.#before + inText + (await this.#text.tokens()) + this.#calls;
    if (this.ended === 'length') return Math.min(written, this.#maxTokens);
    const whole = written + this.#markup.afterText + this.#markup.end;
    if (whole <= this.#maxTokens) return whole;
    this.ended ??= 'length';
    return this.#maxTokens;
  }

  #firstStop(): number | undefined {
    const places = this.#stop.map((text) => this.#waiting.indexOf(text)).filter((place) => place >= 0);
    return places.length > 0 ? Math.min(...places) : undefined;
  }

  async #deliver(text: string): Promise<string> {
    this.#waiting = this.#waiting.slice(text.length);
    const delivered = await this.#text.add(text, this.#maxTokens - this.#before - this.#calls);
    if (delivered.length < text.length) this.ended = 'length';
    return delivered;
  }
}

/** The head of `text` that ends at `end`, or one unit before where that would split a character. */
export function wholeCharacters(text: string, end: number): string {
  const unit = text.charCodeAt(end - 1);
  const splits = end < text.length && unit >= 0xd800 && unit <= 0xdbff;
  return text.slice(0, splits ? end - 1 : end);
}

/** What was delivered of one choice. */
export interface Reply {
  content: string;
  /** Undefined where the model shows none. */
  reasoning: string | undefined;
  calls: ToolCall[];
  /** Tokens of the parts, without markup. */
  sizes: { text: number; reasoning: number; calls: number };
  completionTokens: number;
  finishReason: FinishReason;
}

function replyMessage({ content, reasoning, calls }: Pick<Reply, 'content' | 'reasoning' | 'calls'>): ChatMessage {
  return {
    role: 'assistant',
    content,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/**
 * The messages that a turn stores: the new ones and the reply, which a begun answer and its continuation share. Nothing
 * of an empty answer, nor of a tool call that `length` cut, is stored.
 */
export function storedReply(
  reply: Reply | undefined,
  items: readonly WriteItem[],
  isBegun: boolean,
  { profile, counter }: Pick<ServedModel, 'profile'> & { counter: PromptCounter },
): WriteItem[] {
  const begun = isBegun ? items.at(-1) : undefined;
  const before = begun ? items.slice(0, -1) : [...items];
  if (!reply || !isWhole(reply)) return begun && contentText(begun.body.content) !== '' ? [...before, begun] : before;
  const { sizes } = reply;
  const answer = replyMessage(reply);
  if (begun) {
    const body = { ...begun.body, ...answer, content: contentText(begun.body.content) + reply.content };
    const tokens = begun.tokens + sizes.text + sizes.calls;
    return [...before, { ...begun, body, tokens, border: isBorder(profile, body) }];
  }
  const { tokens: frame, reasoning } = counter.emptyAnswer;
  const item = {
    body: answer,
    tokens: frame + sizes.text + sizes.calls,
    reasoning: reasoning + sizes.reasoning,
    border: isBorder(profile, answer),
    pinned: undefined,
  };
  return [...before, item];
}

function isWhole({ content, calls, finishReason }: Reply): boolean {
  if (calls.length > 0) return finishReason !== 'length';
  return content !== '';
}

/** What follows `chatcmpl-` depends on the model. */
export function completionId(ids: Ids, { completionId: { value } }: ModelProfile): string {
  return ids(value === 'uuid' ? 'uuidCompletion' : 'completion');
}

/**
 * The id of a call that a model issues.
 * @param place in its message
 * @param before calls that the history holds already: some models count on, others begin anew with each message
 */
export function callId({ tools }: ModelProfile, name: string, place: number, before: number): string {
  return tools.callIds.value === 'NAME_INDEX' ? `${name}_${place}` : `functions.${name}:${before + place}`;
}

const STRING_OR_SEPARATOR = /"[^"\\]*(?:\\.[^"\\]*)*"|[,:](?!\s)/g;

/** A call's arguments as the model writes them: with a space behind each comma and colon, or as they are. */
export function argumentsText({ tools }: ModelProfile, text: string): string {
  if (!tools.spacedArguments.value || !isJson(text)) return text;
  return text.replace(STRING_OR_SEPARATOR, (found) => (found.length === 1 ? `${found} ` : found));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * What the journal stores of a turn.
 * @param told.start how its prompt began, told.place of the newest message in its session's history
 */
export function turnFacts(
  { max_completion_tokens, max_tokens }: ChatRequest,
  { model, choices, usage, session }: ChatCompletion,
  write: Write,
  { start, place }: { start: PromptStart; place: number | undefined },
): JournalEffects {
  const turn: TurnFacts = {
    model,
    usage,
    max_tokens: max_completion_tokens ?? max_tokens ?? null,
    finish_reasons: choices.map((choice) => choice.finish_reason),
    ...(choices.some(hasOnlyReasoned) && { only_reasoned: true as const }),
    prompt: start,
  };
  const calls = choices.flatMap(({ message }) => message.tool_calls ?? []);
  const isStored = choices[0]?.finish_reason !== 'length';
  if (calls.length > 0) {
    turn.calls = calls.map(({ id }) => id);
    turn.called = calls.map((call) => callFingerprint(call.function));
  }
  if (!session) return { turn };
  if (calls.length > 0 && !isStored) turn.stored = false;
  turn.total = session.usage.total_tokens;
  const written = write.items.flatMap(({ body }) => body.tool_calls?.map((call) => call.id) ?? []);
  const opened = isStored ? [...written, ...calls.map(({ id }) => id)] : written;
  const answered = write.items.flatMap(({ body }) => (body.tool_call_id === undefined ? [] : [body.tool_call_id]));
  return {
    turn,
    wrote: {
      messages: write.items.length,
      tokens: write.tokens,
      total: session.usage.total_tokens,
      ...(opened.length > 0 && { opened }),
      ...(answered.length > 0 && { answered }),
      ...(opened.length > 0 && place !== undefined && { place }),
    },
  };
}

function hasOnlyReasoned({ finish_reason, message }: ChatCompletion['choices'][number]): boolean {
  const { content, reasoning_content, tool_calls = [] } = message;
  return finish_reason === 'length' && !content && tool_calls.length === 0 && Boolean(reasoning_content);
}
