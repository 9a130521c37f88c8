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
    for (const call of message.tool_calls ?? []) {
      for (const value of scalars(JSON.parse(call.function.arguments))) {
        if (value.length < LEAST_CHARS || value.length > MOST_CHARS || FLAG.test(value)) continue;
        const whole = new RegExp(
          `(?<![\\p{L}\\p{N}])${value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`,
          'u',
        );
        if (whole.test(earlier)) used.set(value, whole);
      }
    }
    earlier += `${asText(message).replaceAll('\\', '')}\n`;
  }
  return [...used.values()].map((whole) => (text) => whole.test(text));
}

function scalars(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'object' ? Object.values(value).flatMap(scalars) : [String(value)];
}
