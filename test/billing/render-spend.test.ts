import { expect, test } from 'vitest';
import { Ledger } from '../../emulator/billing/ledger.ts';
import { PriceTable } from '../../emulator/billing/price-table.ts';
import { renderSpend } from '../../emulator/billing/render-spend.ts';
import { spendOf } from '../../emulator/billing/spend.ts';

const QUESTION = { currency: 'USD', windowTokens: 262_144 } as const;

function ledgerWith(stateless: { promptTokens: number; cachedTokens: number } | undefined): Ledger {
  const rates = new PriceTable().of('kimi-k2-0905', 'USD', 0);
  if (!rates) throw new Error('there is no price');
  const ledger = new Ledger();
  const use = { account: 'a', session: 'sess_1', rates, promptTokens: 10_000, cachedTokens: 7_936, outputTokens: 500 };
  ledger.record({ ...use, stateless });
  return ledger;
}

test('every figure is shown with how it came about', () => {
  const lines = renderSpend(spendOf(ledgerWith({ promptTokens: 40_000, cachedTokens: 29_952 }), QUESTION));
  expect(lines.slice(0, 7)).toEqual([
    'In total: 0.003679 USD for 1 turn; stateless 0.025250 without cache, 0.011772 with it',
    expect.stringMatching(
      /^ {2}kimi-k2-0905-preview: 0\.15 cached input, 0\.6 input, 2\.5 output USD per million tokens \(since /,
    ),
    '  as it was, 1 turn: (2,064 × 0.6 + 7,936 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.003679 USD',
    '  stateless without cache, 1 turn: (40,000 × 0.6 + 0 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.025250 USD',
    '  stateless with cache, 1 turn: (10,048 × 0.6 + 29,952 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.011772 USD',
    '  saved against stateless without cache: 0.025250 − 0.003679 = 0.021571 USD (85.4 %)',
    '  saved against stateless with cache: 0.011772 − 0.003679 = 0.008093 USD (68.7 %)',
  ]);
  expect(lines[8]).toMatch(/^sess_1: 0\.003679 USD for 1 turn; /);
});

test('a session that cost more is told as plainly', () => {
  const lines = renderSpend(spendOf(ledgerWith({ promptTokens: 10_000, cachedTokens: 9_984 }), QUESTION));
  // (16 × 0.60 + 9,984 × 0.15 + 500 × 2.50) ÷ 10⁶ = 0.0027572; 0.0027572 − 0.0036788 = −0.0009216, 33.4 % more.
  expect(lines).toContain('  saved against stateless with cache: 0.002757 − 0.003679 = -0.000922 USD (-33.4 %)');
});

test('turns that only a session could take are told apart', () => {
  const lines = renderSpend(spendOf(ledgerWith(undefined), QUESTION));
  expect(lines[0]).toMatch(/^In total: 0\.003679 USD for 1 turn; .* for 0 of them$/);
  expect(lines).toContain('  1 turn left out of what follows: the uncut history no longer fitted 262,144 tokens');
});

test('nothing is said to be nothing', () => {
  expect(renderSpend(spendOf(new Ledger(), QUESTION))).toEqual(['Nothing has been spent.']);
});
