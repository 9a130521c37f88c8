import type { Role } from '../../../contract/messages.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { collapseLogs, markOpenQuestions, markReplacedValues } from './adjustments.ts';
import type { Candidate } from './candidates.ts';
import { type Compression, fillSummary } from './fill-summary.ts';
import { Ranking } from './ranking.ts';
import { type SourceMessage, segment } from './segment.ts';
import { SummaryBuilder } from './summary-builder.ts';
import { type Format, LAYOUTS } from './summary-format.ts';
import { TermIndex } from './term-index.ts';

interface CompressionRequest {
  readonly messages: readonly SourceMessage[];
  readonly format: Format;
  /** Id of the snapshot of the window, named in the summary. */
  readonly snapshotId: string;
  /** Tokens that the content of the summary may take. */
  readonly maxTokens: number;
}

/** No summary fits: the smallest one, a head alone, takes `smallestTokens`. */
interface Infeasible {
  readonly infeasible: true;
  readonly smallestTokens: number;
}

/**
 * Summarises messages by quoting from them, within an exact budget. The same request gives the same bytes. Yields
 * to the event loop every few milliseconds; takes n·log n in the text.
 * @example const { content } = await compress({ messages, format: 'outline', snapshotId: 'snap_1', maxTokens: 2_000 }, tokenizer);
 */
export async function compress(request: CompressionRequest, tokenizer: Tokenizer): Promise<Compression | Infeasible> {
  const { messages, format, snapshotId, maxTokens } = request;
  const layout = LAYOUTS[format];
  const smallest = (layout.head(snapshotId, []) + layout.foot).trimEnd();
  const smallestTokens = tokenizer.count(smallest);
  if (smallestTokens > maxTokens) return { infeasible: true, smallestTokens };

  const { candidates, requests, recent, snapshots } = await segment(messages, maxTokens);
  await markReplacedValues(candidates);
  await collapseLogs(candidates);
  const index = await TermIndex.build(candidates);
  const roles = new Map(messages.map(({ ref, message, summary }) => [ref, summary ? 'user' : message.role]));
  const roleOf = ({ ref }: Candidate): Role => (ref.snapshot === -1 && roles.get(ref.place)) || 'user';
  await markOpenQuestions(candidates, roleOf, index);
  const ranking = await Ranking.build(candidates, index);
  const summary = new SummaryBuilder({
    snapshotId,
    earlier: snapshots,
    candidates: candidates.length,
    layout,
    tokenizer,
  });
  return fillSummary({ candidates, requests, recent, ranking, summary, tokenizer, maxTokens });
}
