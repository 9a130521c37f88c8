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
const MIN_CUT_TOKENS = 2;
const CUT_CANDIDATES = 32;
const CUT_ATTEMPTS = 8;
const CUT_MARK = '…';

/** Fills a summary to the brim: the requests, then the best of the rest, checked by counting the whole. */
export async function fillSummary(fitting: Fitting): Promise<Compression> {
  const { ranking, summary, maxTokens, pacer } = fitting;
  await takeRequests(fitting);
  let limit = maxTokens;
  let whole: Compression;
  let before: number;
  let round = 0;
  do {
    before = summary.size;
    await ranking.fill(summary, limit, pacer);
    whole = await shrink(fitting);
    limit = summary.spent + maxTokens - whole.tokens;
  } while (++round < ROUNDS && summary.size > before && whole.tokens < maxTokens);
  return cutOneMore(fitting, whole);
}

/** Each request gets half of the section's share; what is longer is told as far as that goes. */
async function takeRequests({ requests, ranking, summary, maxTokens, pacer }: Fitting): Promise<void> {
  const share = (SECTION_RULES.task.share * maxTokens) / Math.max(1, requests.length);
  for (const request of requests) {
    const limit = Math.min(maxTokens, summary.spent + share);
    for (const unit of request) {
      if (pacer.due()) await pacer.rest();
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

/** Drops what was taken last until the whole fits; each time more, so that it ends soon under any tokenizer. */
async function shrink(fitting: Fitting): Promise<Compression> {
  const { summary, maxTokens } = fitting;
  let whole = await write(fitting);
  for (let step = 1; whole.tokens > maxTokens && summary.size > 0; step *= 2) {
    const target = summary.spent - step * (whole.tokens - maxTokens);
    do summary.dropLast();
    while (summary.size > 0 && summary.spent > target);
    whole = await write(fitting);
  }
  return whole;
}

async function write({ summary, tokenizer, pacer }: Fitting): Promise<Compression> {
  const content = await summary.render(pacer);
  return { content, tokens: await tokenizer.countSliced(content) };
}

/** Uses the last tokens for the beginning of one more unit. */
async function cutOneMore(fitting: Fitting, whole: Compression): Promise<Compression> {
  const { units, ranking, summary, tokenizer, maxTokens, pacer } = fitting;
  const room = maxTokens - whole.tokens;
  if (room < MIN_CUT_TOKENS) return whole;
  let attempts = 0;
  for (const at of await ranking.best(CUT_CANDIDATES, pacer)) {
    const unit = units[at];
    if (unit === undefined) continue;
    const overhead = summary.cost({ ...unit, text: CUT_MARK });
    for (let length = room - overhead; length > 0 && attempts < CUT_ATTEMPTS; attempts++) {
      const text = tokenizer.prefixWithin(unit.text, length).trimEnd();
      if (text === '') break;
      const cut = { ...unit, text: `${text}${CUT_MARK}` };
      summary.take(cut, overhead + length);
      const longer = await write(fitting);
      if (longer.tokens <= maxTokens) return longer;
      summary.dropLast();
      length -= longer.tokens - maxTokens;
    }
  }
  return whole;
}
