import { CURRENCIES, type Currency, PRICES } from '../../../contract/prices.ts';
import { type Money, showInFull, showMoney } from '../../billing/money.ts';
import { PriceTable, type Rates } from '../../billing/price-table.ts';
import { priceLine } from '../../billing/spend-lines.ts';
import { costOf } from '../../billing/work.ts';
import type { JournalEntry } from '../../journal/describe.ts';
import type { Turn } from '../../journal/facts.ts';
import { VERSION } from '../../version.ts';
import { fine, type Rule, some, tokens } from '../finding.ts';
import type { Run } from '../run.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** A run that is shorter says little of an hour. */
const SHORT_MS = 60_000;
const CENTS = 2;

/** What was done in one currency. */
interface Bill {
  currency: Currency;
  money: Money;
  /** Turns at each price. */
  rates: Set<Rates>;
  unpriced: Map<string, number>;
}

/** Never wrong, and never left out: what the run would have cost, and an hour that goes on like it. */
export const cost: Rule = {
  name: 'cost',
  target: 'everywhere',
  judge(run: Run) {
    const turns = run.entries.filter(({ facts }) => facts.turn !== undefined);
    if (turns.length === 0) return fine('no turn was taken, and nothing else is charged');
    const table = run.prices ? new PriceTable(run.prices.map(toPrice), []) : new PriceTable();
    const bills = CURRENCIES.map((currency) => billIn(currency, turns, table)).filter(({ rates }) => rates.size > 0);
    const amounts =
      bills.length === 0 ? 'no price is known of any of them' : bills.map((bill) => amountOf(bill, run)).join(', ');
    return {
      ...fine(`${workOf(turns, run)}: ${amounts}${doubtOf(run)}`),
      details: [...bills.flatMap(linesOf), ...tableOf(run), ...forgottenBy(run)],
    };
  },
};

function workOf(turns: readonly JournalEntry[], { durationMs }: Run): string {
  const sum = (pick: (turn: Turn) => number | undefined) =>
    turns.reduce((total, { facts: { turn } }) => total + ((turn && pick(turn)) ?? 0), 0);
  return [
    `${some(turns.length, 'turn')} in ${(durationMs / SECOND_MS).toLocaleString('en-US')} s: ${tokens(sum(({ usage }) => usage.prompt_tokens))} of input`,
    `${tokens(sum(({ usage }) => usage.cached_tokens))} of it cached`,
    `${tokens(sum(({ usage }) => usage.completion_tokens))} of output`,
  ].join(', ');
}

function billIn(currency: Currency, turns: readonly JournalEntry[], table: PriceTable): Bill {
  const bill: Bill = { currency, money: 0n, rates: new Set(), unpriced: new Map() };
  for (const { facts, at } of turns) {
    if (!facts.turn) continue;
    const { model, usage } = facts.turn;
    const rates = table.of(model, currency, at);
    if (!rates) {
      bill.unpriced.set(model, (bill.unpriced.get(model) ?? 0) + 1);
      continue;
    }
    const { prompt_tokens, completion_tokens, cached_tokens = 0 } = usage;
    const work = { turns: 1, input: prompt_tokens - cached_tokens, cached: cached_tokens, output: completion_tokens };
    bill.money += costOf(work, rates);
    bill.rates.add(rates);
  }
  return bill;
}

function amountOf({ money, currency }: Bill, { durationMs }: Run): string {
  const whole = `${showInFull(money)} ${currency}`;
  return durationMs === 0 ? whole : `${whole} (${showMoney(perHour(money, durationMs), CENTS)} an hour)`;
}

function linesOf({ currency, rates, unpriced }: Bill): string[] {
  return [
    ...[...rates].map(({ row }) => priceLine(row)),
    ...[...unpriced].map(
      ([model, turns]) => `${model}: no price in ${currency} is known, ${some(turns, 'turn')} of it counts nothing`,
    ),
  ];
}

function tableOf({ prices }: Run): string[] {
  if (prices) return [];
  const newest = PRICES.map(({ since }) => since)
    .toSorted()
    .at(-1);
  return [
    `the journal holds no prices: these are the built-in ones of kimi-emulator ${VERSION}, the newest of them of ${newest}`,
  ];
}

function forgottenBy({ dropped }: Run): string[] {
  return dropped === 0 ? [] : [`what is no longer remembered is not counted: ${some(dropped, 'request')}`];
}

function doubtOf({ durationMs }: Run): string {
  if (durationMs === 0) return '; no time passed on its clock, so that nothing is known of an hour';
  return durationMs < SHORT_MS ? '; the run lasted less than a minute, so an hour is a guess' : '';
}

function toPrice({ cached_input: cachedInput, ...row }: NonNullable<Run['prices']>[number]) {
  return { ...row, cachedInput };
}

function perHour(money: Money, durationMs: number): Money {
  return (money * BigInt(HOUR_MS)) / BigInt(Math.max(1, Math.round(durationMs)));
}
