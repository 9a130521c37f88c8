import { describe, expect, it, vi } from 'vitest';
import { createEmulator, type Emulator } from '../emulator/index.ts';
import { MODEL, startEmulator } from './support/emulator.ts';
import { HeldModel } from './support/held-model.ts';

const chat = (stream: boolean) => JSON.stringify({ model: MODEL, stream, messages: [{ role: 'user', content: 'hi' }] });
const KEY = { authorization: 'Bearer sk-test' };
const dropped = (code: string) => expect.objectContaining({ cause: expect.objectContaining({ code }) });

it('a closed emulator rejects requests and drops running ones, without output', async () => {
  const said = vi.spyOn(console, 'error');
  const model = new HeldModel();
  const api = await startEmulator('in process', { model });
  const headers = { 'Content-Type': 'application/json' };
  const { id } = (await api.post<{ id: string }>('/v1/sessions', {})).body;
  const opened = api.open('POST', '/v1/chat/completions', chat(true), { headers });
  (await model.asked()).say('hello');
  const reading = (await opened).text();
  const thinking = api.open('POST', '/v1/chat/completions', chat(false), { headers });
  await model.asked();
  const writing = api.post(`/v1/sessions/${id}/messages`, { role: 'user', content: 'on its way' });
  const settled = Promise.allSettled([reading, thinking, writing]);
  await api.emulator.close();
  const reset = { status: 'rejected', reason: dropped('ECONNRESET') };
  expect(await settled).toEqual([reset, reset, reset]);
  await expect(api.get('/v1/models')).rejects.toEqual(dropped('ECONNREFUSED'));
  await expect(api.get('/v1/sessions')).rejects.toEqual(dropped('ECONNREFUSED'));
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(said.mock.calls).toEqual([]);
  said.mockRestore();
});

it('what the network would not carry is refused in process too', async () => {
  await using emulator = createEmulator();
  for (const url of ['file:///v1/models', 'data:,/v1/models', 'blob:http://127.0.0.1/v1/models']) {
    await expect(emulator.fetch(url, { headers: KEY })).rejects.toThrow('fetch failed');
  }
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue('{"title":"a"}');
      controller.close();
    },
  });
  const headers = { ...KEY, 'Content-Type': 'application/json' };
  const init = { method: 'POST', headers, body, duplex: 'half' as const };
  const answer = await emulator.fetch(`${emulator.baseURL}/sessions`, init);
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('Uint8Array')]);
});

describe('await using', () => {
  it('closes the emulator and its port at the end of the block', async () => {
    let ended: Emulator;
    let url: string;
    {
      await using emulator = createEmulator();
      ended = emulator;
      ({ url } = await emulator.listen());
      expect((await fetch(`${url}/v1/models`, { headers: KEY })).status).toBe(200);
    }
    await expect(ended.fetch(`${ended.baseURL}/models`, { headers: KEY })).rejects.toEqual(dropped('ECONNREFUSED'));
    await expect(fetch(`${url}/v1/models`, { headers: KEY })).rejects.toEqual(dropped('ECONNREFUSED'));
  });

  it('closes the emulator when the block throws, and the error is that of the block', async () => {
    let ended: Emulator | undefined;
    const block = async () => {
      await using emulator = createEmulator();
      ended = emulator;
      throw new Error('of the block');
    };
    await expect(block()).rejects.toThrow('of the block');
    await expect(ended?.fetch(`${ended.baseURL}/models`, { headers: KEY })).rejects.toEqual(dropped('ECONNREFUSED'));
  });

  it('does nothing after close() was called', async () => {
    await using emulator = createEmulator();
    await emulator.close();
  });
});

it('an aborted streamed append ends with the reason of the abort, and reads no further', async () => {
  const api = await startEmulator('in process');
  const { id } = (await api.post<{ id: string }>('/v1/sessions', {})).body;
  let lines: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      lines = controller;
      controller.enqueue(Buffer.from('{"role":"user","content":"one"}\n'));
    },
  });
  const client = new AbortController();
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const answer = await api.open('POST', `/v1/sessions/${id}/messages`, body, { headers, signal: client.signal });
  const reader = answer.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('"index":0');
  const next = reader?.read();
  client.abort();
  await expect(next).rejects.toBe(client.signal.reason);
  // Nobody takes it: the body was left with its answer.
  expect(() => lines?.enqueue(Buffer.from('{"role":"user","content":"two"}\n'))).toThrow(TypeError);
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect((await api.get(`/v1/sessions/${id}`)).body).toMatchObject({ usage: { messages: 1 } });
});

it('each answered request removes its listener from a shared signal', async () => {
  const api = await startEmulator('in process');
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  for (let count = 0; count < 3; count += 1) await api.get('/v1/models', { signal });
  const headers = { 'Content-Type': 'application/json' };
  await (await api.open('POST', '/v1/chat/completions', chat(true), { headers, signal })).text();
  await (await api.open('POST', '/v1/chat/completions', chat(true), { headers, signal })).body?.cancel();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(added.mock.calls.length).toBe(5);
  expect(removed.mock.calls).toEqual(added.mock.calls.map(([type, listener]) => [type, listener]));
});
