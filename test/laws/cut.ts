import { contentText } from '../../contract/messages.ts';
import { messageTokens } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { type Content, groupsOf, isHeld, type Message, tokensOf, totalOf } from './state.ts';

/**
 * Truncate as the contract puts it, the slow way: every start is tried, and every tail of a text.
 * @returns what stays, or the least `preserve_len` that would do
 */
export function keepWithin(tokenizer: Tokenizer, content: Content, preserveLen: number): Content | { least: number } {
  const groups = groupsOf(content.messages);
  for (let from = 0; from < Math.max(1, groups.length); from += 1) {
    const messages = groups.filter((group, place) => place >= from || isHeld(group)).flat();
    if (totalOf({ ...content, messages }) <= preserveLen) return { ...content, messages };
  }
  const newest = groups.at(-1) ?? [];
  const others = groups.slice(0, -1).filter(isHeld).flat();
  const staying = content.toolsTokens + tokensOf(others);
  const cut = cutTexts(tokenizer, newest, preserveLen - staying);
  if (newest.length === 0 || tokensOf(cut) > preserveLen - staying) return { least: staying + tokensOf(cut) };
  return { ...content, messages: [...others, ...cut] };
}

/** The newest groups within `preserveLen`, uncut: what compress leaves alone. */
export function newestWithin(content: Content, preserveLen: number): Message[] {
  const groups = groupsOf(content.messages);
  for (let from = 0; from < groups.length; from += 1) {
    const messages = groups.filter((group, place) => place >= from || isHeld(group)).flat();
    if (totalOf({ ...content, messages }) <= preserveLen) return groups.slice(from).flat();
  }
  return [];
}

/** The texts of a group cut at their heads: results first, the oldest first, each no more than it takes. */
function cutTexts(tokenizer: Tokenizer, group: readonly Message[], budget: number): Message[] {
  if (isHeld(group)) return [...group];
  const messages = [...group];
  const isResult = (place: number) => messages[place]?.body.role === 'tool';
  const places = messages.map((_, place) => place);
  for (const place of [...places.filter(isResult), ...places.filter((other) => !isResult(other))]) {
    const message = messages[place];
    const excess = tokensOf(messages) - budget;
    if (message && excess > 0) messages[place] = cutText(tokenizer, message, message.tokens - excess);
  }
  return messages;
}

function cutText(tokenizer: Tokenizer, message: Message, allowed: number): Message {
  const characters = Array.from(contentText(message.body.content));
  for (let start = 1; start < characters.length; start += 1) {
    const shorter = withText(tokenizer, message, characters.slice(start).join(''));
    const isLast = start === characters.length - 1;
    if (shorter.tokens <= allowed || (isLast && shorter.tokens < message.tokens)) return shorter;
  }
  return message;
}

function withText(tokenizer: Tokenizer, message: Message, content: string): Message {
  const body = { ...message.body, content };
  return { ...message, body, tokens: messageTokens(tokenizer, body), truncated: true };
}
