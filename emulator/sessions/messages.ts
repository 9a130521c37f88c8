import { contentText } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { ApiError } from '../api-error.ts';
import type { Services } from '../services.ts';
import { asNewEntry, keepDropped, type NewEntry, type StoredMessage, type View } from '../store/entries.ts';
import type { History, PageRequest } from '../store/history.ts';
import { slicesOf } from '../store/history.ts';
import type { SessionRow } from '../store/sessions.ts';
import { saveSession, toMessage } from './session.ts';

/**
 * Pins or unpins a message of the window. A pin holds its whole group.
 * @throws ApiError `message_not_found`
 */
export function pin(
  services: Services,
  session: SessionRow,
  messageId: string,
  pinned: boolean,
): { session: SessionRow; result: SessionMessage } {
  const { history } = services.store;
  const entry = history.find(session.view, messageId);
  if (!entry) throw new ApiError('message_not_found', { message: messageId });
  const window = history.window(session.view);
  const place = window.findIndex((message) => message.seq === entry.seq);
  const target = window[place];
  if (!target) throw new ApiError('message_not_found', { message: messageId });
  const { keptAfter } = history.reasoning(session.view);
  if (entry.pinned === pinned) return { session, result: toMessage(session.id, target, keptAfter) };
  const pins = window.map((message, index) => (index === place ? pinned : message.pinned));
  const view = history.rewrite(keepDropped(regroup(window, pins), keptAfter));
  const result = toMessage(session.id, { ...target, pinned }, keptAfter);
  return { session: saveSession(services, session, { view }), result };
}

/** The same messages with other pins, written anew: entries are immutable, because snapshots share them. */
function regroup(window: readonly StoredMessage[], pins: readonly boolean[]): NewEntry[] {
  const heldGroups = new Set(window.filter((_, index) => pins[index]).map((message) => message.group));
  return window.map((message, index) => ({
    ...asNewEntry(message),
    pinned: pins[index] ?? false,
    held: heldGroups.has(message.group),
  }));
}

/**
 * Where a page begins whose `after` is this message.
 * @param query words that the items of the list hold
 * @throws ApiError `message_not_found` where the message is not an item of the list
 */
export function findCursor(history: History, view: View, after: string, query?: string): number {
  const seq = history.find(view, after)?.seq;
  const [message] = seq === undefined ? [] : history.page(view, { after: seq - 1, order: 'asc', limit: 1 });
  if (!message || (query !== undefined && !containsWords(message, wordsOf(query)))) {
    throw new ApiError('message_not_found', { message: after, param: 'after' });
  }
  return message.seq;
}

/** Messages of a window that hold all words of a query, whatever their case; searched in slices. */
export async function searchWindow(
  history: History,
  view: View,
  query: string,
  { after, order, limit }: PageRequest,
): Promise<StoredMessage[]> {
  const words = wordsOf(query);
  const found: StoredMessage[] = [];
  for await (const slice of slicesOf(history, view, order, after)) {
    for (const message of slice) {
      if (!containsWords(message, words)) continue;
      found.push(message);
      if (found.length === limit) return found;
    }
  }
  return found;
}

export function wordsOf(query: string): string[] {
  return [...new Set(query.toLowerCase().split(/\s+/).filter(Boolean))];
}

export function containsWords({ body }: StoredMessage, words: readonly string[]): boolean {
  const calls = (body.tool_calls ?? []).map((call) => `${call.function.name} ${call.function.arguments}`);
  const text = [contentText(body.content), ...calls].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
