import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredMessage, View } from '../store/entries.ts';
import type { History } from '../store/history.ts';

/** Messages read before others get their turn: a few milliseconds. */
const SLICE = 256;

/**
 * Everything in a window, oldest first, giving way to the event loop. The caller keeps what the view points to from
 * being collected meanwhile: it holds the session, or a snapshot does.
 */
export async function readWindow(history: History, view: View): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const slice of slicesOf(history, view, 'asc')) messages.push(...slice);
  return messages;
}

/** The window in slices, from behind `after` where given. */
export async function* slicesOf(
  history: History,
  view: View,
  order: 'asc' | 'desc',
  after?: number,
): AsyncGenerator<StoredMessage[], void> {
  for (let from = after; ; await nextTurn()) {
    const slice = history.page(view, { ...(from !== undefined && { after: from }), order, limit: SLICE });
    if (slice.length > 0) yield slice;
    if (slice.length < SLICE) return;
    from = slice.at(-1)?.seq;
  }
}
