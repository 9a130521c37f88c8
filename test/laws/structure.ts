import { type ChatMessage, contentText } from '../../contract/messages.ts';

interface Shown {
  role: string;
  content: ChatMessage['content'];
  tool_calls?: readonly { id: string }[] | undefined;
  tool_call_id?: string | undefined;
}

/**
 * Why the live API would reject a history for its structure; undefined where it would not. Written apart from the
 * emulator's own pairing: one pass, with the calls that wait. Calls that are open at the end are allowed.
 */
export function structuralFault(messages: readonly Shown[]): string | undefined {
  let waiting: string[] = [];
  for (const [place, message] of messages.entries()) {
    const at = `message ${place} (${message.role})`;
    if (message.role === 'tool') {
      const id = message.tool_call_id;
      if (id === undefined || !waiting.includes(id)) return `${at} answers ${id}, which no call before it asks`;
      waiting = waiting.filter((open) => open !== id);
    } else if (waiting.length > 0) {
      return `${at} comes while ${waiting.join(', ')} wait`;
    } else if (message.tool_call_id !== undefined) {
      return `${at} has a tool_call_id`;
    }
    const calls = message.tool_calls ?? [];
    if (message.tool_calls && (calls.length === 0 || message.role !== 'assistant')) return `${at} has tool_calls`;
    const ids = calls.map((call) => call.id);
    if (new Set(ids).size !== ids.length) return `${at} uses an id twice`;
    waiting.push(...ids);
    if (contentText(message.content) === '' && calls.length === 0) return `${at} is empty`;
  }
  return undefined;
}
