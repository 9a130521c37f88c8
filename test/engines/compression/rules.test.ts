import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CROSSED_RULES, REPEATED_RULES } from '../../../bench/compress/crossed-rules.ts';
import { spliceRules } from '../../../bench/compress/rules.ts';
import type { ChatMessage } from '../../../contract/messages.ts';
import { messageTokens } from '../../../emulator/engines/tokens/prompt.ts';
import { Random } from '../../../emulator/simulate/random.ts';
import { assistant, textOf, tokenizer, user } from './windows.ts';

const SYLLABLES = 'ba,de,fi,go,hu,ka,le,mi,no,pu,ra,se,ti,vo,wu,ya,zen,lor,mak,tir'.split(',');
const WORDS = 2_500;
const TURNS = 240;

interface Talk {
  readonly messages: ChatMessage[];
  /** What every second message of the user begins with: the same words but one, which stands nowhere else. */
  readonly thanks: readonly string[];
}

/** A talk in words of no language, few of them frequent and most of them rare. */
function nonsense(random: Random): Talk {
  const invented = () => Array.from({ length: 1 + random.below(3) }, () => random.pick(SYLLABLES)).join('');
  const words = Array.from({ length: WORDS }, invented);
  const word = () => words[Math.floor(WORDS * random.next() ** 3)] ?? '';
  const sentence = (least: number, more: number) =>
    `${Array.from({ length: least + random.below(more) }, word).join(' ')}.`;
  const several = (count: number, least: number, more: number) =>
    Array.from({ length: count }, () => sentence(least, more)).join(' ');
  const before = Array.from({ length: 5 }, word).join(' ');
  const after = Array.from({ length: 4 }, word).join(' ');
  const thanks: string[] = [];
  const messages = Array.from({ length: TURNS }, (_, turn) => {
    const said = several(1 + random.below(3), 5, 8);
    if (turn % 2 === 0) thanks.push(`${before} q${turn}x ${after}!`);
    return [user(turn % 2 === 0 ? `${thanks.at(-1)} ${said}` : said), assistant(several(6 + random.below(8), 8, 10))];
  }).flat();
  return { messages, thanks };
}

/** What of `texts` a compress loses. */
async function lost(
  messages: readonly ChatMessage[],
  ratio: number,
  ...texts: (readonly string[])[]
): Promise<string[][]> {
  const tokens = messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
  const summary = await textOf(messages, { maxTokens: Math.floor(tokens / ratio) });
  return texts.map((some) => some.filter((text) => !summary.includes(text)));
}

const file = new URL('../../../../shared/data/long-dialogue.json', import.meta.url);
if (!existsSync(file)) console.warn(`SKIPPED: no dialogue at ${file.pathname}`);

describe('rules in the same words about different things, in nine languages', () => {
  it.each([2, 3])('are kept in a talk of thanks in the same words, which are not (order %i)', async (seed) => {
    const { messages: talk, thanks } = nonsense(new Random(seed));
    const { messages, rules } = spliceRules(talk, CROSSED_RULES, new Random(seed));
    expect(rules).toHaveLength(144);
    expect((await lost(messages, 4, rules))[0]).toEqual([]);
    const [rulesLost = [], thanksLost = []] = await lost(messages, 8, rules, thanks);
    expect(rulesLost.length, rulesLost.join('\n')).toBeLessThanOrEqual(4);
    expect(thanksLost.length).toBeGreaterThanOrEqual(0.9 * thanks.length);
  });

  it('are kept where their things are spoken of nowhere else', async () => {
    const { messages: talk } = nonsense(new Random(2));
    const { messages, rules } = spliceRules(talk, REPEATED_RULES, new Random(2));
    expect((await lost(messages, 8, rules))[0]).toEqual([]);
  });

  it.skipIf(!existsSync(file))('are kept in a dialogue that nobody here wrote', async () => {
    const talk = (JSON.parse(readFileSync(file, 'utf8')) as { messages: ChatMessage[] }).messages;
    const { messages, rules } = spliceRules(talk, CROSSED_RULES, new Random(2));
    expect((await lost(messages, 4, rules))[0]).toEqual([]);
    expect((await lost(messages, 8, rules))[0]?.length).toBeLessThanOrEqual(4);
  });
});
