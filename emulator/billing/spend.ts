import type { Currency, Price } from '../../contract/prices.ts';
import {
  costOf,
  type Ledger,
  type Ledgers,
  type Money,
  moneyNumber,
  showInFull,
  type Tally,
  type Usage,
  uncached,
} from './ledger.ts';

/** Money is in units of the currency, not rounded. */
interface SpendFigures {
  turns: number;
  /** Tokens that were not cached. */
  input_tokens: number;
  cached_tokens: number;
  /** Tokens that were written into the cache for an hour, at the price of that; not among `input_tokens`. */
  cache_write_1h_tokens: number;
  output_tokens: number;
  cost: number;
  /** The turns that a client without sessions could have made too, sending its whole uncut history each time. */
  stateless: {
    turns: number;
    /** Turns whose uncut history would not have fitted the window: counted only above. */
    turns_beyond_window: number;
    prompt_tokens: number;
    cached_tokens: number;
    /** Cost of these same turns as they were made. */
    own_cost: number;
    cost_without_cache: number;
    cost_with_cache: number;
    saved_without_cache: number;
    saved_with_cache: number;
  };
  /** How each figure was computed, as lines of text. */
  arithmetic: string[];
}

/** A price as a price file holds it, so that `readPrices` can read it. */
export type ShownPrice = Omit<Price, 'cachedInput' | 'cacheWrite1h'> & {
  cached_input: number;
  cache_write_1h?: number;
};

export interface Spend {
  object: 'emulator.spend';
  currency: Currency;
  window_tokens: number;
  /** Prices that were applied. */
  prices: ShownPrice[];
  /** Of everything, whatever is left out below. */
  total: SpendFigures;
  /** Those billed last, the newest at the end. */
  accounts: ({ account: string } & SpendFigures)[];
  sessions: ({ session_id: string; account: string } & SpendFigures)[];
  /** How many were billed longer ago and are not shown. Beyond the last 4,096 they are in the total only, and not counted here. */
  left_out: { accounts: number; sessions: number };
}

export interface SpendOptions {
  /** Maximum number of accounts, and of sessions, shown; 100 by default. Each takes about a kilobyte. */
  limit?: number;
}

interface SpendQuestion extends SpendOptions {
  currency: Currency;
  windowTokens: number;
  /** Only this account. */
  account?: string;
}

const DEFAULT_LIMIT = 100;

/** Everything spent so far, with the arithmetic. */
export function spendOf(
  ledgers: Ledgers,
  { currency, windowTokens, account, limit = DEFAULT_LIMIT }: SpendQuestion,
): Spend {
  const total = ledgers.total(account);
  const accounts = [...ledgers.accounts()].filter(([name]) => account === undefined || name === account);
  const sessions = ledgers.sessions(account);
  const left = (all: readonly unknown[]) => Math.max(0, all.length - limit);
  const figures = (ledger: Ledger) => figuresOf(ledger, windowTokens);
  return {
    object: 'emulator.spend',
    currency,
    window_tokens: windowTokens,
    prices: [...total.keys()].map(({ row }) => toShownPrice(row)),
    total: figures(total),
    accounts: accounts.slice(left(accounts)).map(([name, ledger]) => ({ account: name, ...figures(ledger) })),
    sessions: sessions.slice(left(sessions)).map(({ session, account: owner, ledger }) => ({
      session_id: session,
      account: owner,
      ...figures(ledger),
    })),
    left_out: { accounts: left(accounts), sessions: left(sessions) },
  };
}

export function toShownPrice({ model, currency, cachedInput, cacheWrite1h, ...rest }: Price): ShownPrice {
  const write = cacheWrite1h !== undefined && { cache_write_1h: cacheWrite1h };
  return { model, currency, cached_input: cachedInput, ...write, ...rest };
}

function figuresOf(ledger: Ledger, windowTokens: number): SpendFigures {
  const tallies = [...ledger.values()];
  const sum = (pick: (tally: Tally) => Usage, key: keyof Usage) =>
    tallies.reduce((total, tally) => total + pick(tally)[key], 0);
  const cost = (pick: (tally: Tally) => Usage): Money =>
    tallies.reduce((total, tally) => total + costOf(pick(tally), tally.prices), 0n);
  const own = (tally: Tally) => tally.own;
  const stateless = (tally: Tally) => tally.comparable.stateless;
  const ownCost = cost((tally) => tally.comparable.own);
  const withCache = cost(stateless);
  const withoutCache = cost((tally) => uncached(stateless(tally)));
  const turns = sum(stateless, 'turns');
  return {
    turns: sum(own, 'turns'),
    input_tokens: sum(own, 'input'),
    cached_tokens: sum(own, 'cached'),
    cache_write_1h_tokens: sum(own, 'written'),
    output_tokens: sum(own, 'output'),
    cost: moneyNumber(cost(own)),
    stateless: {
      turns,
      turns_beyond_window: sum(own, 'turns') - turns,
      prompt_tokens: sum(stateless, 'input') + sum(stateless, 'cached') + sum(stateless, 'written'),
      cached_tokens: sum(stateless, 'cached'),
      own_cost: moneyNumber(ownCost),
      cost_without_cache: moneyNumber(withoutCache),
      cost_with_cache: moneyNumber(withCache),
      saved_without_cache: moneyNumber(withoutCache - ownCost),
      saved_with_cache: moneyNumber(withCache - ownCost),
    },
    arithmetic: tallies.flatMap((tally) => [priceLine(tally.prices.row), ...breakdown(tally, windowTokens)]),
  };
}

/** `kimi-k2-0905-preview: 0.15 cached input, 0.6 input, 2.5 output USD per million tokens (since …; source)` */
export function priceLine({ model, currency, cachedInput, cacheWrite1h, input, output, since, source }: Price): string {
  const write = cacheWrite1h === undefined ? '' : `${cacheWrite1h} cached for an hour, `;
  const figures = `${cachedInput} cached input, ${input} input, ${write}${output} output ${currency} per million tokens`;
  return `${model}: ${figures} (since ${since}; ${source})`;
}

/** What one model cost, what it would have cost without sessions, and the difference, each as a calculation. */
function breakdown({ prices, own, comparable }: Tally, windowTokens: number): string[] {
  const { currency } = prices.row;
  const cost = (usage: Usage) => costOf(usage, prices);
  const line = (title: string, usage: Usage) =>
    `${title}, ${countTurns(usage.turns)}: ${product(usage, prices.row)} = ${showInFull(cost(usage))} ${currency}`;
  const beyond = own.turns - comparable.own.turns;
  const ownCost = cost(comparable.own);
  const saved = (title: string, usage: Usage) =>
    `saved against ${title}: ${difference(cost(usage), ownCost, currency)}`;
  const { stateless } = comparable;
  return [
    line('as it was', own),
    ...(beyond > 0
      ? [
          `${countTurns(beyond)} left out below: the uncut history no longer fitted ${grouped(windowTokens)} tokens`,
          line('the others as they were', comparable.own),
        ]
      : []),
    line('stateless without cache', uncached(stateless)),
    line('stateless with cache', stateless),
    saved('stateless without cache', uncached(stateless)),
    saved('stateless with cache', stateless),
  ];
}

function product({ input, cached, written, output }: Usage, price: Price): string {
  const terms = [
    `${grouped(input)} × ${price.input}`,
    `${grouped(cached)} × ${price.cachedInput}`,
    ...(written > 0 ? [`${grouped(written)} × ${price.cacheWrite1h ?? price.input}`] : []),
    `${grouped(output)} × ${price.output}`,
  ];
  return `(${terms.join(' + ')}) ÷ 1,000,000`;
}

/** `0.012 − 0.003 = 0.009 USD (75.0 %)` */
function difference(other: Money, own: Money, currency: string): string {
  const share = other === 0n ? '' : ` (${(Number(((other - own) * 100_000n) / other) / 1_000).toFixed(1)} %)`;
  return `${showInFull(other)} − ${showInFull(own)} = ${showInFull(other - own)} ${currency}${share}`;
}

function countTurns(count: number): string {
  return count === 1 ? '1 turn' : `${grouped(count)} turns`;
}

/** With separators: `1,000,000`. */
function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** A spend report as text for a terminal, line by line. */
export function renderSpend({ total, sessions, left_out, currency }: Spend): string[] {
  if (total.turns === 0) return ['Nothing has been spent.'];
  const section = (title: string, figures: SpendFigures) => [
    headline(title, figures, currency),
    ...figures.arithmetic.map((line) => `  ${line}`),
  ];
  return [
    ...section('In total', total),
    ...sessions.flatMap((session) => ['', ...section(session.session_id, session)]),
    ...leftOut(left_out.sessions, sessions.length),
    '',
    'stateless: the same turns by a client that sends everything it ever wrote, uncut; after a rollback, everything up to the snapshot.',
  ];
}

function leftOut(count: number, shown: number): string[] {
  if (count === 0) return [];
  const which = count === 1 ? '1 session that was' : `${count} sessions that were`;
  return ['', `${which} billed longer ago ${count === 1 ? 'is' : 'are'} left out: limit=${count + shown} shows all`];
}

export function headline(title: string, { turns, cost, stateless }: SpendFigures, currency: string): string {
  const others = `stateless ${moneyText(stateless.cost_without_cache)} without cache, ${moneyText(stateless.cost_with_cache)} with it`;
  const beyond = stateless.turns_beyond_window > 0 ? ` for ${stateless.turns} of them` : '';
  return `${title}: ${moneyText(cost)} ${currency} for ${turns} ${turns === 1 ? 'turn' : 'turns'}; ${others}${beyond}`;
}

/** In full, without separators: `0.012345`. */
export function moneyText(money: number): string {
  return money.toLocaleString('en-US', { minimumFractionDigits: 6, maximumFractionDigits: 12, useGrouping: false });
}
