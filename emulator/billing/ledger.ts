import type { Rates } from './price-table.ts';
import { addTurn, newTally, type Tally } from './work.ts';

/** What one turn took, and what it would have taken without a session. */
export interface TurnUse {
  account: string;
  session: string | undefined;
  rates: Rates;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
  /** The same turn with the whole uncut history sent; undefined where that would not have fitted the window. */
  stateless: { promptTokens: number; cachedTokens: number } | undefined;
}

/** Tallies by model and price. */
export type Book = ReadonlyMap<Rates, Tally>;

export interface SessionBook {
  account: string;
  session: string;
  book: Book;
}

type OpenBook = Map<Rates, Tally>;

/** Books that are kept apart; those that were written to longest ago are then found in the total only. */
export const MAX_BOOKS = 4_096;

/** Keeps the books: of each session, of each account, and of all. In memory: they begin with the process. */
export class Ledger {
  readonly #total: OpenBook = new Map();
  readonly #accounts = new Map<string, OpenBook>();
  readonly #sessions = new Map<string, { account: string; book: OpenBook }>();

  record(use: TurnUse): void {
    const { account, session } = use;
    write(this.#total, use);
    const ofAccount = this.#accounts.get(account) ?? new Map();
    write(ofAccount, use);
    keep(this.#accounts, account, ofAccount);
    if (session === undefined) return;
    const ofSession = this.#sessions.get(session) ?? { account, book: new Map() };
    write(ofSession.book, use);
    keep(this.#sessions, session, ofSession);
  }

  /** Of one account, or of all. */
  total(account?: string): Book {
    return account === undefined ? this.#total : (this.#accounts.get(account) ?? new Map());
  }

  accounts(): ReadonlyMap<string, Book> {
    return this.#accounts;
  }

  /** Those that were written to last, last. */
  sessions(account?: string): SessionBook[] {
    return [...this.#sessions]
      .map(([session, kept]) => ({ session, ...kept }))
      .filter((kept) => account === undefined || kept.account === account);
  }

  clear(): void {
    this.#total.clear();
    this.#accounts.clear();
    this.#sessions.clear();
  }
}

function write(book: OpenBook, { rates, stateless, promptTokens, cachedTokens, outputTokens }: TurnUse): void {
  const tally = book.get(rates) ?? newTally(rates);
  book.set(rates, tally);
  const own = { prompt: promptTokens, cached: cachedTokens, output: outputTokens };
  addTurn(tally.own, own);
  if (!stateless) return;
  addTurn(tally.comparable.own, own);
  addTurn(tally.comparable.stateless, {
    prompt: stateless.promptTokens,
    cached: stateless.cachedTokens,
    output: outputTokens,
  });
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > MAX_BOOKS ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
