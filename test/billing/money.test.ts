import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moneyNumber, parseAmount, perToken, showMoney } from '../../emulator/billing/ledger.ts';

test('what a million tokens cost is exactly their price', () => {
  // 0.15 of a unit for 1,000,000 tokens is 0.15 × 10¹² ÷ 10⁶ = 150,000 × 10⁻¹² of it for one.
  expect(perToken(0.15)).toBe(150_000n);
  expect(showMoney(1_000_000n * perToken(2.5))).toBe('2.500000');
});

test('money is rounded half up when shown, and only then', () => {
  expect(showMoney(1_499_999n)).toBe('0.000001');
  expect(showMoney(1_500_000n)).toBe('0.000002');
  expect(showMoney(-1_500_000n)).toBe('-0.000002');
  expect(showMoney(-1n)).toBe('0.000000');
  expect(moneyNumber(49_588_940_000_000n, 5)).toBe(49.58894);
});

test('a sum of many small charges does not drift', () => {
  const price = perToken(0.1);
  let sum = 0n;
  for (let turn = 0; turn < 10_000; turn += 1) sum += 7n * price;
  // 70,000 tokens at 0.10 for a million: 0.007.
  expect(showMoney(sum)).toBe('0.007000');
});

test('parses an amount of money with and without a currency', () => {
  expect(parseAmount('10')).toEqual({ money: 10n ** 13n, currency: 'USD' });
  expect(parseAmount('72.5CNY')).toEqual({ money: 725n * 10n ** 11n, currency: 'CNY' });
  expect(parseAmount(' 0.000001 usd')).toEqual({ money: 1_000_000n, currency: 'USD' });
});

test.each(['', '-1', '1e3', '10EUR', '1.1234567', 'USD', '10 000'])('rejects the amount of money %j', (text) => {
  expect(() => parseAmount(text)).toThrow(
    /is not an amount: write a number with at most 6 decimals, followed by USD or CNY$/,
  );
});

test('a parsed amount of money is shown as it was written', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999_999), (whole, fraction) => {
      const text = `${whole}.${String(fraction).padStart(6, '0')}`;
      expect(showMoney(parseAmount(text).money)).toBe(text);
    }),
  );
});
