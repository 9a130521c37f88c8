import { describe, expect, it, vi } from 'vitest';
import { type Api, MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';
import { failing, HeldModel } from '../support/held-model.ts';
import { MovableClock, O200K } from '../support/session.ts';

async function start(transport: Transport) {
  const model = new HeldModel();
  const clock = new MovableClock();
  const api = await startEmulator(transport, { rateTier: 0, clock, tokenizer: O200K, model });
  return { api, model };
}

function open(api: Api, more: object = {}, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'a' }], ...more });
  return api.open('POST', '/v1/chat/completions', body, {
    headers: { 'Content-Type': 'application/json' },
    ...(signal && { signal }),
  });
}

/** Whether another request is let in. */
async function isFree(api: Api): Promise<boolean> {
  const response = await open(api, { max_tokens: 300_000 });
  const { error } = (await response.json()) as { error: { message: string } };
  if (response.status === 400) return true;
  expect(error.message).toMatch(
    /^Your account org-\w{24}<ak-\w{20}> request reached max organization concurrency: 1, please try again after 1 seconds$/,
  );
  expect(response.headers.get('retry-after')).toBe('1');
  return false;
}

describe.each(TRANSPORTS)('one answer at a time, %s', (transport) => {
  it('until it has been given', async () => {
    const { api, model } = await start(transport);
    const first = open(api);
    const asked = await model.asked();
    expect(await isFree(api)).toBe(false);
    asked.say('yes');
    asked.end();
    await (await first).text();
    expect(await isFree(api)).toBe(true);
  });

  it('until the end of a stream has been read', async () => {
    const { api, model } = await start(transport);
    const first = open(api, { stream: true });
    const asked = await model.asked();
    asked.say('yes');
    const response = await first;
    expect(await isFree(api)).toBe(false);
    asked.end();
    await response.text();
    expect(await isFree(api)).toBe(true);
  });

  it('until the client gives it up', async () => {
    const { api, model } = await start(transport);
    const abort = new AbortController();
    const first = open(api, {}, abort.signal);
    await model.asked();
    expect(await isFree(api)).toBe(false);
    abort.abort();
    await expect(first).rejects.toThrow();
    await vi.waitUntil(() => isFree(api));
  });

  it('until the client leaves a stream', async () => {
    const { api, model } = await start(transport);
    const first = open(api, { stream: true });
    (await model.asked()).say('yes');
    const { body } = await first;
    expect(await isFree(api)).toBe(false);
    await body?.cancel();
    await vi.waitUntil(() => isFree(api));
  });

  it('until it fails', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const model = failing(new Error('no engine'));
    const api = await startEmulator(transport, { rateTier: 0, clock: new MovableClock(), tokenizer: O200K, model });
    expect((await open(api)).status).toBe(500);
    expect(await isFree(api)).toBe(true);
    logged.mockRestore();
  });

  it('until a fault drops it', async () => {
    const { api } = await start(transport);
    const hang = api.emulator.faults.add({ effect: 'hang' });
    api.emulator.faults.add({ effect: 'reset' });
    const first = open(api);
    await vi.waitUntil(() => hang.remaining === 0);
    expect(await isFree(api)).toBe(false);
    hang.remove();
    await expect(first).rejects.toThrow('fetch failed');
    expect(await isFree(api)).toBe(true);
  });
});

describe.each(TRANSPORTS)('fifty answers at a time, %s', (transport) => {
  it('and not one more', async () => {
    const model = new HeldModel();
    const api = await startEmulator(transport, { rateTier: 1, clock: new MovableClock(), tokenizer: O200K, model });
    const running: Promise<Response>[] = [];
    const asked: Awaited<ReturnType<HeldModel['asked']>>[] = [];
    for (let request = 1; request <= 50; request += 1) {
      running.push(open(api));
      asked.push(await model.asked());
    }
    const refused = await open(api);
    expect([refused.status, await refused.text()]).toEqual([
      429,
      expect.stringContaining('max organization concurrency: 50,'),
    ]);
    for (const held of asked) held.end();
    for (const response of await Promise.all(running)) expect(response.status).toBe(200);
  });
});
