import { ERRORS } from '../../contract/errors.ts';
import { type ChatMessage, contentText, type InputMessage, type Tool } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { ApiError, invalid } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { Blob } from '../engines/media/data-url.ts';
import type { AnsweredCall } from '../engines/tokens/chat-template.ts';
import { answeredCalls, type MessageSize, type PromptCounter } from '../engines/tokens/prompt-counter.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { ServedModel } from '../models/profiles.ts';
import type { Services } from '../services.ts';
import { asNewEntry, type NewEntry, type Tail, type View } from '../store/entries.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Pairing, type PairingFault, pair } from './groups.ts';
import { type MediaSource, readMedia } from './media.ts';
import { type ReadMessage, readAs } from './messages.ts';
import { saveSession, toUsage } from './session.ts';

/** One message on its way into a window, counted. */
export interface WriteItem extends MessageSize {
  body: ChatMessage;
  /** Whether a prompt drops its reasoning, and all before it. */
  border: boolean;
  /** Undefined where the client did not set it: then only a leading system message is pinned. */
  pinned: boolean | undefined;
}

/** What a request brings, counted. */
export interface Counted {
  write: Write;
  tools: Toolset | undefined;
  counter: PromptCounter;
}

/** Messages that are written together or not at all. */
export interface Write {
  items: WriteItem[];
  /** Reasoning included. */
  tokens: number;
  /** Bytes of its pictures and videos, each once. */
  blobs: readonly Blob[];
}

/** What the messages of a write are counted for, and behind. */
interface WriteTarget {
  /** The model that reads them. */
  model: string;
  /** The end of the window that they come behind; absent where they begin one. */
  view?: View;
  media: MediaSource;
}

/** Counts the messages of one write, in slices. */
export async function countWrite(
  services: Services,
  target: WriteTarget,
  sent: readonly InputMessage[],
): Promise<Write> {
  const served = services.profiles.of(target.model);
  const { messages, blobs } = await readMedia(served.profile, sent, target.media);
  const counter = await served.counter();
  const bodies = messages.map(toChatMessage);
  const answered = answeredIn(services, counter, target, bodies);
  const items: WriteItem[] = [];
  let tokens = 0;
  for (const [place, message] of messages.entries()) {
    const body = bodies[place];
    if (!body) continue;
    const item = { ...(await sizeItem(served, counter, body, answered[place])), pinned: message.pinned };
    items.push(item);
    tokens += item.tokens + item.reasoning;
  }
  return { items, tokens, blobs };
}

/** The same with tools; undefined where the request names none. */
export async function countContent(
  services: Services,
  target: WriteTarget,
  messages: readonly InputMessage[],
  tools: Tool[] | null | undefined,
): Promise<Counted> {
  const counter = await services.profiles.of(target.model).counter();
  const write = await countWrite(services, target, messages);
  if (!tools) return { write, tools: undefined, counter };
  return { write, tools: { tools, tokens: await counter.tools(tools) }, counter };
}

/** A message with its size, for a model. */
export async function sizeItem(
  { profile }: ServedModel,
  counter: PromptCounter,
  body: ChatMessage,
  answered: AnsweredCall | undefined,
): Promise<Omit<WriteItem, 'pinned'>> {
  const { tokens, reasoning } = await counter.message(body, answered);
  return { body, tokens, reasoning, border: isBorder(profile, body) };
}

/** Whether the prompt of a model drops the reasoning of a message and of all before it. */
export function isBorder({ thinking }: ModelProfile, { role, tool_calls }: ChatMessage): boolean {
  if (thinking.history.value === 'after_last_user') return role === 'user';
  return thinking.history.value === 'after_last_answer' && role === 'assistant' && !tool_calls;
}

function answeredIn(
  { store }: Services,
  counter: PromptCounter,
  { view }: WriteTarget,
  bodies: readonly ChatMessage[],
): (AnsweredCall | undefined)[] {
  if (!counter.needsAnsweredCalls || !bodies.some((body) => body.role === 'tool')) return [];
  return answeredCalls(view ? store.history.tail(view).calls.map(bodyOf) : [], bodies);
}

/** Messages as a client without sessions would send them again and again. */
export function historyOf({ profile }: Pick<ServedModel, 'profile'>, items: readonly WriteItem[]): ReadMessage[] {
  const keepsReasoning = profile.thinking.history.value === 'all';
  return items.map((item) => readAs(item, keepsReasoning));
}

/** What is stored of a message: everything that the model reads, and none of the flags. */
function toChatMessage(message: InputMessage): ChatMessage {
  const body: ChatMessage = { role: message.role, content: message.content ?? null };
  if (message.name !== undefined) body.name = message.name;
  if (message.role === 'assistant' && message.tool_calls) {
    body.tool_calls = message.tool_calls.map(({ id, type, function: { name, arguments: text } }) => ({
      id,
      type,
      function: { name, arguments: text ?? '' },
    }));
  }
  if (message.role === 'assistant' && message.reasoning_content != null) {
    body.reasoning_content = message.reasoning_content;
  }
  if (message.role === 'system' && message.tools) body.tools = message.tools;
  if (message.role === 'tool') body.tool_call_id = message.tool_call_id;
  return body;
}

/**
 * Refuses messages that say nothing, as the live API does.
 * @throws ApiError the live text; where a session is addressed, with the field
 */
export function requireContent(messages: readonly InputMessage[], addressed: boolean): void {
  const index = messages.findIndex(isEmpty);
  if (index === -1) return;
  const field = `messages[${index}].content`;
  if (addressed) throw invalid(`${field}: ${ERRORS.content_empty.message({ index })}`, field);
  const silent = messages[index]?.role === 'assistant' && !hasCalls(messages[index]);
  throw new ApiError(silent ? 'assistant_empty' : 'content_empty', { index });
}

/** Calls may stand without text, but not beside a list of parts that holds none. */
function isEmpty(message: InputMessage): boolean {
  if (hasCalls(message) && !Array.isArray(message.content)) return false;
  if (message.role === 'system' && message.tools && message.tools.length > 0) return false;
  return contentText(message.content) === '';
}

function hasCalls(message: InputMessage | undefined): boolean {
  return message?.role === 'assistant' && message.tool_calls != null;
}

/**
 * Groups the items behind the newest group of a session.
 * @throws ApiError `tool_result_orphan`, `tool_call_unanswered` or `invalid_request`, naming the ids
 */
export function pairOrRefuse(newest: readonly ChatMessage[], items: readonly WriteItem[]): Pairing {
  const pairing = pair(
    newest,
    items.map((item) => item.body),
  );
  if ('kind' in pairing) throw pairingError(pairing);
  return pairing;
}

function pairingError({ kind, ids, index }: PairingFault): ApiError {
  const param = `messages[${index}]`;
  if (kind === 'orphan') {
    return new ApiError('tool_result_orphan', { ids, param: `${param}.tool_call_id` });
  }
  if (kind === 'unanswered') return new ApiError('tool_call_unanswered', { ids, param });
  const field = `${param}.tool_calls`;
  return invalid(`${field}: id ${ids.join(', ')} is used twice`, field, 'repeated_call_id');
}

/**
 * Appends one write, all of it or nothing.
 * @returns the changed session and the messages as stored
 * @throws ApiError for tool pairing, then `append_too_large`, then `context_window_exceeded`
 */
export function append(services: Services, session: SessionRow, write: Write) {
  const tail = services.store.history.tail(session.view);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), write.items);
  requireWriteFits(services, write);
  const used = toUsage(services, session).total_tokens;
  const adding = services.store.history.tokensWith(session.view, write.items) - session.view.tokens;
  const limit = services.profiles.of(session.model).limits.window_tokens;
  if (used + adding > limit) {
    throw new ApiError('context_window_exceeded', { limit, requested: used + adding, used, adding });
  }
  const { view, written } = extend(services, session.view, tail, write.items, pairing);
  return { session: saveSession(services, session, { view }), written };
}

/** @throws ApiError `append_too_large` */
export function requireWriteFits({ limits }: Services, { items, tokens }: Write): void {
  if (tokens <= limits.append_tokens) return;
  const largest = Math.max(...items.map((item) => item.tokens + item.reasoning));
  throw new ApiError('append_too_large', { allowed: limits.append_tokens, counted: tokens, largest });
}

/** Puts counted messages behind a view, deciding which of them are pinned and which a pin in their group holds. */
export function extend(
  services: Services,
  view: View,
  tail: Tail,
  items: readonly WriteItem[],
  pairing: Pairing,
): { view: View; written: NewEntry[] } {
  const { history } = services.store;
  const createdAt = unixSeconds(services.clock);
  let leading = tail.last?.heldSystems ?? 0;
  const onlyLeading = leading === view.messages;
  const pins = items.map(({ body, pinned }, index) => {
    const leads = onlyLeading && body.role === 'system' && leading === view.messages + index;
    const kept = pinned ?? leads;
    if (kept && leads) leading += 1;
    return kept;
  });
  const joins = pairing.opensGroup.findIndex((opens) => opens);
  const continuing = joins === -1 ? items.length : joins;
  const heldBefore = tail.last?.held === true;
  const held = heldGroups(pins, pairing.opensGroup, heldBefore);
  const written = items.map(({ body, tokens, reasoning, border }, index): NewEntry => {
    const message = { id: services.ids('message'), body, truncated: false, summary: false, createdAt };
    const flags = { pinned: pins[index] ?? false, held: held[index] ?? false };
    return { message, tokens, reasoning, border, ...flags, opensGroup: pairing.opensGroup[index] ?? true };
  });
  const first = tail.calls[0];
  if (first && continuing > 0 && held[0] && !heldBefore) {
    const regrouped = tail.calls.map((message, place): NewEntry => {
      return { ...asNewEntry(message), held: true, opensGroup: place === 0 };
    });
    return { view: history.replaceTail(view, first.seq, [...regrouped, ...written]), written };
  }
  return { view: history.append(view, written, tail.last), written };
}

export function bodyOf(message: { body: ChatMessage }): ChatMessage {
  return message.body;
}

function heldGroups(pins: readonly boolean[], opensGroup: readonly boolean[], heldBefore: boolean): boolean[] {
  const held: boolean[] = [];
  let start = 0;
  for (let index = 0; index <= pins.length; index += 1) {
    if (index < pins.length && !opensGroup[index]) continue;
    const joinsNewest = start === 0 && opensGroup[0] === false;
    const keep = pins.slice(start, index).some(Boolean) || (joinsNewest && heldBefore);
    for (let member = start; member < index; member += 1) held.push(keep);
    start = index;
  }
  return held;
}

type Wrote = NonNullable<JournalEffects['wrote']>;

/** @param total tokens of the window afterwards @param session as it is afterwards */
export function wroteFacts({ items, tokens }: Write, total: number, { view }: Pick<SessionRow, 'view'>): Wrote {
  const wrote: Wrote = { messages: items.length, tokens, total, place: view.head };
  for (const { body } of items) {
    if (body.tool_calls) wrote.opened = [...(wrote.opened ?? []), ...body.tool_calls.map((call) => call.id)];
    if (body.tool_call_id !== undefined) wrote.answered = [...(wrote.answered ?? []), body.tool_call_id];
  }
  return wrote;
}
