import type { ChatMessage } from '../../contract/messages.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { naturalFacts, standTogether } from '../../emulator/simulate/facts.ts';
import { readTranscripts } from '../../emulator/simulate/read-transcripts.ts';
import { toDialogue } from '../../emulator/simulate/transcript.ts';
import { BASELINES, baseline } from './baselines.ts';
import { compressed, tokensOf } from './measure.ts';
import { percent, table } from './table.ts';
import { usedAfter, usedLater } from './used-later.ts';

const RATIOS = [4, 8] as const;
const FACTS = 60;

/** Whether a text still holds something. */
type Check = (text: string) => boolean;

/**
 * Prints what a compress keeps of sessions of your own, in any format that `kimi-emulator simulate` reads. The facts are taken
 * from the text itself: values that a user or a tool gave once, values that a call used which an earlier message holds, and those
 * that calls of the second half took from the first, which alone is compressed.
 */
export async function reportTranscripts(paths: readonly string[], tokenizer: Tokenizer, seed: number): Promise<void> {
  const sums = new Map<string, number[][]>();
  const windows: string[][] = [];
  for (const transcript of await readTranscripts(paths, console.warn)) {
    const dialogue = toDialogue(transcript);
    const messages = dialogue.rounds.flatMap(({ input, answer }) => [...input, answer]);
    windows.push([transcript.name, String(messages.length), String(tokensOf(messages, tokenizer))]);
    const facts = await naturalFacts(dialogue, FACTS, seed);
    const first = messages.slice(0, Math.ceil(messages.length / 2));
    const kinds: [string, readonly ChatMessage[], Check[]][] = [
      [
        'said once',
        messages,
        facts.map(
          ({ words }) =>
            (text) =>
              standTogether(text, words),
        ),
      ],
      ['used by a later call', messages, usedLater(messages)],
      ['used after the compress', first, usedAfter(first, messages.slice(first.length))],
    ];
    for (const [kind, window, checks] of kinds) await count(sums, kind, window, checks, tokenizer, seed);
  }
  console.log('\n### Sessions read\n');
  console.log(table(['session', 'messages', 'tokens'], windows));
  console.log('\n### Facts of the sessions themselves, kept\n');
  const head = ['kept by', ...[...sums].map(([kind, [row]]) => `${kind} (${row?.[1] ?? 0})`)];
  const rows = METHODS.map((name, at) => [
    name,
    ...[...sums.values()].map((counts) => percent(counts[at]?.[0] ?? 0, counts[at]?.[1] ?? 0)),
  ]);
  console.log(table(head, rows));
}

const METHODS = RATIOS.flatMap((ratio) => ['compress', ...BASELINES].map((name) => `${name} ${ratio}:1`));

/** Adds, for each method, how many checks pass and how many there are. */
async function count(
  sums: Map<string, number[][]>,
  kind: string,
  messages: readonly ChatMessage[],
  checks: readonly Check[],
  tokenizer: Tokenizer,
  seed: number,
): Promise<void> {
  const counts = sums.get(kind) ?? METHODS.map(() => [0, 0]);
  sums.set(kind, counts);
  if (checks.length === 0) return;
  const texts: string[] = [];
  for (const ratio of RATIOS) {
    texts.push(await compressed(messages, ratio, tokenizer));
    const maxTokens = Math.floor(tokensOf(messages, tokenizer) / ratio);
    for (const name of BASELINES) texts.push(await baseline(name, messages, maxTokens, tokenizer, seed));
  }
  for (const [at, text] of texts.entries()) {
    const [kept = 0, all = 0] = counts[at] ?? [];
    counts[at] = [kept + checks.filter((check) => check(text)).length, all + checks.length];
  }
}
