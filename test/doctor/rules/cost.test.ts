import { describe, expect, it } from 'vitest';
import type { Price } from '../../../contract/prices.ts';
import { readPrices } from '../../../emulator/billing/read-prices.ts';
import { diagnose } from '../../../emulator/doctor/diagnose.ts';
import type { JournalFile } from '../../../emulator/journal/journal-file.ts';
import { MODEL, startEmulator } from '../../support/emulator.ts';
import { createSession, MovableClock } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

function costOf(file: JournalFile) {
  return diagnose(file).find(({ rule }) => rule === 'cost') ?? expect.fail('no cost');
}

describe('cost', () => {
  it('by hand: 1,000 turns of 1,000,000 tokens in an hour', async () => {
    const api = await startEmulator('in process');
    await chat(api, { max_tokens: 5 });
    const { body: file } = await api.get<JournalFile>('/_emulator/journal');
    const [entry] = file.entries;
    const turn = entry?.facts.turn ?? expect.fail('no turn');
    const usage = {
      prompt_tokens: 900_000,
      completion_tokens: 100_000,
      total_tokens: 1_000_000,
      cached_tokens: 400_000,
    };
    const at = Date.UTC(2026, 0, 1);
    const entries = Array.from({ length: 10 }, (_, place) => ({
      n: place + 1,
      at: at + (place * 1_800_000) / 9,
      method: 'POST',
      path: '/v1/chat/completions',
      status: 200,
      usage,
      facts: { turn: { ...turn, usage } },
    }));
    const found = diagnose({ ...file, entries }).find(({ rule }) => rule === 'cost');
    // A turn: 0.5 M x 0.60 + 0.4 M x 0.15 + 0.1 M x 2.50 = 0.61 USD; 0.5 x 4 + 0.4 x 1 + 0.1 x 16 = 4 CNY. Ten in half an hour.
    expect(found?.says).toBe(
      '10 turns in 1,800 s: 9,000,000 tokens of input, 4,000,000 tokens of it cached, 1,000,000 tokens of output: 6.100000 USD (12.20 an hour), 40.000000 CNY (80.00 an hour)',
    );
  });
  it('by the prices of the run, and in no other currency than theirs', async () => {
    const own = { cachedInput: 1, input: 1_000, output: 3_000, since: '2026-01-01', source: 'my contract' };
    const prices: Price[] = [{ ...own, model: 'kimi-k2-0905', currency: 'USD' }];
    const clock = new MovableClock();
    const api = await startEmulator('in process', { clock, billing: { prices } });
    await chat(api, { max_tokens: 5 });
    clock.passSeconds(360);
    await chat(api, { max_tokens: 5 }, 'Something else');
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    const found = costOf(body);
    const { total } = await api.emulator.spend();
    const each = total.input_tokens * 0.001 + total.cached_tokens * 1e-6 + total.output_tokens * 0.003;
    expect(found.says).toContain(`: ${each.toFixed(6)} USD (${(10 * each).toFixed(2)} an hour)`);
    expect(total.cost).toBeCloseTo(each, 9);
    expect(found.says).not.toContain('CNY');
    expect(found.details).toEqual([
      'kimi-k2-0905: 1 cached input, 1000 input, 3000 output USD per million tokens (since 2026-01-01; my contract)',
    ]);
    expect(readPrices(JSON.stringify(body.configuration.prices), 'journal.json')).toEqual(prices);
  });
  it('says which table an older journal is priced by, and of which day', async () => {
    const api = await startEmulator('in process');
    await chat(api, { max_tokens: 5 });
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    const { prices, ...configuration } = body.configuration;
    expect(prices?.map(({ currency }) => currency)).toEqual(['USD', 'CNY']);
    const older = costOf({ ...body, configuration });
    expect(older.details?.at(-1)).toMatch(
      /^the journal holds no prices; built-in prices of kimi-emulator \d\S+ are used, the newest from 2026-\d\d-\d\d$/,
    );
    expect(older).toEqual({ ...costOf(body), details: [...(costOf(body).details ?? []), older.details?.at(-1)] });
    expect(costOf(body).details).toHaveLength(2);
  });
  it('says what has no price', async () => {
    const api = await startEmulator('in process');
    await chat(api, { max_tokens: 5 });
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    const text = JSON.stringify({ ...body, configuration: { ...body.configuration, prices: [] } });
    const found = costOf(JSON.parse(text));
    expect(found.says).toMatch(/: no price of their models is known/);
    const mixed = JSON.parse(JSON.stringify(body)) as JournalFile;
    const other = JSON.parse(JSON.stringify(body.entries[0]).replaceAll(MODEL, 'kimi-next'));
    const both = costOf({ ...mixed, entries: [...mixed.entries, other] });
    expect(both.says).toMatch(/^2 turns .* USD/);
    expect(both.details).toContain('kimi-next: no price in USD is known; 1 turn counted as free');
  });
  it('says that what is not remembered is not counted', async () => {
    const api = await startEmulator('in process', { journal: { entries: 1 } });
    for (const content of ['one', 'two']) await chat(api, { max_tokens: 5 }, content);
    const found = costOf((await api.get<JournalFile>('/_emulator/journal')).body);
    expect(found.says).toMatch(/^1 turn /);
    expect(found.details?.at(-1)).toBe('1 request dropped from the journal and not counted');
  });
  it('counts no time that a reset takes back, and says where none passed', async () => {
    const found = await judged(
      'cost',
      async (api) => {
        for (const minutes of [20, 10]) {
          await chat(api, { max_tokens: 5 });
          api.emulator.clock.advance(60_000 * minutes);
          await chat(api, { max_tokens: 5 });
          api.emulator.state.reset();
        }
      },
      { seed: 1 },
    );
    expect(found.says).toMatch(/^4 turns in 1,800 s: /);
    const still = await judged('cost', (api) => chat(api), { seed: 1 });
    expect(still.says).toContain('no time passed on its clock, so there is no hourly figure');
  });
  it('is nothing without a turn', async () => {
    expect((await judged('cost', createSession)).says).toContain('no turn');
  });
});
