import type { ChatMessage } from '../../contract/messages.ts';
import { asText } from './baselines.ts';

const LEAST_CHARS = 3;
const MOST_CHARS = 80;
const FLAG = /^(?:true|false|null)$/;

/** For each value that a call was given and an earlier message holds: whether a text holds it. */
export function usedLater(messages: readonly ChatMessage[]): ((text: string) => boolean)[] {
  const used = new Map<string, RegExp>();
  let earlier = '';
  for (const message of messages) {
    for (const [value, whole] of valuesOf(message)) if (whole.test(earlier)) used.set(value, whole);
    earlier += `${asText(message).replaceAll('\\', '')}\n`;
  }
  return [...used.values()].map((whole) => (text) => whole.test(text));
}

/** For each value that a call of `later` was given and `earlier` holds: whether a text holds it. */
export function usedAfter(
  earlier: readonly ChatMessage[],
  later: readonly ChatMessage[],
): ((text: string) => boolean)[] {
  const held = earlier.map((message) => asText(message).replaceAll('\\', '')).join('\n');
  const used = new Map(later.flatMap(valuesOf));
  return [...used.values()].filter((whole) => whole.test(held)).map((whole) => (text) => whole.test(text));
}

/** The values that the calls of a message are given, each with a pattern that finds it whole. */
function valuesOf({ tool_calls }: ChatMessage): [string, RegExp][] {
  return (tool_calls ?? [])
    .flatMap((call) => scalars(parsed(call.function.arguments)))
    .filter((value) => value.length >= LEAST_CHARS && value.length <= MOST_CHARS && !FLAG.test(value))
    .map((value) => {
      const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return [value, new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'u')];
    });
}

/** Arguments as a model wrote them: not always JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function scalars(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'object' ? Object.values(value).flatMap(scalars) : [String(value)];
}
