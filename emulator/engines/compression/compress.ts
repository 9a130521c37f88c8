import type { ChatMessage, Role } from '../../../contract/messages.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { DraftSummary } from './draft-summary.ts';
import { fillSummary } from './fill-summary.ts';
import { type Format, LAYOUTS } from './layouts.ts';
import { collapseLogs } from './log-templates.ts';
import { markOpenQuestions } from './open-questions.ts';
import { Pacer } from './pacer.ts';
import { Ranking } from './ranking.ts';
import { segment } from './segment.ts';
import { TermIndex } from './term-index.ts';
import type { Unit } from './unit.ts';
import { weighFacts } from './weigh-facts.ts';

/** A message to be summarised. */
export interface SourceMessage {
  /** Its place, counted from 1, in the window that the snapshot holds: what references name. */
  readonly ref: number;
  readonly message: ChatMessage;
  /** Written by an earlier compress: taken over line by line instead of summarised. */
  readonly summary: boolean;
}

export interface CompressionRequest {
  readonly messages: readonly SourceMessage[];
  readonly format: Format;
  /** Id of the snapshot of the window, named in the summary. */
  readonly snapshotId: string;
  /** Tokens that the content of the summary may take. */
  readonly maxTokens: number;
}

export interface Compression {
  /** The summary message's content. */
  readonly content: string;
  /** Its tokens, at most `maxTokens`. */
  readonly tokens: number;
}

/** No summary fits: `smallestTokens` is what the smallest one, a head alone, would take. */
export interface Infeasible {
  readonly infeasible: true;
  readonly smallestTokens: number;
}

/**
 * Summarises messages by quoting from them, within an exact budget. The same request gives the same bytes. Gives way
 * to the event loop every few milliseconds; takes n·log n in the text.
 */
export async function compress(request: CompressionRequest, tokenizer: Tokenizer): Promise<Compression | Infeasible> {
  const { messages, format, snapshotId, maxTokens } = request;
  const layout = LAYOUTS[format];
  const smallest = (layout.head(snapshotId, []) + layout.foot).trimEnd();
  const smallestTokens = tokenizer.count(smallest);
  if (smallestTokens > maxTokens) return { infeasible: true, smallestTokens };

  const pacer = new Pacer();
  const { units, requests, recent, snapshots } = await segment(messages, maxTokens, pacer);
  await weighFacts(units, pacer);
  await collapseLogs(units, pacer);
  const index = await TermIndex.build(units, pacer);
  const roles = new Map(messages.map(({ ref, message, summary }) => [ref, summary ? 'user' : message.role]));
  const roleOf = ({ ref }: Unit): Role => (ref.snapshot === -1 && roles.get(ref.place)) || 'user';
  await markOpenQuestions(units, roleOf, index, pacer);
  const ranking = await Ranking.build(units, index, pacer);
  const summary = new DraftSummary({ snapshotId, earlier: snapshots, units: units.length, layout, tokenizer });
  return fillSummary({ units, requests, recent, roleOf, ranking, summary, tokenizer, maxTokens, pacer });
}
