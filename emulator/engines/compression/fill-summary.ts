import { SMALL_STEPS, sliceIsOver, yieldToEventLoop } from '../scheduler.ts';
import { classAt, isBlank, RUN_ON } from '../text/sentences.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { type Candidate, SECTION_RULES, type Section } from './candidates.ts';
import type { Ranking } from './ranking.ts';
import { isBrief } from './sentence-features.ts';
import type { SummaryBuilder } from './summary-builder.ts';
import { REPLACED } from './summary-format.ts';

export interface Compression {
  /** The summary message's content. */
  readonly content: string;
  /** Its tokens, at most `maxTokens`. */
  readonly tokens: number;
}

interface FillRequest {
  readonly candidates: readonly Candidate[];
  readonly requests: readonly (readonly Candidate[])[];
  readonly recent: readonly (readonly Candidate[])[];
  readonly ranking: Ranking;
  readonly summary: SummaryBuilder;
  readonly tokenizer: Tokenizer;
  readonly maxTokens: number;
}

/** What each request may take even where its section's share is less. */
const LEAST_TURN_TOKENS = 60;
const LEAST_TURN_SHARE = 0.12;
/** In a smaller summary the newest turns have to earn their place as all else does. */
const LEAST_FOR_RECENT = 400;
/** Rounds of filling what an exact count found unused. */
const ROUNDS = 4;
/** Fewer tokens than this are too few for a cut quotation. */
const MIN_CUT_TOKENS = 2;
const CUT_CANDIDATES = 256;
const CUT_ATTEMPTS = 8;
const CUT_MARK = '…';

/** Fills a summary up to its budget: the requests, then the best of the rest, checked by counting the whole. */
export async function fillSummary(request: FillRequest): Promise<Compression> {
  const { ranking, summary, maxTokens } = request;
  await addTurns(request);
  let limit = maxTokens;
  let whole: Compression;
  let before: number;
  let round = 0;
  do {
    before = summary.size;
    await ranking.fill(summary, limit);
    whole = await shrink(request);
    limit = summary.spent + maxTokens - whole.tokens;
  } while (++round < ROUNDS && summary.size > before && whole.tokens < maxTokens);
  return cutOneMore(request, whole);
}

/**
 * Adds the requests, then the newest turns, in order, within the share of their section; a short request is whole in a small
 * summary too.
 */
async function addTurns(request: FillRequest): Promise<void> {
  const { requests, recent, maxTokens } = request;
  const least = Math.min(LEAST_TURN_TOKENS, LEAST_TURN_SHARE * maxTokens);
  const share = (section: Section) => SECTION_RULES[section].share * maxTokens;
  for (const candidates of requests)
    await addInOrder(request, candidates, 'task', Math.max(least, share('task') / requests.length));
  let left = share('recent');
  if (maxTokens < LEAST_FOR_RECENT) return;
  for (const candidates of recent) left -= await addInOrder(request, candidates, 'recent', left);
}

/** Adds candidates in order until `tokens` are spent, and returns how many were. Skips replaced values. */
async function addInOrder(
  request: FillRequest,
  candidates: readonly Candidate[],
  section: Section,
  tokens: number,
): Promise<number> {
  const { ranking, summary, maxTokens } = request;
  const before = summary.spent;
  const limit = Math.min(maxTokens, before + tokens);
  const saysLittle = ({ order, text }: Candidate) => isBrief(text) || ranking.isFormula(order);
  const saysMore = candidates.some((candidate) => !saysLittle(candidate));
  for (const candidate of candidates) {
    if (sliceIsOver(SMALL_STEPS)) await yieldToEventLoop();
    if (candidate.note === REPLACED || candidate.section === 'logs' || (saysMore && saysLittle(candidate))) continue;
    const natural = candidate.section;
    candidate.section = section;
    if (ranking.addIfItFits(candidate.order, summary, limit)) continue;
    candidate.section = natural;
    break;
  }
  return summary.spent - before;
}

/** Removes what was added last until the whole fits; each time more, so that it ends soon under any tokenizer. */
async function shrink(request: FillRequest): Promise<Compression> {
  const { summary, maxTokens } = request;
  let whole = await write(request);
  for (let step = 1; whole.tokens > maxTokens && summary.size > 0; step *= 2) {
    const target = summary.spent - step * (whole.tokens - maxTokens);
    do summary.removeLast();
    while (summary.size > 0 && summary.spent > target);
    whole = await write(request);
  }
  return whole;
}

async function write({ summary, tokenizer }: FillRequest): Promise<Compression> {
  const content = await summary.render();
  return { content, tokens: await tokenizer.countSliced(content) };
}

/** The beginning of a text up to the last border of words in `prefix` that does not stand in or after a value. */
function wholeWords(text: string, prefix: string): string {
  const isRunOn = (at: number) => classAt(text, at - 1) === RUN_ON && classAt(text, at) === RUN_ON;
  let end = prefix.length;
  const isBorder = () => isBlank(text.charCodeAt(end)) || isRunOn(end);
  const endsInValue = () => /(?:[\d:=|,;%$€£¥/(-]|\d\S*)\s*$/.test(text.slice(Math.max(0, end - 40), end));
  while (end > 0 && (!isBorder() || endsInValue())) end--;
  return text.slice(0, end).trimEnd();
}

/** Uses the last tokens for the beginning of one more candidate. */
async function cutOneMore(request: FillRequest, whole: Compression): Promise<Compression> {
  const { candidates, ranking, summary, tokenizer, maxTokens } = request;
  const room = maxTokens - whole.tokens;
  if (room < MIN_CUT_TOKENS) return whole;
  let attempts = 0;
  for (const at of await ranking.best(CUT_CANDIDATES)) {
    const candidate = candidates[at];
    if (candidate === undefined) continue;
    const overhead = summary.cost({ ...candidate, text: CUT_MARK });
    for (let length = room - overhead; length > 0 && attempts < CUT_ATTEMPTS; attempts++) {
      const text = wholeWords(candidate.text, await tokenizer.prefixWithin(candidate.text, length));
      if (text === '') break;
      const cut = { ...candidate, text: `${text}${CUT_MARK}` };
      summary.add(cut, overhead + length);
      const longer = await write(request);
      if (longer.tokens <= maxTokens) return longer;
      summary.removeLast();
      length -= longer.tokens - maxTokens;
    }
  }
  return whole;
}
