import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ledgers, PriceTable } from '../../emulator/billing/ledger.ts';
import { renderSpend, spendOf } from '../../emulator/billing/spend.ts';

const QUESTION = { currency: 'USD', windowTokens: 262_144 } as const;

function ledgerWith(stateless: { promptTokens: number; cachedTokens: number } | undefined): Ledgers {
  const prices = new PriceTable().find('kimi-k2-0905', 'USD', 0);
  if (!prices) throw new Error('there is no price');
  const ledger = new Ledgers();
  const use = {
    account: 'a',
    at: 0,
    session: 'sess_1',
    prices,
    promptTokens: 10_000,
    cachedTokens: 7_936,
    outputTokens: 500,
  };
  ledger.record({ ...use, isLongWrite: false, stateless });
  return ledger;
}

test('spend shows how each figure is calculated', () => {
  const lines = renderSpend(spendOf(ledgerWith({ promptTokens: 40_000, cachedTokens: 29_952 }), QUESTION));
  expect(lines.slice(0, 7)).toEqual([
    'In total: 0.0036788 USD for 1 turn; stateless 0.025250 without cache, 0.0117716 with it',
    expect.stringMatching(
      /^ {2}kimi-k2-0905-preview: 0\.15 cached input, 0\.6 input, 2\.5 output USD per million tokens \(since /,
    ),
    '  as it was, 1 turn: (2,064 × 0.6 + 7,936 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.0036788 USD',
    '  stateless without cache, 1 turn: (40,000 × 0.6 + 0 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.025250 USD',
    '  stateless with cache, 1 turn: (10,048 × 0.6 + 29,952 × 0.15 + 500 × 2.5) ÷ 1,000,000 = 0.0117716 USD',
    '  saved against stateless without cache: 0.025250 − 0.0036788 = 0.0215712 USD (85.4 %)',
    '  saved against stateless with cache: 0.0117716 − 0.0036788 = 0.0080928 USD (68.7 %)',
  ]);
  expect(lines[8]).toMatch(/^sess_1: 0\.0036788 USD for 1 turn; /);
});

test('spend says when a session cost more than without sessions', () => {
  const lines = renderSpend(spendOf(ledgerWith({ promptTokens: 10_000, cachedTokens: 9_984 }), QUESTION));
  // (16 × 0.60 + 9,984 × 0.15 + 500 × 2.50) ÷ 10⁶ = 0.0027572; 0.0027572 − 0.0036788 = −0.0009216, 33.4 % more.
  expect(lines).toContain('  saved against stateless with cache: 0.0027572 − 0.0036788 = -0.0009216 USD (-33.4 %)');
});

/** A figure as a whole number of 10⁻¹², as one works it out by hand: in decimals. */
function decimal(text: string): bigint {
  const [whole = '', fraction = ''] = text.replaceAll(',', '').split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

/** What of the lines does not come out at the digits shown. */
function wrongSums(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    const [, sum = '', product = ''] = /: \((.+)\) ÷ 1,000,000 = (\S+) /.exec(line) ?? [];
    const terms = sum.split(' + ').filter((term) => term !== '');
    const added = terms.reduce((total, term) => {
      const [tokens = '', price = ''] = term.split(' × ');
      return total + (BigInt(tokens.replaceAll(',', '')) * decimal(price)) / 1_000_000n;
    }, 0n);
    const [, other = '', own = '', saved = ''] = /: (\S+) − (\S+) = (\S+) /.exec(line) ?? [];
    return decimal(product) !== added || decimal(other) - decimal(own) !== decimal(saved);
  });
}

test('the sums of spend are exact at the digits shown, and sessions add up to the total', () => {
  const tokens = fc.integer({ min: 0, max: 262_144 });
  const price = fc.integer({ min: 0, max: 9_999_999 }).map((figure) => figure / 1_000);
  const turn = fc.record({ session: fc.constantFrom('a', 'b', 'c'), prompt: tokens, cached: tokens, output: tokens });
  const prices = fc.record({ cachedInput: price, input: price, output: price });
  fc.assert(
    fc.property(prices, fc.array(turn, { minLength: 1, maxLength: 8 }), (figures, turns) => {
      const row = {
        model: 'kimi-k2-0905',
        currency: 'USD',
        since: '2026-01-01',
        source: 'a test',
        ...figures,
      } as const;
      const prices = new PriceTable([row]).find(row.model, 'USD', 0);
      if (!prices) throw new Error('there is no price');
      const ledger = new Ledgers();
      for (const { session, prompt, cached, output } of turns) {
        const use = { promptTokens: prompt, cachedTokens: Math.min(prompt, cached), outputTokens: output };
        const stateless = { promptTokens: prompt * 2, cachedTokens: Math.min(prompt, cached) };
        ledger.record({ account: 'x', at: 0, session, prices, ...use, isLongWrite: false, stateless });
      }
      const spend = spendOf(ledger, QUESTION);
      expect(wrongSums(renderSpend(spend))).toEqual([]);
      const headlines = renderSpend(spend).flatMap(
        (line) => /^(?:In total|[abc]): (\S+) USD for/.exec(line)?.[1] ?? [],
      );
      const [total = '', ...sessions] = headlines;
      expect(sessions.reduce((sum, cost) => sum + decimal(cost), 0n)).toBe(decimal(total));
    }),
  );
});

test('spend lists turns separately whose history exceeds the window', () => {
  const lines = renderSpend(spendOf(ledgerWith(undefined), QUESTION));
  expect(lines[0]).toMatch(/^In total: 0\.0036788 USD for 1 turn; .* for 0 of them$/);
  expect(lines).toContain('  1 turn left out below: the uncut history no longer fitted 262,144 tokens');
});

test('spend says when nothing was billed', () => {
  expect(renderSpend(spendOf(new Ledgers(), QUESTION))).toEqual(['Nothing has been spent.']);
});
