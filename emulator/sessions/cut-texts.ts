import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { messageTokensSliced } from '../engines/tokens/chat-template.ts';
import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { NewEntry, StoredMessage } from '../store/entries.ts';

interface Sized {
  body: ChatMessage;
  tokens: number;
}

/** What becomes of the members of a group, by their place; undefined stays as it is. Or the tokens it takes at the least. */
export type GroupCut = readonly (Sized | undefined)[] | { least: number };

/** How far a suffix's count alone may be off its count behind a tool result's heading. */
const BORDER_TOKENS = 2;

/**
 * Cuts the newest group to `budget` tokens: its texts at the head, tool results before the rest and the oldest first,
 * each to its longest tail that does it. No text is emptied, no message or call is dropped. Gives way to the event loop.
 * @returns the tokens it takes at the very least, where those are more than `budget` or a pin forbids the cut
 */
export async function cutNewestGroup(
  tokenizer: Tokenizer,
  group: readonly StoredMessage[],
  budget: number,
): Promise<GroupCut> {
  const cuts: (Sized | undefined)[] = group.map(() => undefined);
  let excess = group.reduce((sum, message) => sum + message.tokens, 0) - budget;
  const places = group.some((message) => message.held) ? [] : [...group.entries()];
  const order = [
    ...places.filter(([, message]) => isResult(message)),
    ...places.filter(([, message]) => !isResult(message)),
  ];
  for (const [place, message] of order) {
    if (excess <= 0) break;
    const cut = await cutText(tokenizer, message, message.tokens - excess);
    excess -= message.tokens - cut.tokens;
    if (cut.body !== message.body) cuts[place] = cut;
  }
  return excess > 0 ? { least: budget + excess } : cuts;
}

/** The group with its texts cut. */
export function cutEntries(group: readonly StoredMessage[], cuts: readonly (Sized | undefined)[]): NewEntry[] {
  return group.map((message, place) => {
    const { id, tokens, summary, createdAt, pinned, held } = message;
    const opensGroup = place === 0;
    const cut = cuts[place];
    if (!cut) return { message, tokens, pinned, held, opensGroup };
    const shortened = { id, body: cut.body, truncated: true, summary, createdAt };
    return { message: shortened, tokens: cut.tokens, pinned, held, opensGroup };
  });
}

/** A message whose text is its longest tail within `allowed` tokens in all, or, failing that, its last character. */
async function cutText(tokenizer: Tokenizer, { body, tokens }: StoredMessage, allowed: number): Promise<Sized> {
  const text = contentText(body.content);
  if (text === '') return { body, tokens };
  const withText = async (content: string): Promise<Sized> => {
    const cut = { ...body, content };
    return { body: cut, tokens: await messageTokensSliced(tokenizer, cut) };
  };
  const frame = (await withText('')).tokens;
  let fitting: Sized | undefined;
  let tooLong = '';
  for (let budget = allowed - frame + (isResult({ body }) ? BORDER_TOKENS : 0); budget > 0; budget -= 1) {
    const tail = await tokenizer.suffixWithin(text, budget);
    if (tail === '') break;
    const cut = await withText(tail);
    if (cut.tokens <= allowed) {
      fitting = cut;
      break;
    }
    tooLong = tail;
  }
  fitting ??= await withText(Array.from(text.slice(-2)).at(-1) ?? text);
  for (const tail of tailsThatJoin(contentText(fitting.body.content), tooLong)) {
    const cut = await withText(tail);
    if (cut.tokens <= allowed) return cut;
  }
  return fitting.tokens < tokens ? fitting : { body, tokens };
}

/**
 * Tails between one that fits and one that does not, the longest first. Text alone they count alike; behind a tool
 * result's heading, whose line break may be one piece with what follows it, one of them may fit as well.
 */
function tailsThatJoin(fitting: string, tooLong: string): string[] {
  const [, ...characters] = tooLong.slice(0, Math.max(0, tooLong.length - fitting.length));
  const fittingJoins = joinsLineBreak(fitting);
  return characters
    .map((_, place) => characters.slice(place).join(''))
    .filter((head) => joinsLineBreak(head) || (fittingJoins && leadingSpace(head) === head))
    .map((head) => head + fitting);
}

/** Whether a piece may hold the beginning of the text and a line break before it. */
function joinsLineBreak(text: string): boolean {
  return text.startsWith('/') || /[\r\n]/.test(leadingSpace(text));
}

function leadingSpace(text: string): string {
  return /^\p{White_Space}*/u.exec(text)?.[0] ?? '';
}

function isResult({ body }: Pick<StoredMessage, 'body'>): boolean {
  return body.role === 'tool';
}
