import type { SessionMessage } from '../../contract/sessions.ts';

/** Messages that stay or go together: a plain one, or a call with all its results. */
export function groupsOf(messages: readonly SessionMessage[]): SessionMessage[][] {
  const groups: SessionMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.role === 'tool' && last) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

export function tokensIn(messages: readonly SessionMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

export function isPinned(group: readonly SessionMessage[]): boolean {
  return group.some(({ pinned }) => pinned);
}

/**
 * What a cut to `budget` tokens of messages has to keep by the contract: pins, and the longest run of newest groups.
 * @returns undefined where not even the newest group fits
 */
export function keptOf(messages: readonly SessionMessage[], budget: number): SessionMessage[] | undefined {
  const groups = groupsOf(messages);
  const pins = groups.filter(isPinned);
  let left = budget - tokensIn(pins.flat());
  let from = groups.length;
  while (from > 0) {
    const group = groups[from - 1] ?? [];
    const tokens = isPinned(group) ? 0 : tokensIn(group);
    if (tokens > left) break;
    left -= tokens;
    from -= 1;
  }
  if (from === groups.length && from > 0) return undefined;
  return groups.filter((group, place) => place >= from || isPinned(group)).flat();
}

/** What a message says, whichever session it stands in. */
export function said({ role, content, name, tool_calls, tool_call_id, tokens }: SessionMessage): object {
  return { role, content, name, tool_calls, tool_call_id, tokens };
}
