import { CURRENCIES, type Currency } from '../../contract/prices.ts';

/**
 * Money as a whole number of 10⁻¹² of a currency unit. A price of at most six decimals per million tokens is a whole number of
 * them for each token, so sums are exact.
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
 * The money that one token costs.
 * @param perMillion a price per million tokens
 * @throws RangeError where it is negative or has more than six decimals
 */
export function perToken(perMillion: number): Money {
  if (!isPrice(perMillion)) throw new RangeError(`${perMillion} is no price of at most ${PRICE_DECIMALS} decimals`);
  return BigInt(Math.round(perMillion * 10 ** PRICE_DECIMALS));
}

export function isPrice(perMillion: number): boolean {
  const scaled = perMillion * 10 ** PRICE_DECIMALS;
  return perMillion >= 0 && perMillion <= 1e6 && Math.abs(scaled - Math.round(scaled)) < 1e-3;
}

/**
 * An amount as it is written on the command line: `10`, `10USD`, `72.5CNY`. USD where no currency is named.
 * @throws RangeError in one line
 */
export function parseAmount(text: string): Amount {
  const [, figure, name] = AMOUNT.exec(text.trim()) ?? [];
  const currency = CURRENCIES.find((known) => known === (name ?? 'USD').toUpperCase());
  if (figure === undefined || currency === undefined) {
    throw new RangeError(
      `${JSON.stringify(text)} is no amount: write a number of at most 6 decimals, and ${CURRENCIES.join(' or ')} behind it`,
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

/** In full: six decimals, and as many more as it has, so that sums of what is shown come out. */
export function showInFull(money: Money): string {
  return showMoney(money, UNIT_DECIMALS).replace(/(\.\d{6}\d*?)0+$/, '$1');
}

/** As a number for JSON: in full, or rounded as it is shown. */
export function moneyNumber(money: Money, decimals = UNIT_DECIMALS): number {
  return Number(showMoney(money, decimals));
}
