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

/** Cached tokens of a second request behind a first. */
async function cachedBehind(transport: (typeof TRANSPORTS)[number], first: object, second: object): Promise<number> {
  const api = await startEmulator(transport, { tokenizer: O200K, model });
  const ask = async (body: object): Promise<ChatCompletion['usage']> => {
    const messages = [{ role: 'user', content: words(1_000) }];
    const reply = await api.post<ChatCompletion>('/v1/chat/completions', { model: 'kimi-k3', messages, ...body });
    expect(reply.status, reply.text).toBe(200);
    return reply.body.usage;
  };
  await ask(first);
  return (await ask(second)).cached_tokens ?? 0;
}

const effort = (level: string) => ({ reasoning_effort: level });
const look = { type: 'function', function: { name: 'look_up', parameters: { type: 'object', properties: {} } } };
const recalled = (reasoning_content: string) => ({
  messages: [
    { role: 'user', content: words(300) },
    { role: 'assistant', content: words(700), reasoning_content },
    { role: 'user', content: 'And then?' },
  ],
});
const brought = (name: string) => ({
  messages: [
    { role: 'system', tools: [{ ...look, function: { ...look.function, name } }] },
    { role: 'user', content: words(1_000) },
  ],
});

// Kimi API documentation, 2026-08: a changed effort voids the prefix cache, a changed tool_choice or response_format does not;
// the reasoning of the history is part of the prompt of kimi-k3. A model has a cache of its own.
describe.each(TRANSPORTS)('the cached prefix %s', (transport) => {
  it.each([
    ['another effort', effort('low'), effort('high'), 0],
    ['the effort that is the default', effort('max'), {}, 1_000],
    ['thinking instead of none', OFF, {}, 0],
    ['another model', {}, { model: 'kimi-k3.1-pro' }, 0],
    ['another model with the same template', { model: 'kimi-k2.6' }, { model: 'kimi-k2.5' }, 0],
    ['the same model by its other name', { model: 'kimi-k2-0905' }, { model: 'kimi-k2-0905-preview' }, 1_000],
    ['no thinking on a model that is not told the effort', { model: 'kimi-k2.6' }, { model: 'kimi-k2.6', ...OFF }, 768],
    ['another tool_choice', { tools: [look] }, { tools: [look], tool_choice: 'required' }, 768],
    ['another response_format', {}, { response_format: { type: 'json_object' } }, 768],
    ['another reasoning in the history', recalled('I look at it.'), recalled('I ask for it.'), 256],
    ['the same reasoning in the history', recalled('I look at it.'), recalled('I look at it.'), 1_000],
    [
      'a reasoning that the prompt drops',
      { model: 'kimi-k2.6', ...recalled('a') },
      { model: 'kimi-k2.6', ...recalled('b c') },
      1_000,
    ],
    ['other tools in a system message', brought('look_up'), brought('look_at'), 0],
  ])('behind a request that differs by %s is as documented', async (_, first, second, least) => {
    const cached = await cachedBehind(transport, first, second);
    if (least === 0) expect(cached).toBe(0);
    else expect(cached).toBeGreaterThanOrEqual(least);
    if (least < 1_000) expect(cached).toBeLessThanOrEqual(least + 256);
  });
});
