import { CURRENCIES, type Currency } from '../../contract/prices.ts';

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
