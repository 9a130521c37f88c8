import { expect, test } from 'vitest';
import { ApiError } from '../../emulator/api-error.ts';
import { Balance, Billing } from '../../emulator/billing/billing.ts';
import { parseAmount } from '../../emulator/billing/ledger.ts';
import { holderOf } from '../../emulator/ids.ts';
import { message } from './prompts.ts';

function budget(amount: string) {
  const billing = new Billing({ clock: { now: () => 0 }, windowTokens: 262_144, balance: parseAmount(amount) });
  const open = (account: string, name: string) =>
    billing.open({
      account,
      model: 'kimi-k2-0905',
      tools: { tools: [], tokens: 0 },
      window: [],
      written: [message(name, 997)],
      promptTokens: 1_000,
      maxTokens: 1_000,
    });
  return { balance: billing.balance, open, billing };
}

test('each account has a balance, reduced by the cost of its turns', () => {
  const { balance, open } = budget('0.01USD');
  open('a', 'one').settle(1_000);
  // (1,000 × 0.60 + 1,000 × 2.50) ÷ 10⁶ = 0.0031.
  expect(balance?.figures('a')).toEqual({ available_balance: 0.0069, voucher_balance: 0, cash_balance: 0.0069 });
  expect(balance?.figures('b').available_balance).toBe(0.01);
});

test('a turn may cost more than the balance; the next turn is refused with the live text', () => {
  const { balance, open } = budget('0.003');
  open('a', 'one').settle(1_000);
  expect(balance?.figures('a')).toEqual({ available_balance: 0, voucher_balance: 0, cash_balance: -0.0001 });
  const refused = () => open('a', 'two');
  expect(refused).toThrow(ApiError);
  expect(refused).toThrow(
    /^Your account org-[0-9a-f]{24}<ak-[0-9a-f]{20}> is suspended due to insufficient balance, please recharge your account or check your plan and billing details$/,
  );
  open('b', 'one').settle(1);
});

test('a balance of exactly 0 counts as spent', () => {
  const { open } = budget('0.0031');
  open('a', 'one').settle(1_000);
  expect(() => open('a', 'two')).toThrow('insufficient balance');
});

test('the ids in the quota_exceeded text belong to the account, and do not reveal its key', () => {
  expect(holderOf('a')).toBe(holderOf('a'));
  expect(holderOf('a')).not.toBe(holderOf('b'));
});

test('everything is billed in the currency of the balance, and a reset restores the balance', () => {
  const { balance, open, billing } = budget('1CNY');
  expect(billing.spend().currency).toBe('CNY');
  open('a', 'one').settle(0);
  // 1,000 × 4 ÷ 10⁶ = 0.004.
  expect(balance?.figures('a').available_balance).toBe(0.996);
  billing.reset();
  expect(balance?.figures('a').available_balance).toBe(1);
});

test('of more accounts than fit, the one charged longest ago starts again', () => {
  const balance = new Balance(10n, 2);
  for (const account of ['a', 'b', 'a', 'c']) balance.charge(account, 1n);
  expect(['a', 'b', 'c'].map((account) => balance.left(account))).toEqual([8n, 10n, 9n]);
});
