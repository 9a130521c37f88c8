import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { Compression } from './compress.ts';
import type { DraftSummary } from './draft-summary.ts';
import type { Pacer } from './pacer.ts';
import type { Ranking } from './ranking.ts';
import { SECTION_RULES } from './sections.ts';
import type { Unit } from './unit.ts';

export interface Fitting {
  readonly units: readonly Unit[];
  readonly requests: readonly (readonly Unit[])[];
  readonly ranking: Ranking;
  readonly summary: DraftSummary;
  readonly tokenizer: Tokenizer;
  readonly maxTokens: number;
  readonly pacer: Pacer;
}

/** Rounds of filling what an exact count found unused. */
const ROUNDS = 4;
/** Fewer tokens than this hold no further quotation worth cutting. */
const MIN_CUT_TOKENS = 4;
const CUT_CANDIDATES = 24;
const CUT_MARK = '…';

/** Fills a summary to the brim: the requests, then the best of the rest, checked by counting the whole. */
export async function fillSummary(fitting: Fitting): Promise<Compression> {
  const { ranking, summary, maxTokens, pacer } = fitting;
  takeRequests(fitting);
  let limit = maxTokens;
  let written = await write(fitting);
  for (let round = 0; round < ROUNDS && written.tokens < maxTokens; round++) {
    const before = summary.size;
    await ranking.fill(summary, limit, pacer);
    written = await shrink(fitting);
    if (summary.size <= before) break;
    limit = summary.spent + maxTokens - written.tokens;
  }
  return cutOneMore(fitting, await shrink(fitting));
}

/** Each request gets half of the section's share; what is longer is told as far as that goes. */
function takeRequests({ requests, ranking, summary, maxTokens }: Fitting): void {
  const share = (SECTION_RULES.task.share * maxTokens) / Math.max(1, requests.length);
  for (const request of requests) {
    const limit = Math.min(maxTokens, summary.spent + share);
    for (const unit of request) {
      const { section, note } = unit;
      unit.section = 'task';
      unit.note = 'user';
      if (ranking.takeNow(unit.order, summary, limit)) continue;
      unit.section = section;
      unit.note = note;
      break;
    }
  }
}

/** Drops what was taken last until the whole fits. */
async function shrink(fitting: Fitting): Promise<Compression> {
  const { summary, maxTokens } = fitting;
  let written = await write(fitting);
  while (written.tokens > maxTokens && summary.size > 0) {
    const target = summary.spent - (written.tokens - maxTokens);
    do summary.dropLast();
    while (summary.size > 0 && summary.spent > target);
    written = await write(fitting);
  }
  return written;
}

async function write({ summary, tokenizer, pacer }: Fitting): Promise<Compression> {
  const content = await summary.render(pacer);
  return { content, tokens: await tokenizer.countSliced(content) };
}

/** Uses the last tokens for the beginning of one more unit. */
async function cutOneMore(fitting: Fitting, whole: Compression): Promise<Compression> {
  const { units, ranking, summary, tokenizer, maxTokens } = fitting;
  let tried = 0;
  for (const at of ranking.rest()) {
    const unit = units[at];
    const room = maxTokens - whole.tokens;
    if (unit === undefined || room < MIN_CUT_TOKENS || ++tried > CUT_CANDIDATES) break;
    const overhead = summary.cost({ ...unit, text: CUT_MARK });
    for (let length = room - overhead; length >= MIN_CUT_TOKENS - 2; length--) {
      const text = tokenizer.prefixWithin(unit.text, length).trimEnd();
      if (text === '') break;
      const cut = { ...unit, text: `${text}${CUT_MARK}` };
      summary.take(cut, overhead + length);
      const written = await write(fitting);
      if (written.tokens <= maxTokens) return written;
      summary.dropLast();
    }
  }
  return whole;
}
