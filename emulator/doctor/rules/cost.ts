import { CURRENCIES, type Currency, PRICES } from '../../../contract/prices.ts';
import { costOf, type Money, PriceTable, showInFull, showMoney, type TokenPrices } from '../../billing/ledger.ts';
import { CACHE_RULES, type PromptStart } from '../../billing/prefix-cache.ts';
import { priceLine } from '../../billing/spend.ts';
import type { JournalEntry } from '../../journal/entries.ts';
import type { Turn } from '../../journal/exchange.ts';
import { VERSION } from '../../version.ts';
import { bad, fine, fineAll, type Rule, some, tokens } from '../finding.ts';
import type { Run } from '../run.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** A shorter run says little about an hour. */
const SHORT_MS = 60_000;
const CENTS = 2;

/** The cost in one currency. */
interface Bill {
  currency: Currency;
  money: Money;
  prices: Set<TokenPrices>;
  unpriced: Map<string, number>;
}

/** Always reported, always ok: what the run would have cost, and what an hour like it would cost. */
export const cost: Rule = {
  name: 'cost',
  target: 'everywhere',
  judge(run: Run) {
    const turns = run.entries.filter(({ facts }) => facts.turn !== undefined);
    if (turns.length === 0) return fine('no turn was made, and nothing else is charged');
    const table = run.prices ? new PriceTable(run.prices.map(toPrice), []) : new PriceTable();
    const bills = CURRENCIES.map((currency) => billIn(currency, turns, table)).filter(({ prices }) => prices.size > 0);
    const amounts =
      bills.length === 0 ? 'no price of their models is known' : bills.map((bill) => amountOf(bill, run)).join(', ');
    return {
      ...fine(`${usageOf(turns, run)}: ${amounts}${caveat(run)}`),
      details: [...bills.flatMap(linesOf), ...priceSource(run), ...droppedFrom(run)],
    };
  },
};

/** Limits go by what is counted here: where an upstream counts more, it refuses what still fits here. */
export const tokenDrift: Rule = {
  name: 'token-drift',
  target: 'everywhere',
  judge({ entries }: Run) {
    const drifting = entries.filter(({ facts }) => facts.upstream?.drift !== undefined);
    if (drifting.length === 0) {
      const turns = entries.filter(({ facts }) => facts.turn !== undefined);
      return fineAll(turns.length, 'turn', ', none of which an upstream counted differently by more than 2 %');
    }
    const share = ({ facts }: JournalEntry): number => {
      const { counted = 0, upstream = 0 } = facts.upstream?.drift ?? {};
      return (upstream - counted) / Math.max(1, counted);
    };
    const [worst] = drifting.toSorted((a, b) => Math.abs(share(b)) - Math.abs(share(a)));
    const { counted = 0, upstream = 0 } = worst?.facts.upstream?.drift ?? {};
    const says = `the upstream counted the prompt of ${some(drifting.length, 'turn')} differently by more than 2 %, at most ${tokens(upstream)} where ${counted.toLocaleString('en-US')} were counted here`;
    const fix = 'kimi-emulator tokenizer --install counts as the live API does; else leave room in the window';
    return bad('warning', says, fix, drifting);
  },
};

/** A cached prefix is whole blocks of so many tokens, of a prompt that is longer than one. */
const { blockTokens, minPromptTokens, ttlMs } = CACHE_RULES;

export const prefixCache: Rule = {
  name: 'prefix-cache',
  target: 'everywhere',
  judge(run: Run) {
    const voided = run.lives.flatMap((entries) =>
      entries.flatMap((entry, at) => voidedBy(entries.slice(0, at), entry)),
    );
    if (voided.length === 0) return fine('no conversation went on with other tools, effort or model');
    const causes = [...new Set(voided.map(({ cause }) => cause))].join(', ');
    const lost = voided.reduce((sum, each) => sum + each.lost, 0);
    return bad(
      'warning',
      `${some(voided.length, 'turn')} of a conversation with another start than before (${causes}): ${tokens(lost)} that were cached had to be read anew`,
      'keep model, effort and tools as they are while a conversation lasts: they stand before its messages, so that the cache ends where they change; K3 takes tools that come later in a system message',
      voided.map(({ entry }) => entry),
    );
  },
};

interface Voided {
  entry: JournalEntry;
  cause: 'model' | 'tools' | 'effort';
  lost: number;
}

/** A turn that goes on with a conversation whose prompt is cached, and begins in a way in which none of it began before. */
function voidedBy(before: readonly JournalEntry[], entry: JournalEntry): Voided[] {
  const { turn } = entry.facts;
  const { prompt } = turn ?? {};
  if (!turn || !prompt) return [];
  const isCached = (each: JournalEntry) => entry.at - each.at < ttlMs;
  const same = before.filter((each) => isOfConversation(each, entry) && isCached(each));
  if (same.some(({ facts }) => beginsAs(facts.turn?.prompt, prompt))) return [];
  const last = same.findLast(({ facts }) => (facts.turn?.prompt?.length ?? prompt.length) < prompt.length)?.facts.turn;
  if (!last || last.usage.prompt_tokens <= minPromptTokens) return [];
  const { prompt_tokens: cached } = last.usage;
  const lost = cached - (cached % blockTokens) - (turn.usage.cached_tokens ?? 0);
  if (lost <= 0) return [];
  const isEffort = last.prompt?.tools === prompt.tools;
  return [{ entry, cause: isEffort ? 'effort' : last.model === turn.model ? 'tools' : 'model', lost }];
}

function isOfConversation({ account, session, facts }: JournalEntry, entry: JournalEntry): boolean {
  const messages = facts.turn?.prompt?.messages;
  return account === entry.account && session === entry.session && messages === entry.facts.turn?.prompt?.messages;
}

function beginsAs(one: PromptStart | undefined, other: PromptStart): boolean {
  return one?.tools === other.tools && one.effort === other.effort;
}

function usageOf(turns: readonly JournalEntry[], { durationMs }: Run): string {
  const sum = (pick: (turn: Turn) => number | undefined) =>
    turns.reduce((total, { facts: { turn } }) => total + ((turn && pick(turn)) ?? 0), 0);
  return [
    `${some(turns.length, 'turn')} in ${(durationMs / SECOND_MS).toLocaleString('en-US')} s: ${tokens(sum(({ usage }) => usage.prompt_tokens))} of input`,
    `${tokens(sum(({ usage }) => usage.cached_tokens))} of it cached`,
    `${tokens(sum(({ usage }) => usage.completion_tokens))} of output`,
  ].join(', ');
}

function billIn(currency: Currency, turns: readonly JournalEntry[], table: PriceTable): Bill {
  const bill: Bill = { currency, money: 0n, prices: new Set(), unpriced: new Map() };
  for (const { facts, at } of turns) {
    if (!facts.turn) continue;
    const { model, usage } = facts.turn;
    const prices = table.find(model, currency, at);
    if (!prices) {
      bill.unpriced.set(model, (bill.unpriced.get(model) ?? 0) + 1);
      continue;
    }
    const { prompt_tokens, completion_tokens, cached_tokens = 0 } = usage;
    const input = prompt_tokens - cached_tokens;
    bill.money += costOf({ turns: 1, input, cached: cached_tokens, written: 0, output: completion_tokens }, prices);
    bill.prices.add(prices);
  }
  return bill;
}

function amountOf({ money, currency }: Bill, { durationMs }: Run): string {
  const whole = `${showInFull(money)} ${currency}`;
  return durationMs === 0 ? whole : `${whole} (${showMoney(perHour(money, durationMs), CENTS)} an hour)`;
}

function linesOf({ currency, prices, unpriced }: Bill): string[] {
  return [
    ...[...prices].map(({ row }) => priceLine(row)),
    ...[...unpriced].map(
      ([model, turns]) => `${model}: no price in ${currency} is known; ${some(turns, 'turn')} counted as free`,
    ),
  ];
}

function priceSource({ prices }: Run): string[] {
  if (prices) return [];
  const newest = PRICES.map(({ since }) => since)
    .toSorted()
    .at(-1);
  return [
    `the journal holds no prices; built-in prices of kimi-emulator ${VERSION} are used, the newest from ${newest}`,
  ];
}

function droppedFrom({ dropped }: Run): string[] {
  return dropped === 0 ? [] : [`${some(dropped, 'request')} dropped from the journal and not counted`];
}

function caveat({ durationMs }: Run): string {
  if (durationMs === 0) return '; no time passed on its clock, so there is no hourly figure';
  return durationMs < SHORT_MS ? '; the run lasted less than a minute, so the hourly figure is a guess' : '';
}

function toPrice({ cached_input: cachedInput, ...row }: NonNullable<Run['prices']>[number]) {
  return { ...row, cachedInput };
}

function perHour(money: Money, durationMs: number): Money {
  return (money * BigInt(HOUR_MS)) / BigInt(Math.max(1, Math.round(durationMs)));
}
