import { contentText } from '../../contract/messages.ts';
import type { History, PageRequest } from '../store/history.ts';
import type { StoredMessage, View } from '../store/history-rows.ts';

const READ_AHEAD = 256;

/** Messages of a window that hold all words of a query, whatever their case. */
export function search(
  history: History,
  view: View,
  query: string,
  { after, order, limit }: PageRequest,
): StoredMessage[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found: StoredMessage[] = [];
  let from = after;
  for (;;) {
    const page = history.page(view, { ...(from !== undefined && { after: from }), order, limit: READ_AHEAD });
    for (const message of page) {
      if (!matches(message, words)) continue;
      found.push(message);
      if (found.length === limit) return found;
    }
    if (page.length < READ_AHEAD) return found;
    from = page.at(-1)?.seq;
  }
}

function matches({ body }: StoredMessage, words: readonly string[]): boolean {
  const calls = (body.tool_calls ?? []).map((call) => `${call.function.name} ${call.function.arguments}`);
  const text = [contentText(body.content), body.name ?? '', ...calls].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
