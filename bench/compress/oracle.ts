import type { ChatMessage } from '../../contract/messages.ts';
import type { Candidate } from '../../emulator/engines/compression/candidates.ts';
import { segment } from '../../emulator/engines/compression/segment.ts';
import { SummaryBuilder } from '../../emulator/engines/compression/summary-builder.ts';
import { LAYOUTS } from '../../emulator/engines/compression/summary-format.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { asSources } from './measure.ts';

/** Whether a text holds an answer. */
export type Check = (text: string) => boolean;

/** An answer that no single piece holds may stand in so many that follow each other. */
const MOST_PIECES = 6;
const SNAPSHOT = 'snap_benchmark';

/**
 * The summary of `maxTokens` that one would write who knows the questions: of the same pieces, those that hold the answers,
 * cheapest first. No summary made of these pieces keeps many more.
 */
export async function oracle(
  messages: readonly ChatMessage[],
  checks: readonly Check[],
  maxTokens: number,
  tokenizer: Tokenizer,
): Promise<string> {
  const { candidates } = await segment(asSources(messages), maxTokens);
  const builder = new SummaryBuilder({
    snapshotId: SNAPSHOT,
    earlier: [],
    candidates: candidates.length,
    layout: LAYOUTS.outline,
    tokenizer,
  });
  const estimate = (pieces: readonly Candidate[]) => pieces.reduce((sum, { text }) => sum + tokenizer.count(text), 0);
  const holders = checks
    .flatMap((holds) => {
      const found = piecesThat(holds, candidates);
      return found.sort((one, other) => estimate(one) - estimate(other)).slice(0, 1);
    })
    .sort((one, other) => estimate(one) - estimate(other));
  const added = new Set<Candidate>();
  for (const pieces of holders) {
    const fresh = pieces.filter((piece) => !added.has(piece));
    if (builder.spent + fresh.reduce((sum, piece) => sum + builder.cost(piece), 0) > maxTokens) continue;
    for (const piece of fresh) {
      builder.add(piece, builder.cost(piece));
      added.add(piece);
    }
  }
  return builder.render();
}

/** The shortest runs of pieces that hold an answer. */
function piecesThat(holds: Check, candidates: readonly Candidate[]): Candidate[][] {
  for (let size = 1; size <= MOST_PIECES; size++) {
    const found: Candidate[][] = [];
    for (let at = 0; at + size <= candidates.length; at++) {
      const run = candidates.slice(at, at + size);
      if (holds(run.map(({ text }) => text).join(' '))) found.push(run);
    }
    if (found.length > 0) return found;
  }
  return [];
}
