import type { LargestPart } from '../../contract/errors.ts';
import type { ChatMessage, InputMessage } from '../../contract/messages.ts';
import type { AppendAcknowledgement } from '../../contract/sessions.ts';
import { ApiError, invalid } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import type { JournalEffects } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import { asNewEntry, type NewEntry, type Tail, type View } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type Change, saveSession, toUsage, writtenMessages } from './session.ts';
import {
  bodyOf,
  countWrite,
  historyOf,
  requireTools,
  requireToolsInPlace,
  type Write,
  type WriteItem,
} from './write.ts';

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

function pairingError({ kind, ids, index, first }: PairingFault): ApiError {
  const param = `messages[${index}]`;
  if (kind === 'orphan') {
    const answered = first !== undefined && { first };
    return new ApiError('tool_result_orphan', { ids, param: `${param}.tool_call_id`, ...answered });
  }
  if (kind === 'unanswered') return new ApiError('tool_call_unanswered', { ids, param });
  const field = `${param}.tool_calls`;
  return invalid(`${field}: id ${ids.join(', ')} is used twice`, field, 'repeated_call_id');
}

/** Messages of a request, and what they were before a schema left out what it does not know. */
interface SentMessages {
  messages: readonly InputMessage[];
  sent: unknown;
}

/**
 * An append: one write, all of it or nothing.
 * @param line of a streamed append, which is acknowledged by itself
 */
export function appending(services: Services, { messages, sent }: SentMessages, line?: number): Change<Write> {
  return {
    async prepare(mutation) {
      const session = mutation.load();
      const { profile } = services.profiles.of(session.model);
      requireToolsInPlace(profile, { messages: sent });
      requireTools(profile, [], messages);
      const write = await countWrite(services, { ...session, media: mutation.media }, messages);
      await mutation.storeBlobs(write);
      return write;
    },
    apply(session, write) {
      const { session: next, written } = append(services, session, write);
      const { id, version, model } = next;
      const { tokens } = write;
      const usage = toUsage(services, next);
      const effects = { wrote: wroteFacts(write, usage.total_tokens, next) };
      const items = historyOf(services.profiles.of(model), write.items);
      const past = { kind: 'append' as const, session: next };
      const done = { effects, history: { session: id, step: 'written' as const, items }, past, newTokens: tokens };
      if (line !== undefined) {
        const body: AppendAcknowledgement = { index: line, id: written[0]?.message.id ?? '', tokens, usage, version };
        return { body, ...done };
      }
      const data = writtenMessages(id, written);
      return { body: { object: 'session.append', session_id: id, data, tokens, usage, version }, version, ...done };
    },
  };
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
  const sizes = items.map((item) => item.tokens + item.reasoning);
  const largest = Math.max(...sizes);
  const mostly = largestPart(items[sizes.indexOf(largest)]);
  throw new ApiError('append_too_large', { allowed: limits.append_tokens, counted: tokens, largest, mostly });
}

function largestPart(item: WriteItem | undefined): LargestPart {
  if (!item) return 'text';
  const { role, content, tool_calls = [] } = item.body;
  if (item.reasoning > item.tokens) return 'reasoning';
  if (role === 'tool') return 'result';
  if (JSON.stringify(tool_calls).length > JSON.stringify(content).length) return 'calls';
  return Array.isArray(content) && content.some(({ type }) => type !== 'text') ? 'media' : 'text';
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
function wroteFacts({ items, tokens }: Write, total: number, { view }: Pick<SessionRow, 'view'>): Wrote {
  const wrote: Wrote = { messages: items.length, tokens, total, place: view.head };
  for (const { body } of items) {
    if (body.tool_calls) wrote.opened = [...(wrote.opened ?? []), ...body.tool_calls.map((call) => call.id)];
    if (body.tool_call_id !== undefined) wrote.answered = [...(wrote.answered ?? []), body.tool_call_id];
  }
  return wrote;
}

/** Why a list of messages is not a valid history: a result without its call, or a call that something else follows. */
interface PairingFault {
  kind: 'orphan' | 'unanswered' | 'duplicate';
  ids: string[];
  /** Where in the new messages. */
  index: number;
  /** Of an orphan, which of the new messages answers the same call before it. */
  first?: number;
}

interface Pairing {
  /** For each new message, whether it begins a group of its own. */
  opensGroup: boolean[];
  /** Calls that still wait for their result. */
  open: string[];
}

type Paired = Pick<ChatMessage, 'role' | 'tool_calls' | 'tool_call_id'>;

/**
 * Groups new messages behind a history: a plain message is a group; an assistant message with calls is one with all its
 * results. While calls are open only their results may follow; ids need to be unique among open calls only.
 * @param newest the newest group of the history
 */
export function pair(newest: readonly Paired[], messages: readonly Paired[]): Pairing | PairingFault {
  const open = new Set<string>();
  for (const message of newest) track(open, message);
  const opensGroup: boolean[] = [];
  for (const [index, message] of messages.entries()) {
    const fault = follow(open, message);
    if (fault) {
      const first = messages.findIndex(({ tool_call_id: id }) => id !== undefined && id === message.tool_call_id);
      return { ...fault, index, ...(fault.kind === 'orphan' && first < index && { first }) };
    }
    opensGroup.push(message.role !== 'tool');
  }
  return { opensGroup, open: [...open] };
}

/**
 * Puts one message behind a history.
 * @param open the calls that wait for their result; changed to those that wait behind the message
 */
export function follow(open: Set<string>, message: Paired): Pick<PairingFault, 'kind' | 'ids'> | undefined {
  if (message.role === 'tool') {
    const id = message.tool_call_id ?? '';
    if (!open.has(id)) return { kind: 'orphan', ids: [id] };
  } else if (open.size > 0) {
    return { kind: 'unanswered', ids: [...open] };
  }
  const repeated = repeatedIds(message);
  if (repeated.length > 0) return { kind: 'duplicate', ids: repeated };
  track(open, message);
  return undefined;
}

/** Adds a message's calls to the open ones, and removes what it answers. */
export function track(open: Set<string>, message: Paired): void {
  for (const call of message.tool_calls ?? []) open.add(call.id);
  if (message.tool_call_id !== undefined) open.delete(message.tool_call_id);
}

function repeatedIds({ tool_calls = [] }: Paired): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { id } of tool_calls) (seen.has(id) ? repeated : seen).add(id);
  return [...repeated];
}
