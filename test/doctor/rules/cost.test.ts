import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../emulator/doctor/diagnose.ts';
import { exportJournal } from '../../../emulator/journal/journal-file.ts';
import { startEmulator } from '../../support/emulator.ts';
import { createSession } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

describe('cost', () => {
  it('by hand: 1,000 turns of 1,000,000 tokens in an hour', async () => {
    const api = await startEmulator('in process');
    await chat(api, { max_tokens: 5 });
    const file = exportJournal({ ...api.emulator, journal: api.emulator.journal });
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
  it('counts no time that a reset takes back, and says where none passed', async () => {
    const found = await judged(
      'cost',
      async (api) => {
        for (const minutes of [20, 10]) {
          await chat(api, { max_tokens: 5 });
          api.emulator.clock.advance(60_000 * minutes);
          await chat(api, { max_tokens: 5 });
          api.emulator.reset();
        }
      },
      { seed: 1 },
    );
    expect(found.says).toMatch(/^4 turns in 1,800 s: /);
    const still = await judged('cost', (api) => chat(api), { seed: 1 });
    expect(still.says).toContain('no time passed on its clock, so that nothing is known of an hour');
  });
  it('is nothing without a turn', async () => {
    expect((await judged('cost', createSession)).says).toContain('no turn');
  });
});
