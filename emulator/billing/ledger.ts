import type { Money } from './money.ts';
import type { TokenPrices } from './price-table.ts';

/** Turns and the tokens they used. */
export interface Usage {
  turns: number;
  /** Prompt tokens that were not cached. */
  input: number;
  cached: number;
  /** Prompt tokens that were written into the cache for an hour; not among `input`. */
  written: number;
  output: number;
}

/** The usage of one model at one price. */
export interface Tally {
  prices: TokenPrices;
  own: Usage;
  /** The turns that a client without sessions could have made too, as they were made and as it would have made them. */
  comparable: { own: Usage; stateless: Usage };
}

/** What one turn used, and what it would have used without a session. */
export interface TurnUsage {
  account: string;
  session: string | undefined;
  prices: TokenPrices;
  promptTokens: number;
  cachedTokens: number;
  /** Whether what was not cached was written into the cache for an hour. */
  isLongWrite: boolean;
  outputTokens: number;
  /** The same turn with the whole uncut history sent; undefined if that would not have fitted the window. */
  stateless: { promptTokens: number; cachedTokens: number } | undefined;
}

/** Tallies by model and price. */
export type Ledger = ReadonlyMap<TokenPrices, Tally>;

interface SessionLedger {
  account: string;
  session: string;
  ledger: Ledger;
}

type MutableLedger = Map<TokenPrices, Tally>;

/** Ledgers of accounts, and of sessions, at most. Of more, those updated longest ago are counted in the total only. */
export const MAX_LEDGERS = 4_096;

/** The ledgers of each session, of each account and of everything, in memory only: they start with the process. */
export class Ledgers {
  readonly #total: MutableLedger = new Map();
  readonly #accounts = new Map<string, MutableLedger>();
  readonly #sessions = new Map<string, { account: string; ledger: MutableLedger }>();

  record(turn: TurnUsage): void {
    const { account, session } = turn;
    add(this.#total, turn);
    const ofAccount = this.#accounts.get(account) ?? new Map();
    add(ofAccount, turn);
    putNewest(this.#accounts, account, ofAccount, MAX_LEDGERS);
    if (session === undefined) return;
    const ofSession = this.#sessions.get(session) ?? { account, ledger: new Map() };
    add(ofSession.ledger, turn);
    putNewest(this.#sessions, session, ofSession, MAX_LEDGERS);
  }

  /** Of one account, or of all. */
  total(account?: string): Ledger {
    return account === undefined ? this.#total : (this.#accounts.get(account) ?? new Map());
  }

  /** Updated last, last. */
  accounts(): ReadonlyMap<string, Ledger> {
    return this.#accounts;
  }

  /** Updated last, last. */
  sessions(account?: string): SessionLedger[] {
    return [...this.#sessions]
      .map(([session, entry]) => ({ session, ...entry }))
      .filter((entry) => account === undefined || entry.account === account);
  }

  clear(): void {
    this.#total.clear();
    this.#accounts.clear();
    this.#sessions.clear();
  }
}

function add(ledger: MutableLedger, turn: TurnUsage): void {
  const { prices, stateless, promptTokens, cachedTokens, outputTokens, isLongWrite } = turn;
  const tally = ledger.get(prices) ?? newTally(prices);
  ledger.set(prices, tally);
  const own = { prompt: promptTokens, cached: cachedTokens, output: outputTokens, isLongWrite };
  addTurn(tally.own, own);
  if (!stateless) return;
  addTurn(tally.comparable.own, own);
  const { promptTokens: prompt, cachedTokens: cached } = stateless;
  addTurn(tally.comparable.stateless, { prompt, cached, output: outputTokens, isLongWrite });
}

export function newTally(prices: TokenPrices): Tally {
  return { prices, own: newUsage(), comparable: { own: newUsage(), stateless: newUsage() } };
}

function newUsage(): Usage {
  return { turns: 0, input: 0, cached: 0, written: 0, output: 0 };
}

interface TurnTokens {
  prompt: number;
  cached: number;
  output: number;
  isLongWrite: boolean;
}

export function addTurn(usage: Usage, { prompt, cached, output, isLongWrite }: TurnTokens): void {
  usage.turns += 1;
  usage[isLongWrite ? 'written' : 'input'] += prompt - cached;
  usage.cached += cached;
  usage.output += output;
}

export function costOf({ input, cached, written, output }: Usage, prices: TokenPrices): Money {
  const prompt = BigInt(input) * prices.input + BigInt(cached) * prices.cachedInput;
  return prompt + BigInt(written) * prices.cacheWrite + BigInt(output) * prices.output;
}

/** The same usage as if nothing were ever cached. */
export function uncached({ turns, input, cached, written, output }: Usage): Usage {
  return { turns, input: input + cached + written, cached: 0, written: 0, output };
}

/** Puts an entry at the end of a map, and drops the first ones beyond `max`. */
export function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > max ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
