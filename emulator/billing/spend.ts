import type { Currency, Price } from '../../contract/prices.ts';
import type { Book, Ledger } from './ledger.ts';
import { type Money, moneyNumber } from './money.ts';
import { bookLines, priceLine } from './spend-lines.ts';
import { costOf, type Tally, uncached, type Work } from './work.ts';

/** Money in units of the currency, rounded half up to six decimals. */
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

export interface Spend {
  object: 'emulator.spend';
  currency: Currency;
  window_tokens: number;
  prices: Price[];
  total: SpendOfBook;
  accounts: ({ account: string } & SpendOfBook)[];
  sessions: ({ session_id: string; account: string } & SpendOfBook)[];
}

export interface SpendQuestion {
  currency: Currency;
  windowTokens: number;
  /** Of this account only. */
  account?: string;
}

/** All that has been spent, with the arithmetic shown. */
export function spendOf(ledger: Ledger, { currency, windowTokens, account }: SpendQuestion): Spend {
  const total = ledger.total(account);
  const accounts = [...ledger.accounts()].filter(([name]) => account === undefined || name === account);
  const describe = (book: Book) => ofBook(book, windowTokens);
  return {
    object: 'emulator.spend',
    currency,
    window_tokens: windowTokens,
    prices: [...total.keys()].map((rates) => rates.row),
    total: describe(total),
    accounts: accounts.map(([name, book]) => ({ account: name, ...describe(book) })),
    sessions: ledger.sessions(account).map(({ session, account: owner, book }) => ({
      session_id: session,
      account: owner,
      ...describe(book),
    })),
  };
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
