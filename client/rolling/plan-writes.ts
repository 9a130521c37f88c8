import { contentText } from '../../contract/content-text.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { splitText, utf8Bytes } from './split-text.ts';

/** More than a message's frame ever takes beside its texts, in tokens and so in bytes at the least. */
const FRAME_BYTES = 32;

/**
 * Messages as writes of at most `maxBytes` each, in order: together where they fit, else cut at message borders, and a text
 * that is too long by itself in several messages. What cannot be cut stands in a write of its own.
 * @returns one write at least, none of them empty but for no messages at all
 */
export function planWrites(messages: readonly InputMessage[], maxBytes: number): InputMessage[][] {
  const writes: InputMessage[][] = [[]];
  let room = maxBytes;
  for (const message of messages.flatMap((whole) => splitMessage(whole, maxBytes))) {
    const bytes = messageBytes(message);
    if (bytes > room && writes.at(-1)?.length !== 0) {
      writes.push([]);
      room = maxBytes;
    }
    writes.at(-1)?.push(message);
    room -= bytes;
  }
  return writes;
}

/** Bytes that bound a message's tokens: no token is less than a byte. */
export function messageBytes(message: InputMessage): number {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const callBytes = calls.reduce(
    (sum, call) => sum + FRAME_BYTES + utf8Bytes(call.id + JSON.stringify(call.function)),
    0,
  );
  const id = message.role === 'tool' ? message.tool_call_id : '';
  return FRAME_BYTES + utf8Bytes(contentText(message.content) + (message.name ?? '') + id) + callBytes;
}

/** Whether a message's text may stand in several messages without a change of meaning. */
export function isSplittable(message: InputMessage): boolean {
  return (message.role === 'user' || message.role === 'system') && typeof message.content === 'string';
}

function splitMessage(message: InputMessage, maxBytes: number): InputMessage[] {
  if (!isSplittable(message) || messageBytes(message) <= maxBytes) return [message];
  const pieces = splitText(contentText(message.content), Math.max(1, maxBytes - FRAME_BYTES));
  return pieces.map((content) => ({ ...message, content }) as InputMessage);
}
