import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PRICES } from '../../contract/index.ts';
import { parseAmount } from '../../emulator/billing/ledger.ts';
import { readPrices } from '../../emulator/billing/read-prices.ts';
import type { Spend } from '../../emulator/billing/spend.ts';
import { type Api, MODEL, readEvents, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, O200K } from '../support/session.ts';

const LONG = 'The agent reads a file and writes down what it has learned about it. '.repeat(60);

interface Answer {
  usage: { prompt_tokens: number; completion_tokens: number; cached_tokens?: number };
}

async function turn(api: Api, content: string, more: object = {}, key = 'sk-test'): Promise<Answer['usage']> {
  const request = { model: MODEL, max_tokens: 16, messages: [{ role: 'user', content }], ...more };
  return (await api.post<Answer>('/v1/chat/completions', request, { key })).body.usage;
}

describe.each(TRANSPORTS)('%s', (transport) => {
  it('a prompt that goes on from an earlier one is cached in blocks of 256 tokens, for its account only', async () => {
    const api = await startEmulator(transport);
    const first = { role: 'user', content: LONG };
    const more = [first, { role: 'assistant', content: 'Noted.' }, { role: 'user', content: 'Reply with only: next' }];
    const begin = await turn(api, '', { messages: [first] });
    expect(begin).not.toHaveProperty('cached_tokens');
    const next = await turn(api, '', { messages: more });
    expect(next.cached_tokens).toBeGreaterThan(256);
    expect((next.cached_tokens ?? 0) % 256).toBe(0);
    expect(next.cached_tokens).toBeLessThanOrEqual(begin.prompt_tokens);
    expect(await turn(api, '', { messages: more }, 'sk-other')).not.toHaveProperty('cached_tokens');
  });

  it('what is cached is forgotten in time, and at a reset', async () => {
    const api = await startEmulator(transport);
    await turn(api, LONG);
    expect(await turn(api, LONG)).toHaveProperty('cached_tokens');
    api.emulator.clock.advance(24 * 3_600_000);
    expect(await turn(api, LONG)).not.toHaveProperty('cached_tokens');
    api.emulator.state.reset();
    expect(await turn(api, LONG)).not.toHaveProperty('cached_tokens');
  });

  it('streamed, the finish chunk says it too; a replay says what was said', async () => {
    const api = await startEmulator(transport);
    await turn(api, LONG);
    const request = { model: MODEL, max_tokens: 16, stream: true, messages: [{ role: 'user', content: LONG }] };
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const usageOf = (text: string) => {
      const { choices } = readEvents(text).chunks.at(-1) as { choices: { usage: object }[] };
      return choices[0]?.usage;
    };
    const said = usageOf((await api.post('/v1/chat/completions', request, call)).text);
    expect(said).toHaveProperty('cached_tokens');
    const spent = (await api.get<Spend>('/_emulator/spend')).body.total.turns;
    expect(usageOf((await api.post('/v1/chat/completions', request, call)).text)).toEqual(said);
    expect((await api.get<Spend>('/_emulator/spend')).body.total.turns).toBe(spent);
  });

  it('a session is billed for its window, and a client without sessions for all that was ever written', async () => {
    const api = await startEmulator(transport);
    const { id } = (await api.post<{ id: string }>('/v1/sessions', { messages: [{ role: 'user', content: LONG }] }))
      .body;
    for (let write = 0; write < 8; write += 1) {
      await api.post(`/v1/sessions/${id}/messages`, { role: 'user', content: LONG });
    }
    await api.post(`/v1/sessions/${id}/truncate`, { preserve_len: 4_096 });
    const usage = await turn(api, 'Reply with only: fine', { session_id: id });
    const { body } = await api.get<Spend & { lines: string[] }>('/_emulator/spend');
    const [session] = body.sessions;
    expect(session).toMatchObject({ session_id: id, turns: 1, output_tokens: usage.completion_tokens });
    expect((session?.input_tokens ?? 0) + (session?.cached_tokens ?? 0)).toBe(usage.prompt_tokens);
    expect(session?.stateless.prompt_tokens).toBeGreaterThan(usage.prompt_tokens + 2_000);
    expect(session?.cost).toBeCloseTo((usage.prompt_tokens * 0.6 + usage.completion_tokens * 2.5) / 1_000_000, 6);
    expect(session?.stateless.saved_without_cache).toBeGreaterThan(0);
    expect(body.lines.join('\n')).toContain(id);
    expect(await api.emulator.spend('sk-test')).toEqual({ ...body, lines: undefined });
    expect((await api.emulator.spend('sk-other')).total.turns).toBe(0);
  });

  it('the prices that it shows are rows of a file of prices', async () => {
    const api = await startEmulator(transport);
    await turn(api, LONG);
    const { prices } = (await api.get<Spend>('/_emulator/spend')).body;
    expect(readPrices(JSON.stringify(prices), 'printed.json')).toEqual([
      PRICES.find(({ model, currency }) => model === 'kimi-k2-0905-preview' && currency === 'USD'),
    ]);
  });

  it('the balance goes down by what turns cost; when it is empty, the live refusal comes, and nothing is written', async () => {
    const api = await startEmulator(transport, { billing: { balance: parseAmount('0.001USD') } });
    const balance = async () =>
      (await api.get<{ data: { available_balance: number } }>('/v1/users/me/balance')).body.data.available_balance;
    const { id } = (await api.post<{ id: string }>('/v1/sessions')).body;
    const before = await balance();
    const usage = await turn(api, LONG);
    expect(before - (await balance())).toBeCloseTo(
      (usage.prompt_tokens * 0.6 + usage.completion_tokens * 2.5) / 1e6,
      5,
    );
    // The turn that overdraws is still answered; the next is not.
    await turn(api, `Again: ${LONG}`);
    const refused = await api.post<{ error: { type: string; message: string } }>('/v1/chat/completions', {
      model: MODEL,
      session_id: id,
      messages: [{ role: 'user', content: LONG }],
    });
    expect(refused.status).toBe(429);
    expect(refused.body.error.type).toBe('exceeded_current_quota_error');
    expect(refused.body.error.message).toMatch(
      /^Your account \S+<\S+> is suspended due to insufficient balance, please recharge your account or check your plan and billing details$/,
    );
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await api.get<{ usage: object }>(`/v1/sessions/${id}`)).body.usage).toMatchObject({ messages: 0 });
    expect(await balance()).toBeGreaterThanOrEqual(0);
  });

  it('a script answers before the model, awaited or not, and begins anew at a reset', async () => {
    const api = await startEmulator(transport);
    void api.emulator.script([{ name: 'greeting', when: { text: 'hello' }, reply: 'from the script', times: 1 }]);
    const ask = async () => {
      const request = { model: MODEL, messages: [{ role: 'user', content: 'hello' }] };
      const { body } = await api.post<{ choices: { message: { content: string } }[] }>('/v1/chat/completions', request);
      return body.choices[0]?.message.content;
    };
    expect(await ask()).toBe('from the script');
    expect(await ask()).not.toBe('from the script');
    api.emulator.state.reset();
    expect(await ask()).toBe('from the script');
    await expect(api.emulator.script([{ reply: 7 } as never])).rejects.toThrow(/reply/);
    expect(api.emulator.model.unused()).toEqual([]);
  });
});

it('a text that nobody sent before is not cached, also where it is stored in the place of one that is gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const api = await startEmulator('in process', { tokenizer: O200K });
  for (const letter of ['a', 'b', 'c']) {
    const session = await createSession(api, { messages: [{ role: 'user', content: ` ${letter}`.repeat(600) }] });
    const { body } = await session.chat<Answer>([{ role: 'user', content: 'Reply with only: ok' }]);
    expect(body.usage).not.toHaveProperty('cached_tokens');
    await api.delete(session.path);
    await vi.advanceTimersByTimeAsync(1_000);
  }
});
