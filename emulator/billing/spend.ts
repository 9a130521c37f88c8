import type { Currency, Price } from '../../contract/prices.ts';
import type { Book, Ledger } from './ledger.ts';
import { type Money, moneyNumber } from './money.ts';
import { bookLines, priceLine } from './spend-lines.ts';
import { costOf, type Tally, uncached, type Work } from './work.ts';

/** Money in units of the currency, not rounded. */
export interface SpendOfBook {
  turns: number;
  /** Tokens; `input` without what was cached. */
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost: number;
  /** The turns that a client without sessions could have taken as well, sending its whole uncut history each time. */
  stateless: {
    turns: number;
    /** Turns whose uncut history would not have fitted the window: counted above only. */
    turns_beyond_window: number;
    prompt_tokens: number;
    cached_tokens: number;
    /** What these same turns cost as they were taken. */
    own_cost: number;
    cost_without_cache: number;
    cost_with_cache: number;
    saved_without_cache: number;
    saved_with_cache: number;
  };
  /** How each figure came about, as lines of text. */
  arithmetic: string[];
}

/** Each one takes about a kilobyte. */
const BOOKS_SHOWN = 100;

/** A price as a file of prices holds it, so that it can be given back (`readPrices`). */
export type ShownPrice = Omit<Price, 'cachedInput'> & { cached_input: number };

export interface Spend {
  object: 'emulator.spend';
  currency: Currency;
  window_tokens: number;
  /** Those that were billed by. */
  prices: ShownPrice[];
  /** Of all, whatever is left out below. */
  total: SpendOfBook;
  /** Those that were billed last, the newest of them last. */
  accounts: ({ account: string } & SpendOfBook)[];
  sessions: ({ session_id: string; account: string } & SpendOfBook)[];
  /** How many were billed longer ago and are not shown. Beyond the last 4,096 they are in the total only, and not counted. */
  left_out: { accounts: number; sessions: number };
}

export interface SpendOptions {
  /** Accounts and sessions shown of each at most; 100 where it is not given. */
  limit?: number;
}

export interface SpendQuestion extends SpendOptions {
  currency: Currency;
  windowTokens: number;
  /** Of this account only. */
  account?: string;
}

/** All that has been spent, with the arithmetic shown. */
export function spendOf(
  ledger: Ledger,
  { currency, windowTokens, account, limit = BOOKS_SHOWN }: SpendQuestion,
): Spend {
  const total = ledger.total(account);
  const accounts = [...ledger.accounts()].filter(([name]) => account === undefined || name === account);
  const sessions = ledger.sessions(account);
  const left = (all: readonly unknown[]) => Math.max(0, all.length - limit);
  const describe = (book: Book) => ofBook(book, windowTokens);
  return {
    object: 'emulator.spend',
    currency,
    window_tokens: windowTokens,
    prices: [...total.keys()].map(({ row }) => shownPrice(row)),
    total: describe(total),
    accounts: accounts.slice(left(accounts)).map(([name, book]) => ({ account: name, ...describe(book) })),
    sessions: sessions.slice(left(sessions)).map(({ session, account: owner, book }) => ({
      session_id: session,
      account: owner,
      ...describe(book),
    })),
    left_out: { accounts: left(accounts), sessions: left(sessions) },
  };
}

function shownPrice({ model, currency, cachedInput, ...rest }: Price): ShownPrice {
  return { model, currency, cached_input: cachedInput, ...rest };
}

function ofBook(book: Book, windowTokens: number): SpendOfBook {
  const tallies = [...book.values()];
  const works = (pick: (tally: Tally) => Work, key: keyof Work) =>
    tallies.reduce((sum, tally) => sum + pick(tally)[key], 0);
  const cost = (pick: (tally: Tally) => Work): Money =>
    tallies.reduce((sum, tally) => sum + costOf(pick(tally), tally.rates), 0n);
  const own = (tally: Tally) => tally.own;
  const stateless = (tally: Tally) => tally.comparable.stateless;
  const ownCost = cost((tally) => tally.comparable.own);
  const withCache = cost(stateless);
  const withoutCache = cost((tally) => uncached(stateless(tally)));
  const turns = works(stateless, 'turns');
  return {
    turns: works(own, 'turns'),
    input_tokens: works(own, 'input'),
    cached_tokens: works(own, 'cached'),
    output_tokens: works(own, 'output'),
    cost: moneyNumber(cost(own)),
    stateless: {
      turns,
      turns_beyond_window: works(own, 'turns') - turns,
      prompt_tokens: works(stateless, 'input') + works(stateless, 'cached'),
      cached_tokens: works(stateless, 'cached'),
      own_cost: moneyNumber(ownCost),
      cost_without_cache: moneyNumber(withoutCache),
      cost_with_cache: moneyNumber(withCache),
      saved_without_cache: moneyNumber(withoutCache - ownCost),
      saved_with_cache: moneyNumber(withCache - ownCost),
    },
    arithmetic: [...tallies.map(({ rates }) => priceLine(rates.row)), ...bookLines(tallies, windowTokens)],
  };
}
