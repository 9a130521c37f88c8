import type { SessionMessage } from '../../contract/sessions.ts';
import { ApiError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { NewEntry, StoredMessage } from '../store/entries.ts';
import type { SessionRow } from '../store/sessions.ts';
import { changed } from './append.ts';
import { toMessage } from './objects.ts';

/**
 * Pins a message of the window, or takes its pin away. A pin holds the whole group.
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
  if (entry.pinned === pinned) return { session, result: toMessage(session.id, target) };
  const pins = window.map((message, index) => (index === place ? pinned : message.pinned));
  const view = history.rewrite(regroup(window, pins));
  const result = toMessage(session.id, { ...target, pinned });
  return { session: changed(services, session, { view }), result };
}

/** The same messages with other pins. Entries are immutable, so that snapshots keep theirs: the window is written anew. */
function regroup(window: readonly StoredMessage[], pins: readonly boolean[]): NewEntry[] {
  const heldGroups = new Set(window.filter((_, index) => pins[index]).map((message) => message.group));
  return window.map((message, index) => ({
    message,
    tokens: message.tokens,
    pinned: pins[index] ?? false,
    held: heldGroups.has(message.group),
    opensGroup: message.seq === message.group,
  }));
}
