import { contentText } from '../../contract/messages.ts';
import type { NewEntry, StoredMessage } from '../../emulator/store/entries.ts';

/** A message of a plain array: what the store has to make of its pointers. */
export interface Item {
  id: string;
  text: string;
  tokens: number;
  reasoning: number;
  border: boolean;
  /** Whether a border behind it has dropped its reasoning, even where that has been cut away. */
  dropped?: true;
  held: boolean;
  system: boolean;
  opensGroup: boolean;
}

/** Reasoning counts behind the last border. */
export function tokensOf(window: readonly Item[]): number {
  return dropReasoning(window).reduce((sum, item) => sum + item.tokens + (item.dropped ? 0 : item.reasoning), 0);
}

/** The window with each border's work done. */
export function dropReasoning(window: readonly Item[]): Item[] {
  const border = window.findLastIndex((item) => item.border);
  return window.map((item, place) => (place <= border ? { ...item, dropped: true } : item));
}

/** The groups of a window, oldest first. */
export function groupsOf(window: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (const item of window) {
    if (item.opensGroup) groups.push([item]);
    else groups.at(-1)?.push(item);
  }
  return groups;
}

/** Held groups and the longest run of newest groups within `budget`; undefined where not even the newest fits. */
export function cutWindow(window: readonly Item[], budget: number): Item[] | undefined {
  const groups = groupsOf(dropReasoning(window));
  for (let from = 0; from < groups.length; from += 1) {
    const kept = groups.filter((group, place) => place >= from || group[0]?.held).flat();
    if (tokensOf(kept) <= budget) return kept;
  }
  return groups.length === 0 ? [] : undefined;
}

/** What the store is given to write an item. */
export function toNewEntry({ id, text, tokens, reasoning, border, held, system, opensGroup }: Item): NewEntry {
  const body = { role: system ? ('system' as const) : ('user' as const), content: text };
  return {
    message: { id, body, truncated: false, summary: false, createdAt: 0 },
    tokens,
    reasoning,
    border,
    pinned: held,
    held,
    opensGroup,
  };
}

/** What the store shows, as an item. */
export function toItem(message: StoredMessage): Item {
  const { id, tokens, reasoning, border, held, seq, group } = message;
  const { role, content } = message.body;
  return {
    id,
    text: contentText(content),
    tokens,
    reasoning,
    border,
    held,
    system: role === 'system',
    opensGroup: seq === group,
  };
}
