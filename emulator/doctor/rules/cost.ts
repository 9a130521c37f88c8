import { CURRENCIES } from '../../../contract/prices.ts';
import { type Money, showMoney } from '../../billing/money.ts';
import { PriceTable } from '../../billing/price-table.ts';
import { costOf } from '../../billing/work.ts';
import type { JournalEntry } from '../../journal/describe.ts';
import { fine, type Rule, some, tokens } from '../finding.ts';
import type { Run } from '../run.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** A run that is shorter says little of an hour. */
const SHORT_MS = 60_000;
const CENTS = 2;

/** Never wrong, and never left out: what the run would have cost, and an hour that goes on like it. */
export const cost: Rule = {
  name: 'cost',
  target: 'everywhere',
  judge(run: Run) {
    const turns = run.entries.filter(({ facts }) => facts.turn !== undefined);
    if (turns.length === 0) return fine('no turn was taken, and nothing else is charged');
    const sum = (pick: (entry: JournalEntry) => number | undefined) =>
      turns.reduce((total, entry) => total + (pick(entry) ?? 0), 0);
    const work = [
      `${tokens(sum(({ usage }) => usage?.prompt_tokens))} of input`,
      `${tokens(sum(({ usage }) => usage?.cached_tokens))} of it cached`,
      `${tokens(sum(({ usage }) => usage?.completion_tokens))} of output`,
    ];
    const hours = run.durationMs / HOUR_MS;
    const amounts = CURRENCIES.map((currency) => {
      const money = costIn(turns, currency);
      const whole = `${showMoney(money)} ${currency}`;
      return hours === 0 ? whole : `${whole} (${showMoney(perHour(money, run.durationMs), CENTS)} an hour)`;
    });
    const done = `${some(turns.length, 'turn')} in ${(run.durationMs / SECOND_MS).toLocaleString('en-US')} s`;
    return fine(`${done}: ${work.join(', ')}: ${amounts.join(', ')}${doubtOf(run)}`);
  },
};

function doubtOf({ durationMs }: Run): string {
  if (durationMs === 0) return '; no time passed on its clock, so that nothing is known of an hour';
  return durationMs < SHORT_MS ? '; the run lasted less than a minute, so an hour is a guess' : '';
}

function costIn(turns: readonly JournalEntry[], currency: (typeof CURRENCIES)[number]): Money {
  const prices = new PriceTable();
  return turns.reduce((total, { facts: { turn }, at }) => {
    const rates = turn && prices.of(turn.model, currency, at);
    if (!rates) return total;
    const { prompt_tokens, completion_tokens, cached_tokens = 0 } = turn.usage;
    const work = { turns: 1, input: prompt_tokens - cached_tokens, cached: cached_tokens, output: completion_tokens };
    return total + costOf(work, rates);
  }, 0n);
}

function perHour(money: Money, durationMs: number): Money {
  return (money * BigInt(HOUR_MS)) / BigInt(Math.max(1, Math.round(durationMs)));
}
