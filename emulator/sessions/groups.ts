import type { ChatMessage } from '../../contract/messages.ts';

/** Why a list of messages is not a valid history: a result without its call, or a call that something else follows. */
export interface PairingFault {
  kind: 'orphan' | 'unanswered' | 'duplicate';
  ids: string[];
  /** Where in the new messages. */
  index: number;
}

export interface Pairing {
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
    if (fault) return { ...fault, index };
    opensGroup.push(message.role !== 'tool');
  }
  return { opensGroup, open: [...open] };
}

/**
 * Puts one message behind a history.
 * @param open the calls that wait for their result; changed to those that wait behind the message
 */
export function follow(open: Set<string>, message: Paired): Omit<PairingFault, 'index'> | undefined {
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
