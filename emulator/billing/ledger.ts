import { CURRENCIES, type Currency, PRICES, type Price, pricedAs } from '../../contract/prices.ts';
import { putNewest } from './prefix-cache.ts';

/**
 * Money as a whole number of 10⁻¹² of a currency unit. A price per million tokens with at most six decimals is a whole number
 * of them per token, so sums are exact.
 */
export type Money = bigint;

const UNIT_DECIMALS = 12;
const UNIT = 10n ** BigInt(UNIT_DECIMALS);
const PRICE_DECIMALS = 6;
const AMOUNT = /^(\d{1,9}(?:\.\d{1,6})?)\s*([A-Za-z]{3})?$/;

export interface Amount {
  money: Money;
  currency: Currency;
}

/**
 * The price of one token.
 * @param perMillion a price per million tokens
 * @throws RangeError if it is negative or has more than six decimals
 */
export function perToken(perMillion: number): Money {
  if (!isPrice(perMillion))
    throw new RangeError(`${perMillion} is not a price with at most ${PRICE_DECIMALS} decimals`);
  return BigInt(Math.round(perMillion * 10 ** PRICE_DECIMALS));
}

export function isPrice(perMillion: number): boolean {
  const scaled = perMillion * 10 ** PRICE_DECIMALS;
  return perMillion >= 0 && perMillion <= 1e6 && Math.abs(scaled - Math.round(scaled)) < 1e-3;
}

/**
 * An amount as written on the command line: `10`, `10USD`, `72.5CNY`. USD by default.
 * @throws RangeError in one line
 */
export function parseAmount(text: string): Amount {
  const [, figure, name] = AMOUNT.exec(text.trim()) ?? [];
  const currency = CURRENCIES.find((known) => known === (name ?? 'USD').toUpperCase());
  if (figure === undefined || currency === undefined) {
    throw new RangeError(
      `${JSON.stringify(text)} is not an amount: write a number with at most 6 decimals, followed by ${CURRENCIES.join(' or ')}`,
    );
  }
  const [whole = '0', fraction = ''] = figure.split('.');
  return { money: BigInt(whole + fraction.padEnd(UNIT_DECIMALS, '0')), currency };
}

/** Rounded half up (away from zero) to so many decimals: `0.157286`. */
export function showMoney(money: Money, decimals = 6): string {
  const step = UNIT / 10n ** BigInt(decimals);
  const size = money < 0n ? -money : money;
  const digits = ((size + step / 2n) / step).toString().padStart(decimals + 1, '0');
  const sign = money < 0n && /[1-9]/.test(digits) ? '-' : '';
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** In full: six decimals, and as many more as it has, so that the sums of shown figures are right. */
export function showInFull(money: Money): string {
  return showMoney(money, UNIT_DECIMALS).replace(/(\.\d{6}\d*?)0+$/, '$1');
}

/** As a number for JSON: in full, or rounded. */
export function moneyNumber(money: Money, decimals = UNIT_DECIMALS): number {
  return Number(showMoney(money, decimals));
}

/** What a token of each kind costs, and the row of the price table that says so. */
export interface TokenPrices {
  row: Price;
  cachedInput: Money;
  input: Money;
  output: Money;
  /** For an hour. */
  cacheWrite: Money;
}

const MAX_SORTED = 1_024;
const DAY_MS = 24 * 3_600_000;

/** Looks prices up by model, currency and day. */
export class PriceTable {
  readonly #rows: readonly Price[];
  readonly #tokenPrices = new Map<Price, TokenPrices>();
  /** Rows of a model and currency, the earliest first. */
  readonly #sorted = new Map<string, readonly Price[]>();
  #day = { number: Number.NaN, text: '' };

  /**
   * @param own rows that replace all others of the same model and currency
   * @param others the built-in rows
   */
  constructor(own: readonly Price[] = [], others: readonly Price[] = PRICES) {
    const replaced = new Set(own.map(placeOf));
    this.#rows = [...own, ...others.filter((row) => !replaced.has(placeOf(row)))];
  }

  /**
   * The prices on a day: the latest row that is not after it; before all of them, the first, as nothing earlier is known.
   * Returns the same object for the same row, so that usage can be summed by it, and undefined if no price is known.
   * @param at milliseconds since the Unix epoch; the day is that of UTC
   */
  find(model: string, currency: Currency, at: number): TokenPrices | undefined {
    const rows = this.#sorted.get(`${currency} ${model}`) ?? this.#sort(model, currency);
    const day = this.#dayOf(at);
    const row = rows.findLast(({ since }) => since <= day) ?? rows[0];
    return row && this.#toTokenPrices(row);
  }

  /** Most requests ask for the day of the one before. */
  #dayOf(at: number): string {
    const number = Math.floor(at / DAY_MS);
    if (this.#day.number !== number) this.#day = { number, text: dayOf(at) };
    return this.#day.text;
  }

  #sort(model: string, currency: Currency): readonly Price[] {
    const place = placeOf({ model, currency });
    const rows = this.#rows.filter((row) => placeOf(row) === place).sort((a, b) => (a.since < b.since ? -1 : 1));
    // Clients of a gateway may name any model.
    if (this.#sorted.size >= MAX_SORTED) this.#sorted.clear();
    this.#sorted.set(`${currency} ${model}`, rows);
    return rows;
  }

  #toTokenPrices(row: Price): TokenPrices {
    const known = this.#tokenPrices.get(row);
    if (known) return known;
    const prices = {
      row,
      cachedInput: perToken(row.cachedInput),
      input: perToken(row.input),
      output: perToken(row.output),
      cacheWrite: perToken(row.cacheWrite1h ?? row.input),
    };
    this.#tokenPrices.set(row, prices);
    return prices;
  }
}

function placeOf({ model, currency }: Pick<Price, 'model' | 'currency'>): string {
  return `${currency} ${pricedAs(model)}`;
}

/** A time that is not a date counts as the first day of all. */
function dayOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

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
  /** Milliseconds since the Unix epoch, on the emulator's clock. */
  at: number;
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

/** Turns that are remembered one by one: the newest, and up to as many before them. */
const MAX_TURNS = 8_192;

type MutableLedger = Map<TokenPrices, Tally>;

/** Ledgers of accounts, and of sessions, at most. Of more, those updated longest ago are counted in the total only. */
export const MAX_LEDGERS = 4_096;

/** The ledgers of each session, of each account and of everything, in memory only: they start with the process. */
export class Ledgers {
  readonly #total: MutableLedger = new Map();
  #turns: (TurnUsage & { n: number })[] = [];
  #counted = 0;
  readonly #accounts = new Map<string, MutableLedger>();
  readonly #sessions = new Map<string, { account: string; ledger: MutableLedger }>();

  record(turn: TurnUsage): void {
    this.#counted += 1;
    this.#turns.push({ n: this.#counted, ...turn });
    if (this.#turns.length >= 2 * MAX_TURNS) this.#turns = this.#turns.slice(-MAX_TURNS);
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

  /** Number of the oldest turn that is still there. */
  get firstTurn(): number {
    return this.#turns[0]?.n ?? this.#counted + 1;
  }

  /** The last turns, one by one; those behind a number. */
  turnsSince(since: number): readonly (TurnUsage & { n: number })[] {
    return this.#turns.slice(Math.max(0, since + 1 - this.firstTurn));
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

  ofSession(session: string): SessionLedger[] {
    const entry = this.#sessions.get(session);
    return entry ? [{ session, ...entry }] : [];
  }

  clear(): void {
    this.#total.clear();
    this.#turns = [];
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
