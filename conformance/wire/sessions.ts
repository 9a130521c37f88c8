import type { z } from 'zod';
import type { InputMessage } from '../../contract/messages.ts';
import type { Session, SessionMessage } from '../../contract/sessions.ts';

/** The messages that most cases are made of, and what is read of a session. */

export type Message = z.input<typeof InputMessage>;

export function user(content: string): Message {
  return { role: 'user', content };
}

/** An assistant's message that calls a tool once for each id. */
export function toolCall(...ids: string[]): Message {
  const tool_calls = ids.map((id) => ({
    id,
    type: 'function' as const,
    function: { name: 'look_up', arguments: '{}' },
  }));
  return { role: 'assistant', content: null, tool_calls };
}

/** What a tool has answered. */
export function toolResult(tool_call_id: string, content = 'done'): Message {
  return { role: 'tool', tool_call_id, content };
}

/** All that can be read of a session. */
export interface State {
  session: Session;
  messages: SessionMessage[];
}

export const idOf = ({ id }: { id: string }): string => id;
export const isPinnedMessage = ({ pinned }: { pinned: boolean }): boolean => pinned;
export const isSummary = ({ summary }: { summary: boolean }): boolean => summary;

const CHANGED = 6;

/** An id of the same shape that nobody was given. */
export function unknownId(id: string): string {
  let left = CHANGED;
  const characters = [...id].reverse().map((character) => {
    if (left === 0 || !/[0-9a-zA-Z]/.test(character)) return character;
    left -= 1;
    return character === '0' ? '1' : '0';
  });
  return characters.reverse().join('');
}
