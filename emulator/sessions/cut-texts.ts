import { type ChatMessage, contentText } from '../../contract/messages.ts';
import type { NewEntry, StoredMessage } from '../store/history-rows.ts';
import { messageTokens } from '../tokens/chat-template.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';

interface Sized {
  body: ChatMessage;
  tokens: number;
}

/** How far a suffix's count alone may be off its count behind a tool result's heading. */
const BORDER_TOKENS = 2;

/**
 * The newest group within `budget` tokens: its texts cut at the head, tool results before the rest and the oldest first,
 * each to its longest tail that does it. No text is emptied, no message or call is dropped.
 * @returns the tokens it takes at the very least, where those are more than `budget` or a pin forbids the cut
 */
export function cutNewestGroup(
  tokenizer: Tokenizer,
  group: readonly StoredMessage[],
  budget: number,
): NewEntry[] | { least: number } {
  const cuts = new Map<StoredMessage, Sized>();
  let excess = group.reduce((sum, message) => sum + message.tokens, 0) - budget;
  const order = group.some((message) => message.held) ? [] : [...group.filter(isResult), ...group.filter(isNoResult)];
  for (const message of order) {
    if (excess <= 0) break;
    const cut = cutText(tokenizer, message, message.tokens - excess);
    excess -= message.tokens - cut.tokens;
    cuts.set(message, cut);
  }
  if (excess > 0) return { least: budget + excess };
  return group.map((message, place) => {
    const { pinned, held } = message;
    const opensGroup = place === 0;
    const cut = cuts.get(message);
    if (!cut || cut.body === message.body) return { message, tokens: message.tokens, pinned, held, opensGroup };
    const { id, summary, createdAt } = message;
    const shortened = { id, body: cut.body, truncated: true, summary, createdAt };
    return { message: shortened, tokens: cut.tokens, pinned, held, opensGroup };
  });
}

/** A message whose text is its longest tail within `allowed` tokens in all, or, failing that, its last character. */
function cutText(tokenizer: Tokenizer, { body, tokens }: StoredMessage, allowed: number): Sized {
  const text = contentText(body.content);
  if (text === '') return { body, tokens };
  const withText = (content: string): Sized => {
    const cut = { ...body, content };
    return { body: cut, tokens: messageTokens(tokenizer, cut) };
  };
  const frame = withText('').tokens;
  let fitting = Array.from(text.slice(-2)).at(-1) ?? text;
  let tooLong = '';
  for (let budget = allowed - frame + BORDER_TOKENS; budget > 0; budget -= 1) {
    const tail = tokenizer.suffixWithin(text, budget);
    if (tail === '') break;
    if (withText(tail).tokens <= allowed) {
      fitting = tail;
      break;
    }
    tooLong = tail;
  }
  for (const tail of longerTails(fitting, tooLong)) {
    const cut = withText(tail);
    if (cut.tokens <= allowed) return cut;
  }
  const cut = withText(fitting);
  return cut.tokens < tokens ? cut : { body, tokens };
}

/**
 * Tails between one that fits and one that does not, the longest first. Text alone they count alike; behind a tool
 * result's heading, whose line break joins those that follow it, one of them may fit as well.
 */
function longerTails(fitting: string, tooLong: string): string[] {
  const [, ...characters] = tooLong.slice(0, Math.max(0, tooLong.length - fitting.length));
  return characters.map((_, place) => characters.slice(place).join('') + fitting);
}

function isResult({ body }: StoredMessage): boolean {
  return body.role === 'tool';
}

function isNoResult(message: StoredMessage): boolean {
  return !isResult(message);
}
