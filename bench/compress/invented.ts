import type { ChatMessage } from '../../contract/messages.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { standTogether } from '../../emulator/simulate/facts.ts';
import type { Row } from '../table.ts';
import { asText, BASELINES, baseline } from './baselines.ts';
import { invent } from './invented/dialogue.ts';
import { PLANNING } from './invented/planning.ts';
import { review } from './invented/review.ts';
import { SUPPORT } from './invented/support.ts';
import { compressed, tokensOf } from './measure.ts';
import { readFacts } from './read-facts.ts';
import { percent, table } from './table.ts';
import { longDialogue, sources } from './windows.ts';

const RATIOS = [4, 8] as const;
const LEAD = 0.08;
/** Of what the whole window has. */
const AIMS = { 4: 0.85, 8: 0.78 } as const;

interface Talk {
  readonly messages: readonly ChatMessage[];
  readonly answers: readonly (readonly string[])[];
}

/**
 * Prints what stands together of dialogues that no weight was chosen on, in three languages, long and short, and of stretches of
 * two to eighteen messages around each fact of the long dialogue.
 */
export async function reportInvented(tokenizer: Tokenizer, seed: number): Promise<Row[]> {
  const scripts = [SUPPORT, review(sources(160_000)), PLANNING];
  const sets: [string, Talk[]][] = scripts.map((script) => {
    const { messages, facts } = invent(script, seed);
    return [script.name, [{ messages, answers: facts.map(({ words }) => words) }]];
  });
  const aimed = sets.length;
  for (const script of scripts) {
    const talks = [1, 2, 3, 4, 5, 6].map((more) => invent({ ...script, work: [] }, seed + more, 3));
    sets.push([
      `${script.name}, ${talks.length} short ones`,
      talks.map(({ messages, facts }) => ({ messages, answers: facts.map(({ words }) => words) })),
    ]);
  }
  for (const [before, after] of [
    [0, 2],
    [2, 4],
    [8, 10],
  ] as const)
    sets.push([`${before + after} messages of the long dialogue`, stretches(before, after)]);
  const rows: string[][] = [];
  const verdicts: Row[] = [];
  for (const [at, [name, talks]] of sets.entries()) {
    if (talks.length === 0) continue;
    for (const ratio of RATIOS) {
      const { tokens, all, whole, own, others } = await count(talks, ratio, tokenizer, seed);
      const best = Math.max(...others);
      const cells = [whole, own, ...others].map((kept) => percent(kept, all));
      rows.push([name, String(Math.round(tokens / talks.length)), String(all), `${ratio}:1`, ...cells]);
      if (at >= aimed) continue;
      const ok = own >= AIMS[ratio] * whole && own - best >= LEAD * all;
      const target = `≥ ${percent(AIMS[ratio] * whole, all)}, best baseline + 8`;
      verdicts.push({ name: `${name}, ${ratio}:1`, value: percent(own, all), target, ok });
    }
  }
  console.log('\n### Dialogues that no weight was chosen on\n');
  console.log(table(['dialogue', 'tokens', 'facts', 'ratio', 'whole window', 'compress', ...BASELINES], rows));
  return verdicts;
}

async function count(talks: readonly Talk[], ratio: number, tokenizer: Tokenizer, seed: number) {
  const sums = { tokens: 0, all: 0, whole: 0, own: 0, others: BASELINES.map(() => 0) };
  for (const { messages, answers } of talks) {
    const kept = (text: string) => answers.filter((words) => standTogether(text, words)).length;
    const tokens = tokensOf(messages, tokenizer);
    sums.tokens += tokens;
    sums.all += answers.length;
    sums.whole += kept(messages.map(asText).join('\n'));
    sums.own += kept(await compressed(messages, ratio, tokenizer));
    for (const [at, kind] of BASELINES.entries())
      sums.others[at] =
        (sums.others[at] ?? 0) + kept(await baseline(kind, messages, Math.floor(tokens / ratio), tokenizer, seed));
  }
  return sums;
}

/** The messages around each fact that was read out of the long dialogue. */
function stretches(before: number, after: number): Talk[] {
  const messages = longDialogue()?.messages ?? [];
  if (messages.length === 0) return [];
  return readFacts().map(({ at, words }) => ({
    messages: messages.slice(Math.max(0, at - before), at + after),
    answers: [words],
  }));
}
