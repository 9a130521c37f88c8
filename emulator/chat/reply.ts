import type { FinishReason } from '../../contract/chat.ts';
import { type ChatMessage, contentText, type ToolCall } from '../../contract/messages.ts';
import { MESSAGE_FRAME_TOKENS } from '../engines/tokens/chat-template.ts';
import type { WriteItem } from '../sessions/write.ts';

/** What was delivered of one choice. */
export interface Reply {
  content: string;
  calls: ToolCall[];
  completionTokens: number;
  finishReason: FinishReason;
}

export function replyMessage({ content, calls }: Pick<Reply, 'content' | 'calls'>): ChatMessage {
  return { role: 'assistant', content, ...(calls.length > 0 && { tool_calls: calls }) };
}

/**
 * The messages that a turn stores: the new ones and the reply, which a begun answer and its continuation share. Nothing
 * of an empty answer, nor of a tool call that `length` cut, is stored.
 */
export function storedReply(reply: Reply | undefined, items: readonly WriteItem[], partial: boolean): WriteItem[] {
  const begun = partial ? items.at(-1) : undefined;
  const before = begun ? items.slice(0, -1) : [...items];
  if (!reply || !isWhole(reply)) return begun && contentText(begun.body.content) !== '' ? [...before, begun] : before;
  const body = replyMessage(reply);
  if (!begun) return [...before, { body, tokens: reply.completionTokens + MESSAGE_FRAME_TOKENS, pinned: undefined }];
  const joined = { ...begun.body, ...body, content: contentText(begun.body.content) + reply.content };
  return [...before, { body: joined, tokens: begun.tokens + reply.completionTokens, pinned: begun.pinned }];
}

function isWhole({ content, calls, finishReason }: Reply): boolean {
  if (calls.length > 0) return finishReason !== 'length';
  return content !== '';
}
