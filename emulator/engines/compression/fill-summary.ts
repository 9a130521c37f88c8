import type { Role } from '../../../contract/messages.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { Compression } from './compress.ts';
import { isPleasantry } from './cues.ts';
import type { DraftSummary } from './draft-summary.ts';
import { REPLACED } from './labels.ts';
import type { Pacer } from './pacer.ts';
import type { Ranking } from './ranking.ts';
import { SECTION_RULES, type Section } from './sections.ts';
import type { Unit } from './unit.ts';

export interface Fitting {
  readonly units: readonly Unit[];
  readonly requests: readonly (readonly Unit[])[];
  readonly recent: readonly (readonly Unit[])[];
  /** The role of the message that a unit stands in. */
  readonly roleOf: (unit: Unit) => Role;
  readonly ranking: Ranking;
  readonly summary: DraftSummary;
  readonly tokenizer: Tokenizer;
  readonly maxTokens: number;
  readonly pacer: Pacer;
}

/** What each request may take even where its section's share is less. */
const LEAST_TURN_TOKENS = 60;
const LEAST_TURN_SHARE = 0.12;
/** In a smaller summary the newest turns have to earn their place as all else does. */
const LEAST_FOR_RECENT = 400;
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
  await takeTurns(fitting);
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

/**
 * The requests, then the newest turns, told in order as far as their section's share goes, and at least so far that a
 * short request is told in a small summary too.
 */
async function takeTurns(fitting: Fitting): Promise<void> {
  const { requests, recent, maxTokens } = fitting;
  const least = Math.min(LEAST_TURN_TOKENS, LEAST_TURN_SHARE * maxTokens);
  const share = (section: Section) => SECTION_RULES[section].share * maxTokens;
  for (const units of requests) await tell(fitting, units, 'task', Math.max(least, share('task') / requests.length));
  let left = share('recent');
  if (maxTokens < LEAST_FOR_RECENT) return;
  for (const units of recent) left -= await tell(fitting, units, 'recent', left);
}

/**
 * Takes units one after the other until the tokens are spent, and returns how many were; what was overtaken is passed
 * over.
 */
async function tell(fitting: Fitting, units: readonly Unit[], section: Section, tokens: number): Promise<number> {
  const { ranking, summary, maxTokens, roleOf, pacer } = fitting;
  const before = summary.spent;
  const limit = Math.min(maxTokens, before + tokens);
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    if (unit.note === REPLACED || unit.section === 'logs' || isPleasantry(unit.text)) continue;
    const natural = unit.section;
    const note = unit.note;
    unit.section = section;
    unit.note = roleOf(unit);
    if (ranking.takeNow(unit.order, summary, limit)) continue;
    unit.section = natural;
    unit.note = note;
    break;
  }
  return summary.spent - before;
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
      const text = (await tokenizer.prefixWithin(unit.text, length)).trimEnd();
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
