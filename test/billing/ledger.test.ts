import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ledgers, PriceTable, type TurnUsage } from '../../emulator/billing/ledger.ts';
import { spendOf } from '../../emulator/billing/spend.ts';
import { runs } from '../support/runs.ts';

const QUESTION = { currency: 'USD', windowTokens: 262_144 } as const;
const table = new PriceTable();
const PRICES = ['kimi-k2-0905', 'kimi-k3'].map((model) => {
  const prices = table.find(model, 'USD', 0);
  if (!prices) throw new Error(`${model} has no price`);
  return prices;
});

const arbitraryUse: fc.Arbitrary<TurnUsage> = fc
  .record({
    account: fc.constantFrom('a', 'b'),
    session: fc.constantFrom('1', '2', undefined),
    prices: fc.constantFrom(...PRICES),
    promptTokens: fc.nat(262_144),
    cachedShare: fc.nat(100),
    outputTokens: fc.nat(4_000),
    isLongWrite: fc.boolean(),
    uncutTokens: fc.option(fc.nat(100_000), { nil: undefined }),
  })
  .map(({ account, session, cachedShare, uncutTokens, ...use }) => ({
    ...use,
    account,
    at: 0,
    session: session && `${account}${session}`,
    cachedTokens: Math.floor((use.promptTokens * cachedShare) / 100),
    stateless:
      uncutTokens === undefined
        ? undefined
        : { promptTokens: use.promptTokens + uncutTokens, cachedTokens: uncutTokens },
  }));

test('the figures of a ledger add up, and a saving is the difference of the figures shown', () => {
  fc.assert(
    fc.property(fc.array(arbitraryUse, { maxLength: 40 }), (uses) => {
      const ledger = new Ledgers();
      for (const use of uses) ledger.record(use);
      const { total, accounts, sessions } = spendOf(ledger, QUESTION);
      const sum = (parts: { turns: number; cost: number }[], key: 'turns' | 'cost') =>
        parts.reduce((all, part) => all + part[key], 0);
      expect(total.turns).toBe(uses.length);
      expect(sum(accounts, 'turns')).toBe(uses.length);
      expect(sum(sessions, 'turns')).toBe(uses.filter(({ session }) => session !== undefined).length);
      expect(sum(accounts, 'cost')).toBeCloseTo(total.cost, 5);
      expect(total.input_tokens + total.cached_tokens + total.cache_write_1h_tokens).toBe(
        uses.reduce((all, { promptTokens }) => all + promptTokens, 0),
      );
      const { own_cost, cost_with_cache, cost_without_cache, saved_with_cache, turns, turns_beyond_window } =
        total.stateless;
      expect(saved_with_cache).toBeCloseTo(cost_with_cache - own_cost, 5);
      expect(cost_with_cache).toBeLessThanOrEqual(cost_without_cache);
      expect(turns + turns_beyond_window).toBe(total.turns);
    }),
    { numRuns: runs(100) },
  );
});

test('the ledger of any number of sessions is bounded in memory, and its total is exact', () => {
  const ledger = new Ledgers();
  const [prices] = PRICES;
  if (!prices) throw new Error('there is no price');
  const use = {
    account: 'a',
    prices,
    promptTokens: 10,
    at: 0,
    cachedTokens: 0,
    outputTokens: 1,
    isLongWrite: false,
    stateless: undefined,
  };
  for (let number = 0; number < 5_000; number += 1) ledger.record({ ...use, session: `s${number}` });
  const sessions = ledger.sessions();
  expect(sessions).toHaveLength(4_096);
  expect(sessions.at(-1)?.session).toBe('s4999');
  expect(spendOf(ledger, QUESTION).total.turns).toBe(5_000);
});
