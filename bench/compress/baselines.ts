import type { ChatMessage } from '../../contract/messages.ts';
import { contentText } from '../../contract/messages.ts';
import { sentences } from '../../emulator/engines/text/sentences.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { Random } from '../../emulator/simulate/random.ts';

/** What else one could keep of a window, at the same budget. */
export const BASELINES = ['newest tail', 'head + tail', 'random sentences', 'user messages only'] as const;
export type Baseline = (typeof BASELINES)[number];

export async function baseline(
  kind: Baseline,
  messages: readonly ChatMessage[],
  maxTokens: number,
  tokenizer: Tokenizer,
  seed: number,
): Promise<string> {
  const text = messages.map(asText).join('\n');
  if (kind === 'user messages only') {
    const said = messages.filter(({ role }) => role === 'user').map(asText);
    return tokenizer.suffixWithin(said.join('\n'), maxTokens);
  }
  if (kind === 'newest tail') return tokenizer.suffixWithin(text, maxTokens);
  if (kind === 'head + tail') {
    const half = Math.floor((maxTokens - 1) / 2);
    return `${await tokenizer.prefixWithin(text, half)}\n${await tokenizer.suffixWithin(text, half)}`;
  }
  return randomSentences(text, maxTokens, tokenizer, seed);
}

export function asText(message: ChatMessage): string {
  const calls = (message.tool_calls ?? []).map((call) => `${call.function.name}(${call.function.arguments})`);
  return [contentText(message.content), ...calls].filter((part) => part !== '').join('\n');
}

function randomSentences(text: string, maxTokens: number, tokenizer: Tokenizer, seed: number): string {
  const all = sentences(text).map(({ start, end }) => ({ start, text: text.slice(start, end) }));
  const chosen: { start: number; text: string }[] = [];
  let spent = 0;
  for (const sentence of new Random(seed).shuffled(all)) {
    const cost = tokenizer.count(`${sentence.text}\n`);
    if (spent + cost > maxTokens) continue;
    spent += cost;
    chosen.push(sentence);
    if (spent > maxTokens - 4) break;
  }
  return chosen
    .sort((a, b) => a.start - b.start)
    .map((sentence) => sentence.text)
    .join('\n');
}
