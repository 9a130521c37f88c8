import type { RecordedMessage } from '../../emulator/simulate/index.ts';

/** So many rounds with a fact in each, of some 1,000 tokens. */
export function talk(rounds: number): RecordedMessage[] {
  return Array.from({ length: rounds }, (_, round): RecordedMessage[] => [
    {
      role: 'user',
      content: `Note this: the badge of visitor ${round} is Z${7_000 + round * 31}-${round}. ${`Line ${round} of the log says nothing new. `.repeat(90)}`,
    },
    { role: 'assistant', content: `Noted, number ${round}.` },
  ]).flat();
}

export function asLines(messages: readonly RecordedMessage[]): string {
  return messages.map((message) => JSON.stringify(message)).join('\n');
}
