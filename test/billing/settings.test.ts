import { describe, expect, it } from 'vitest';
import { PRICES, type Price } from '../../contract/index.ts';
import { createEmulator, type EmulatorOptions } from '../../emulator/index.ts';
import { MODEL, startEmulator } from '../support/emulator.ts';

const ROW: Price = {
  model: 'kimi-k2-0905',
  currency: 'USD',
  cachedInput: 1,
  input: 1_000,
  output: 3_000,
  since: '2026-01-01',
  source: 'a test',
};
const prices = (change: object) => ({ prices: [{ ...ROW, ...change }] });

/** What is given wrong, as a caller without types might, and what the one line must say. */
const WRONG: [unknown, string][] = [
  ['10USD', 'option billing must be an object of prices, balance, currency, cache, not "10USD"'],
  [null, 'option billing must be an object'],
  [
    { balanse: '10USD' },
    'unknown option billing.balanse; did you mean billing.balance? options: prices, balance, currency, cache',
  ],
  [{ balance: 5 }, 'option billing.balance must be an amount such as 10USD or 72.5CNY, not 5'],
  [{ balance: '10 apples' }, 'option billing.balance must be an amount such as 10USD or 72.5CNY, not "10 apples"'],
  [{ balance: { money: 5n } }, 'option billing.balance must be an amount such as 10USD or 72.5CNY, not {"money":"5n"}'],
  [{ balance: { money: 5, currency: 'USD' } }, 'option billing.balance'],
  [{ currency: 'EUR' }, 'option billing.currency must be one of USD, CNY, not "EUR"'],
  [{ balance: '10USD', currency: 'CNY' }, 'option billing.currency must be USD, that of the balance, not "CNY"'],
  [{ prices: ROW }, 'option billing.prices must be a list of prices'],
  [{ prices: ['free'] }, 'option billing.prices[0] must be an object of model, currency, cachedInput, input'],
  [
    prices({ cached_input: 1 }),
    'unknown option billing.prices[0].cached_input; did you mean billing.prices[0].cachedInput? options: model, currency, cachedInput',
  ],
  [prices({ model: 'kimi-k2-905' }), 'option billing.prices[0].model must be one of kimi-k2-0905-preview, kimi-k2'],
  [prices({ currency: 'EUR' }), 'option billing.prices[0].currency must be one of USD, CNY'],
  [prices({ input: '1' }), 'option billing.prices[0].input must be a price per million tokens with at most 6 decimals'],
  [prices({ output: -1 }), 'option billing.prices[0].output must be a price per million tokens'],
  [prices({ cachedInput: undefined }), 'option billing.prices[0].cachedInput must be a price per million tokens'],
  [prices({ since: '2026-13-01' }), 'option billing.prices[0].since must be a day such as 2026-01-31'],
  [prices({ source: '' }), 'option billing.prices[0].source must be a text, not ""'],
  [
    { prices: [ROW, { ...ROW, model: 'kimi-k2-0905-preview' }] },
    'option billing.prices[1] must be a different model, currency or day from billing.prices[0]',
  ],
  [
    { cache: { ttl: 1 } },
    'unknown option billing.cache.ttl; did you mean billing.cache.ttlMs? options: blockTokens, minPromptTokens, wholePrompts',
  ],
  [{ cache: { blockTokens: 0 } }, 'option billing.cache.blockTokens must be a whole number from 1, not 0'],
  [{ cache: { ttlMs: '5m' } }, 'option billing.cache.ttlMs must be a whole number from 0, not "5m"'],
  [{ cache: { wholePrompts: 1 } }, 'option billing.cache.wholePrompts must be true or false, not 1'],
];

describe('an emulator made with a wrong billing', () => {
  it.each(WRONG)('%o is refused in one line', (billing, said) => {
    const create = () => createEmulator({ billing } as EmulatorOptions);
    expect(create).toThrow(said);
    expect(create).toThrow(/^[^\n]+$/);
  });
});

describe('an emulator made with a right billing', () => {
  const ask = { model: MODEL, max_tokens: 16, messages: [{ role: 'user', content: 'hello' }] };
  const cash = { available_balance: 72.5, voucher_balance: 0, cash_balance: 72.5 };

  it('has a balance that was written as on the command line', async () => {
    const api = await startEmulator('in process', { billing: { balance: '72.5CNY', currency: 'CNY' } });
    expect((await api.get<{ data: object }>('/v1/users/me/balance')).body.data).toEqual(cash);
    expect((await api.emulator.spend()).currency).toBe('CNY');
  });

  it('bills at its own prices, and caches by its own rules', async () => {
    const cache = { wholePrompts: false, blockTokens: 1, minPromptTokens: 0, ttlMs: 1, maxEntries: 0 };
    const api = await startEmulator('in process', { billing: { prices: [ROW], cache } });
    await api.post('/v1/chat/completions', ask);
    await api.post('/v1/chat/completions', ask);
    const { total, prices: billed } = await api.emulator.spend();
    expect(billed).toMatchObject([{ cached_input: 1, input: 1_000, output: 3_000 }]);
    expect(total).toMatchObject({ turns: 2, cached_tokens: 0 });
  });

  it('takes the built-in table as it is exported', async () => {
    const api = await startEmulator('in process', { billing: { prices: PRICES } });
    await api.post('/v1/chat/completions', ask);
    expect((await api.emulator.spend()).prices).toMatchObject([{ input: 0.6 }]);
  });
});
