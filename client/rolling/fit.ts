import { BadRequestError } from 'openai';
import { contentText } from '../../contract/content-text.ts';
import { describeError, ERRORS } from '../../contract/errors.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type { KimiClient } from '../kimi-client.ts';
import { iterate, type Source } from '../streams.ts';

/** More than a message's frame ever takes beside its texts, in tokens and so in bytes at the least. */
const FRAME_BYTES = 32;

/**
 * Messages as writes of at most `maxBytes` each, in order: together where they fit, else cut at message borders, and a text
 * that is too long by itself in several messages. What cannot be cut stands in a write of its own.
 * @returns one write at least, none of them empty but for no messages at all
 */
export function planWrites(messages: readonly InputMessage[], maxBytes: number): InputMessage[][] {
  const writes: InputMessage[][] = [[]];
  let room = maxBytes;
  for (const message of messages.flatMap((whole) => splitMessage(whole, maxBytes))) {
    const bytes = messageBytes(message);
    if (bytes > room && writes.at(-1)?.length !== 0) {
      writes.push([]);
      room = maxBytes;
    }
    writes.at(-1)?.push(message);
    room -= bytes;
  }
  return writes;
}

/** Bytes that bound a message's tokens: no token is less than a byte. */
export function messageBytes(message: InputMessage): number {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const callBytes = calls.reduce(
    (sum, call) => sum + FRAME_BYTES + utf8Bytes(call.id + JSON.stringify(call.function)),
    0,
  );
  const id = message.role === 'tool' ? message.tool_call_id : '';
  const reasoning = message.role === 'assistant' ? (message.reasoning_content ?? '') : '';
  return FRAME_BYTES + utf8Bytes(contentText(message.content) + reasoning + (message.name ?? '') + id) + callBytes;
}

/** Whether a message's text may stand in several messages without a change of meaning. */
export function isSplittable(message: InputMessage): boolean {
  return (message.role === 'user' || message.role === 'system') && typeof message.content === 'string';
}

function splitMessage(message: InputMessage, maxBytes: number): InputMessage[] {
  if (!isSplittable(message) || messageBytes(message) <= maxBytes) return [message];
  const pieces = splitText(contentText(message.content), Math.max(1, maxBytes - FRAME_BYTES));
  return pieces.map((content) => ({ ...message, content }) as InputMessage);
}

/** Text of any length: at once, or as it comes, in characters or in UTF-8. */
export type TextSource = string | Source<string | Uint8Array>;

/** What belongs to the character before it, so that no cut may stand in front of it. */
const CONTINUES = /^(?:\p{M}|\p{Emoji_Modifier}|\u200d|\n)/u;
const LONGEST_CHARACTER = 32;
/** Where a text is best cut, the best first. */
const BORDERS = ['\n\n', '\n', ' '];

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Two units of a pair make four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/**
 * The head of a text within `maxBytes`: all of it, or cut behind a paragraph, else a line, else a word, where one ends in its
 * second half; never inside a character. At least one character.
 */
export function headWithin(text: string, maxBytes: number): string {
  const end = endWithin(text, maxBytes);
  if (end === text.length) return text;
  for (const border of BORDERS) {
    const place = text.lastIndexOf(border, end - border.length);
    if (place >= end / 2) return text.slice(0, place + border.length);
  }
  return text.slice(0, characterBorder(text, end));
}

/** A text in pieces of at most `maxBytes`, which joined are the text. */
export function splitText(text: string, maxBytes: number): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const head = headWithin(rest, maxBytes);
    pieces.push(head);
    rest = rest.slice(head.length);
  }
  return pieces;
}

/**
 * The pieces of a source, each made as it is asked for; holds no more than one of them and what came last.
 * @param maxBytes asked for every piece, because it may change on the way
 */
export async function* readPieces(source: TextSource, maxBytes: () => number): AsyncGenerator<string, void> {
  let waiting = '';
  let bytes = 0;
  for await (const text of texts(source)) {
    waiting += text;
    bytes += utf8Bytes(text);
    while (bytes > maxBytes()) {
      const head = headWithin(waiting, maxBytes());
      if (head.length === waiting.length) break;
      yield head;
      waiting = waiting.slice(head.length);
      bytes -= utf8Bytes(head);
    }
  }
  for (; waiting !== ''; ) {
    const head = headWithin(waiting, maxBytes());
    yield head;
    waiting = waiting.slice(head.length);
  }
}

/** A source without its first `units` UTF-16 units. */
export async function* skipUnits(source: TextSource, units: number): AsyncGenerator<string, void> {
  let left = units;
  for await (const text of texts(source)) {
    if (left < text.length) yield text.slice(left);
    left = Math.max(0, left - text.length);
  }
}

async function* texts(source: TextSource): AsyncGenerator<string, void> {
  if (typeof source === 'string') return yield source;
  const decoder = new TextDecoder();
  for await (const part of iterate(source)) {
    yield typeof part === 'string' ? part : decoder.decode(part, { stream: true });
  }
  yield decoder.decode();
}

/** How many units of a text are within `maxBytes`, in whole code points, one at least. */
function endWithin(text: string, maxBytes: number): number {
  let bytes = 0;
  let index = 0;
  while (index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1;
    if (bytes > maxBytes && index > 0) return index;
    index += code > 0xffff ? 2 : 1;
  }
  return index;
}

/** The nearest place at or before `end` where one character, with all that belongs to it, is over. */
function characterBorder(text: string, end: number): number {
  const least = Math.max(1, end - LONGEST_CHARACTER);
  for (let place = end; place >= least; place -= 1) {
    const splitsPair = isLow(text.charCodeAt(place)) && !isLow(text.charCodeAt(place - 1));
    const joined = text.charCodeAt(place - 1) === 0x200d;
    if (!splitsPair && !joined && !CONTINUES.test(text.slice(place, place + 2))) return place;
  }
  return end;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Nearly what text takes in most languages; a write that is refused for its size teaches better. */
const FIRST_BYTES_PER_TOKEN = 3;
/** Kept free, so that text a little denser than what came before still fits. */
const MARGIN = 0.9;
const AFTER_REFUSAL = 0.6;
/** Below this nothing can be learned: frames count more than text. */
const LEAST_TOKENS = 512;

/** Learns how many bytes a write may have. The client has no tokenizer: the server counts, and says what it counted. */
export class Density {
  #bytesPerToken = FIRST_BYTES_PER_TOKEN;
  readonly #appendTokens: number;

  constructor(appendTokens: number) {
    this.#appendTokens = appendTokens;
  }

  /** Bytes that one write most likely takes. So many that are no more than its tokens surely fit. */
  get maxBytes(): number {
    return Math.max(this.#appendTokens, Math.floor(this.#appendTokens * this.#bytesPerToken * MARGIN));
  }

  /** Tokens that a text of so many bytes most likely takes. */
  tokens(bytes: number): number {
    return Math.ceil(bytes / this.#bytesPerToken);
  }

  learn(bytes: number, tokens: number): void {
    if (tokens >= LEAST_TOKENS) this.#bytesPerToken = Math.max(1, bytes / tokens);
  }

  /**
   * A write of so many bytes was too large; `counted`: the tokens that the server counted, where it says so.
   * @returns false where no smaller one could be told from it
   */
  refused(bytes: number, counted?: number): boolean {
    const before = this.maxBytes;
    const guess = Math.min(this.#bytesPerToken, bytes / this.#appendTokens) * AFTER_REFUSAL;
    this.#bytesPerToken = Math.max(0.5, counted === undefined ? guess : Math.min(this.#bytesPerToken, bytes / counted));
    return this.maxBytes < Math.min(before, bytes);
  }
}

/** Share of a clipped text that is its head. */
const HEAD = 0.6;
const SHRINK = 0.9;

interface WriteLimit {
  client: KimiClient;
  model: string;
  appendTokens: number;
  /** Whether a tool result that is too large is clipped, or refused. */
  clip: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Messages none of which is too large for one write though it cannot be split. Asked before anything of a turn is written,
 * and of the server only where a message might be too large.
 * @throws BadRequestError `append_too_large`
 */
export async function fitUnsplittable(messages: readonly InputMessage[], limit: WriteLimit): Promise<InputMessage[]> {
  const fitting: InputMessage[] = [];
  for (const message of messages) {
    const mayBeTooLarge = !isSplittable(message) && messageBytes(message) > limit.appendTokens;
    fitting.push(mayBeTooLarge ? await fitOne(message, callOf(message, messages), limit) : message);
  }
  return fitting;
}

/** The head and the tail of a text, and between them how much is left out. */
export function clipText(text: string, keepUnits: number): string {
  const head = wholeHead(text, Math.floor(keepUnits * HEAD));
  const tail = wholeTail(text, Math.floor(keepUnits * (1 - HEAD)));
  const leftOut = text.length - head.length - tail.length;
  return leftOut <= 0 ? text : `${head}\n[... ${leftOut} characters left out, too large for one write ...]\n${tail}`;
}

async function fitOne(message: InputMessage, call: InputMessage | undefined, limit: WriteLimit): Promise<InputMessage> {
  const text = contentText(message.content);
  let fitting = message;
  let keep = text.length;
  for (;;) {
    const tokens = await countTokens(fitting, call, limit);
    if (tokens <= limit.appendTokens) return fitting;
    keep = Math.floor(keep * Math.min(SHRINK, (SHRINK * limit.appendTokens) / tokens));
    if (!limit.clip || message.role !== 'tool' || keep < 1) throw tooLarge(tokens, limit.appendTokens);
    fitting = { ...message, content: clipText(text, keep) };
  }
}

/** Ids of calls hold the name of the function, with its number behind it: `get_weather_0`, `functions.get_weather:0`. */
const CALL_ID = /^(?:functions\.)?(.+)[_:]\d+$/;

/** The call that a result answers, which some models name in the result: as it was sent, or as its id tells. */
function callOf(message: InputMessage, messages: readonly InputMessage[]): InputMessage | undefined {
  if (message.role !== 'tool') return undefined;
  const { tool_call_id: id, name = CALL_ID.exec(id)?.[1] ?? 'tool' } = message;
  const sent = messages.find((other) => other.role === 'assistant' && other.tool_calls?.some((call) => call.id === id));
  if (sent) return sent;
  return {
    role: 'assistant',
    content: '',
    tool_calls: [{ id, type: 'function', function: { name, arguments: '{}' } }],
  };
}

/**
 * An estimate counts what the model's prompt has around its messages, too: that is what one message twice tells. A result is
 * counted behind its call.
 */
async function countTokens(message: InputMessage, call: InputMessage | undefined, limit: WriteLimit): Promise<number> {
  if (call) return (await estimate([call, message], limit)) - (await estimate([call], limit));
  const small = { role: 'user' as const, content: '.' };
  const once = await estimate([small], limit);
  const twice = await estimate([small, small], limit);
  return (await estimate([message], limit)) - (2 * once - twice);
}

async function estimate(messages: InputMessage[], { client, model, signal }: WriteLimit): Promise<number> {
  const { data } = await client.post<{ data: { total_tokens: number } }>('/tokenizers/estimate-token-count', {
    body: { model, messages },
    signal,
  });
  return data.total_tokens;
}

/** The server's own refusal, made here because part of the turn would be written before the server could make it. */
function tooLarge(tokens: number, limit: number): BadRequestError {
  const code = 'append_too_large';
  const { message, param } = describeError(code, { allowed: limit, counted: tokens, largest: tokens });
  const error = { message: `${message}, and cannot be split`, type: ERRORS[code].type, code, param };
  return new BadRequestError(400, error, undefined, new Headers());
}

function wholeHead(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, '');
}

function wholeTail(text: string, units: number): string {
  return units === 0 ? '' : text.slice(-units).replace(/^[\udc00-\udfff]/, '');
}
