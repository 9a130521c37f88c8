import { ERRORS } from '../../contract/errors.ts';
import { type ChatMessage, contentText, type InputMessage, type Tool } from '../../contract/messages.ts';
import { ApiError, invalid } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import { messageTokensSliced, toolsTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { NewEntry, StoredMessage, Tail, View } from '../store/entries.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import { type Pairing, type PairingFault, pair } from './groups.ts';
import { saveSession, toUsage } from './session.ts';

/** One message on its way into a window, counted. */
export interface WriteItem {
  body: ChatMessage;
  tokens: number;
  /** Undefined where the client did not set it: then only a leading system message is pinned. */
  pinned: boolean | undefined;
}

/** What a request brings, counted. */
export interface Counted {
  write: Write;
  tools: Toolset | undefined;
  tokenizer: Tokenizer;
}

/** Messages that are written together or not at all. */
export interface Write {
  items: WriteItem[];
  tokens: number;
}

/** @returns a function that counts the messages of one write, in slices */
export function countWrite({ tokenizer }: Services, messages: readonly InputMessage[]): () => Promise<Write> {
  return async () => countMessages(await tokenizer.load(), messages);
}

/** The same with tools; undefined where the request names none. */
export function countContent(
  { tokenizer: source }: Services,
  messages: readonly InputMessage[],
  tools: Tool[] | null | undefined,
): () => Promise<Counted> {
  return async () => {
    const tokenizer = await source.load();
    const write = await countMessages(tokenizer, messages);
    if (!tools) return { write, tools: undefined, tokenizer };
    const tokens = tools.length === 0 ? 0 : await toolsTokensSliced(tokenizer, tools);
    return { write, tools: { tools, tokens }, tokenizer };
  };
}

async function countMessages(tokenizer: Tokenizer, messages: readonly InputMessage[]): Promise<Write> {
  const items: WriteItem[] = [];
  let tokens = 0;
  for (const message of messages) {
    const body = toChatMessage(message);
    const size = await messageTokensSliced(tokenizer, body);
    items.push({ body, tokens: size, pinned: message.pinned });
    tokens += size;
  }
  return { items, tokens };
}

/** What is stored of a message: everything that the model reads, and none of the flags. */
export function toChatMessage(message: InputMessage): ChatMessage {
  const body: ChatMessage = { role: message.role, content: message.content ?? null };
  if (message.name !== undefined) body.name = message.name;
  if (message.role === 'assistant' && message.tool_calls) {
    body.tool_calls = message.tool_calls.map(({ id, type, function: { name, arguments: text } }) => ({
      id,
      type,
      function: { name, arguments: text ?? '' },
    }));
  }
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
  const { store, limits } = services;
  const tail = store.history.tail(session.view);
  const pairing = pairOrRefuse(tail.calls.map(bodyOf), write.items);
  requireWriteFits(services, write);
  const used = toUsage(services, session).total_tokens;
  const requested = used + write.tokens;
  if (requested > limits.window_tokens) {
    const details = { limit: limits.window_tokens, requested, used, adding: write.tokens };
    throw new ApiError('context_window_exceeded', details);
  }
  const { view, written } = extend(services, session.view, tail, write.items, pairing);
  return { session: saveSession(services, session, { view }), written };
}

/** @throws ApiError `append_too_large` */
export function requireWriteFits({ limits }: Services, { items, tokens }: Write): void {
  if (tokens <= limits.append_tokens) return;
  const largest = Math.max(...items.map((item) => item.tokens));
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
  const written = items.map(({ body, tokens }, index): NewEntry => {
    const message = { id: services.ids('message'), body, truncated: false, summary: false, createdAt };
    const flags = { pinned: pins[index] ?? false, held: held[index] ?? false };
    return { message, tokens, ...flags, opensGroup: pairing.opensGroup[index] ?? true };
  });
  const first = tail.calls[0];
  if (first && continuing > 0 && held[0] && !heldBefore) {
    const regrouped = tail.calls.map((message, place): NewEntry => {
      const { tokens, pinned } = message;
      return { message, tokens, pinned, held: true, opensGroup: place === 0 };
    });
    return { view: history.replaceTail(view, first.seq, [...regrouped, ...written]), written };
  }
  return { view: history.append(view, written, tail.last), written };
}

export function bodyOf(message: StoredMessage) {
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
