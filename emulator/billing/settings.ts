import { CURRENCIES, type Currency, PRICED_MODELS, type Price, pricedAs } from '../../contract/prices.ts';
import { checkNames, refuseOption } from '../bad-input.ts';
import { type Amount, isPrice, parseAmount } from './ledger.ts';
import type { CacheRules } from './prefix-cache.ts';

/** How an emulator bills. */
export interface BillingSettings {
  /** Prices that replace the built-in ones of their model and currency. */
  prices?: readonly Price[];
  /** Starting balance of each account, as on the command line: `10USD`, `72.5CNY`. Its currency is used for everything billed. */
  balance?: string | Amount;
  /** USD by default; that of the balance if there is one. */
  currency?: Currency;
  cache?: Partial<CacheRules>;
}

/** What a value must be, in words and as a test. */
type Check = readonly [wanted: string, fits: (value: unknown) => boolean];

const CURRENCY: Check = [`one of ${CURRENCIES.join(', ')}`, (value) => CURRENCIES.some((known) => known === value)];
const FIGURE: Check = [
  'a price per million tokens with at most 6 decimals',
  (value) => typeof value === 'number' && isPrice(value),
];
const COUNT: Check = ['a whole number from 0', (value) => isWhole(value, 0)];

const SETTINGS: Readonly<Record<keyof BillingSettings, true>> = {
  prices: true,
  balance: true,
  currency: true,
  cache: true,
};

const OPTIONAL_FIGURE: Check = [FIGURE[0], (value) => value === undefined || FIGURE[1](value)];

const PRICE: Readonly<Record<keyof Price, Check>> = {
  model: [`one of ${PRICED_MODELS.join(', ')}`, (value) => PRICED_MODELS.some((known) => known === value)],
  currency: CURRENCY,
  cachedInput: FIGURE,
  input: FIGURE,
  output: FIGURE,
  cacheWrite1h: OPTIONAL_FIGURE,
  since: ['a day such as 2026-01-31', isDay],
  source: ['a text', (value) => typeof value === 'string' && value !== ''],
};

const CACHE: Readonly<Record<keyof CacheRules, Check>> = {
  blockTokens: ['a whole number from 1', (value) => isWhole(value, 1)],
  minPromptTokens: COUNT,
  wholePrompts: ['true or false', (value) => typeof value === 'boolean'],
  ttlMs: COUNT,
  maxEntries: COUNT,
};

/**
 * Rejects settings that would make every chat fail, or would silently do nothing.
 * @throws TypeError for an unknown name, RangeError for a value; each names the option, in one line
 */
export function checkBilling(billing: BillingSettings): void {
  requireObject('billing', billing, SETTINGS);
  const { prices, balance, currency, cache } = billing;
  if (currency !== undefined) check('billing.currency', currency, CURRENCY);
  if (balance !== undefined) {
    const amount = amountOf(balance);
    if (!amount) refuseOption('billing.balance', 'an amount such as 10USD or 72.5CNY', balance);
    if (currency !== undefined && currency !== amount.currency)
      refuseOption('billing.currency', `${amount.currency}, that of the balance`, currency);
  }
  if (prices !== undefined) checkPrices(prices);
  if (cache === undefined) return;
  requireObject('billing.cache', cache, CACHE);
  for (const [name, value] of Object.entries(cache)) {
    check(`billing.cache.${name}`, value, CACHE[name as keyof CacheRules]);
  }
}

function checkPrices(prices: readonly Price[]): void {
  if (!Array.isArray(prices)) refuseOption('billing.prices', 'a list of prices', prices);
  const seen = new Map<string, string>();
  for (const [index, row] of (prices as readonly Price[]).entries()) {
    const path = `billing.prices[${index}]`;
    requireObject(path, row, PRICE);
    for (const [name, wanted] of Object.entries(PRICE)) check(`${path}.${name}`, row[name as keyof Price], wanted);
    const place = `${pricedAs(row.model)} ${row.currency} ${row.since}`;
    const before = seen.get(place);
    if (before !== undefined) refuseOption(path, `a different model, currency or day from ${before}`, row);
    seen.set(place, path);
  }
}

function requireObject(path: string, value: unknown, names: object): void {
  const known = Object.keys(names);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuseOption(path, `an object of ${known.join(', ')}`, value);
  checkNames(value, known, `${path}.`);
}

function check(path: string, value: unknown, [wanted, fits]: Check): void {
  if (!fits(value)) refuseOption(path, wanted, value);
}

function amountOf(balance: string | Amount): Amount | undefined {
  if (typeof balance !== 'string') return isAmount(balance) ? balance : undefined;
  try {
    return parseAmount(balance);
  } catch {
    return undefined;
  }
}

function isAmount(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { money, currency } = value as Partial<Amount>;
  return typeof money === 'bigint' && CURRENCIES.some((known) => known === currency);
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && Number(value) >= least;
}

function isDay(value: unknown): boolean {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}
