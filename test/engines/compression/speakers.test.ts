import { describe, expect, it } from 'vitest';
import type { ChatMessage, Role } from '../../../contract/messages.ts';
import { Random } from '../../../emulator/simulate/random.ts';
import { textOf, tokenizer } from './windows.ts';

const SYLLABLES = 'ka,lo,mi,ren,tu,sa,vel,dor,pi,nu,gar,he,bo,lin,fe,ost'.split(',');

/** Sentences in words of no language: nothing but who says them, and at what length, tells them apart. */
function sentences(count: number, random: Random): string[] {
  const word = () => Array.from({ length: 3 }, () => random.pick(SYLLABLES)).join('');
  return Array.from({ length: count }, () => `So ${Array.from({ length: 8 }, word).join(' ')}.`);
}

function talk(brief: Role, long: Role, turns: number, change = (sentence: string) => sentence) {
  const random = new Random(7);
  const told = sentences(turns, random);
  const messages = told.flatMap((content): ChatMessage[] => [
    { role: brief, content },
    { role: long, content: sentences(20, random).map(change).join(' ') },
  ]);
  const tokens = messages.reduce((sum, { content }) => sum + tokenizer.count(String(content)), 0);
  return { messages, told, tokens };
}

describe('whoever says little', () => {
  it.each<[Role, Role]>([
    ['user', 'assistant'],
    ['assistant', 'user'],
    ['user', 'user'],
  ])('is heard: briefly %s, at length %s', async (brief, long) => {
    const { messages, told, tokens } = talk(brief, long, 40);
    const summary = await textOf(messages, { maxTokens: Math.floor(tokens / 6) });
    expect(told.filter((fact) => summary.includes(fact)).length).toBeGreaterThanOrEqual(38);
  });

  it('is heard in a short talk too', async () => {
    const { messages, told } = talk('user', 'assistant', 8, (sentence) => sentence.replace('So', 'Try 40'));
    const summary = await textOf(messages, { maxTokens: 300 });
    expect(told.filter((fact) => summary.includes(fact))).toEqual(told);
  });
});
