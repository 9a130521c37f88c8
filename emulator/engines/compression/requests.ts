import { contentText } from '../../../contract/messages.ts';
import type { SourceMessage } from './compress.ts';
import { isRequest } from './cues.ts';

/** Which messages a summary treats as requests and as the newest turns; indices into the window. */
export interface Turns {
  /** The first message of a user; −1 where there is none. */
  readonly first: number;
  /** The newest message of a user that asks for something, else simply the newest. */
  readonly latest: number;
  readonly recent: ReadonlySet<number>;
}

const RECENT_TURNS = 4;
/** Messages looked at, from the newest back, for one that asks. */
const LOOK_BACK = 400;
/** A longer message is a document rather than a turn. */
export const TURN_CHARS = 2_000;

export function findTurns(messages: readonly SourceMessage[]): Turns {
  const isUser = ({ message, summary }: SourceMessage) => message.role === 'user' && !summary;
  const first = messages.findIndex(isUser);
  // "Yes, please go ahead" asks for what was asked for before.
  const asks = (source: SourceMessage) =>
    isUser(source) && isRequest(contentText(source.message.content).slice(0, TURN_CHARS).trim());
  const asking = messages.findLastIndex((source, at) => at >= messages.length - LOOK_BACK && asks(source));
  const latest = asking > first ? asking : messages.findLastIndex(isUser);
  const recent = new Set<number>();
  for (let at = messages.length - 1; at >= 0 && recent.size < RECENT_TURNS; at--) {
    const source = messages[at];
    if (source !== undefined && at !== first && at !== latest && isTurn(source)) recent.add(at);
  }
  return { first, latest, recent };
}

function isTurn({ message, summary }: SourceMessage): boolean {
  if (summary || (message.role !== 'user' && message.role !== 'assistant')) return false;
  const length = contentText(message.content).length;
  return length > 0 && length <= TURN_CHARS;
}
