import { contentText } from '../../contract/messages.ts';
import type { StoredMessage, View } from '../store/entries.ts';
import type { History, PageRequest } from '../store/history.ts';
import { slicesOf } from './window.ts';

/** Messages of a window that hold all words of a query, whatever their case. Gives way to the event loop. */
export async function search(
  history: History,
  view: View,
  query: string,
  { after, order, limit }: PageRequest,
): Promise<StoredMessage[]> {
  const words = [...new Set(query.toLowerCase().split(/\s+/).filter(Boolean))];
  const found: StoredMessage[] = [];
  for await (const slice of slicesOf(history, view, order, after)) {
    for (const message of slice) {
      if (!matches(message, words)) continue;
      found.push(message);
      if (found.length === limit) return found;
    }
  }
  return found;
}

function matches({ body }: StoredMessage, words: readonly string[]): boolean {
  const calls = (body.tool_calls ?? []).map((call) => `${call.function.name} ${call.function.arguments}`);
  const text = [contentText(body.content), ...calls].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
