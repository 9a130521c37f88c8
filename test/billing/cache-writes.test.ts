import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { Model } from '../../emulator/index.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { MovableClock, O200K, words } from '../support/session.ts';

/** Answers of a size that is known: without thinking, ten tokens of text and the markup of kimi-k3. */
const model: Model = {
  name: 'ten',
  async *complete() {
    yield { type: 'text', text: words(10) };
  },
};

async function ask(api: Api, name: string, more: object): Promise<ChatCompletion['usage']> {
  const messages = [{ role: 'user', content: words(1_000) }];
  const { body } = await api.post<ChatCompletion>('/v1/chat/completions', { model: name, messages, ...more });
  return body.usage;
}

const OFF = { thinking: { type: 'disabled' } };
const HOUR = { ...OFF, prompt_cache_options: { ttl: '1h' } };

// Kimi API documentation, context caching, 2026-10: per million tokens 0.30 read, 3.00 written for five minutes, as any
// input, 6.00 written for an hour; 15 of output.
describe.each(TRANSPORTS)('the cache of kimi-k3 %s', (transport) => {
  it('charges twice the input price for a prompt that is kept an hour, and the price of a hit while it is', async () => {
    const clock = new MovableClock();
    const api = await startEmulator(transport, { tokenizer: O200K, model, clock });
    const first = await ask(api, 'kimi-k3', HOUR);
    const { prompt_tokens: prompt, completion_tokens: output } = first;
    expect(first.prompt_tokens_details).toEqual({ cache_write_tokens: prompt });
    clock.passSeconds(3_500);
    const second = await ask(api, 'kimi-k3', HOUR);
    expect(second.prompt_tokens_details).toEqual({ cached_tokens: prompt });
    clock.passSeconds(3_500);
    expect((await ask(api, 'kimi-k3', HOUR)).cached_tokens).toBe(prompt);
    const { total } = await api.emulator.spend();
    expect(total).toMatchObject({ input_tokens: 0, cached_tokens: 2 * prompt, cache_write_1h_tokens: prompt });
    expect(total.cost).toBeCloseTo((6 * prompt + 2 * 0.3 * prompt + 3 * 15 * output) / 1e6, 12);
    expect(total.arithmetic.join('\n')).toContain(`${prompt.toLocaleString('en-US')} × 6 `);
  });

  it('charges the input price for a prompt that is kept five minutes, and again once they are over', async () => {
    const clock = new MovableClock();
    const api = await startEmulator(transport, { tokenizer: O200K, model, clock });
    const { prompt_tokens: prompt, completion_tokens: output } = await ask(api, 'kimi-k3', OFF);
    clock.passSeconds(301);
    const again = await ask(api, 'kimi-k3', { ...OFF, prompt_cache_options: { ttl: '5m' } });
    expect(again.prompt_tokens_details).toEqual({ cache_write_tokens: prompt });
    const { total } = await api.emulator.spend();
    expect(total).toMatchObject({ input_tokens: 2 * prompt, cached_tokens: 0, cache_write_1h_tokens: 0 });
    expect(total.cost).toBeCloseTo((2 * 3 * prompt + 2 * 15 * output) / 1e6, 12);
  });

  it('of another model knows no price for an hour: it keeps a prompt five minutes and names no writes', async () => {
    const clock = new MovableClock();
    const api = await startEmulator(transport, { tokenizer: O200K, model, clock });
    expect(await ask(api, 'kimi-k2.6', HOUR)).not.toHaveProperty('prompt_tokens_details');
    clock.passSeconds(301);
    expect(await ask(api, 'kimi-k2.6', HOUR)).not.toHaveProperty('cached_tokens');
  });

  it.each([
    ['kimi-k3.1-pro', 2, 10],
    ['kimi-k3.1-pro-highspeed', 4, 20],
  ])('charges %s its own prices: %d for input, %d for output', async (name, input, output) => {
    const api = await startEmulator(transport, { tokenizer: O200K, model });
    const usage = await ask(api, name, OFF);
    const { total } = await api.emulator.spend();
    expect(total.cost).toBeCloseTo((input * usage.prompt_tokens + output * usage.completion_tokens) / 1e6, 12);
  });
});
