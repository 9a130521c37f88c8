import { setupServer } from 'msw/node';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createEmulator, type Emulator } from '../../emulator/index.ts';
import { handlers, LIVE_BASE_URLS } from '../../emulator/msw.ts';
import { collectGarbage } from '../support/garbage.ts';
import { HeldModel } from '../support/held-model.ts';

const MODEL = 'kimi-k2-0905-preview';
const messages = [{ role: 'user' as const, content: 'Reply with only: hello from the live URL' }];

let emulator: Emulator;
const server = setupServer();

beforeEach(() => {
  emulator = createEmulator();
  server.listen({ onUnhandledRequest: 'error' });
});
afterEach(async () => {
  server.resetHandlers();
  server.close();
  await emulator.close();
});

it.each(LIVE_BASE_URLS)('msw handlers answer for the live URL: %s', async (baseURL) => {
  server.use(...handlers(emulator));
  const client = new OpenAI({ baseURL, apiKey: 'sk-live' });
  const answer = await client.chat.completions.create({ model: MODEL, messages });
  expect(answer.choices[0]?.message.content).toBe('hello from the live URL');
  const session = await client.post<{ id: string }>('/sessions', { body: { title: 'moved' } });
  expect((await client.get<{ title: string }>(`/sessions/${session.id}`)).title).toBe('moved');
  expect((await client.models.list()).data[0]?.id).toBe(MODEL);
});

it('answers a request that carries the Host header of the live API, as msw 3 hands it over', async () => {
  server.use(...handlers(emulator));
  const defaultHeaders = { host: 'api.moonshot.ai' };
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[1], apiKey: 'sk-live', maxRetries: 0, defaultHeaders });
  expect((await client.models.list()).data[0]?.id).toBe(MODEL);
});

it('msw handlers stream a chat', async () => {
  server.use(...handlers(emulator, { baseURL: 'https://api.moonshot.cn/v1' }));
  const client = new OpenAI({ baseURL: 'https://api.moonshot.cn/v1', apiKey: 'sk-live' });
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
  const pieces: string[] = [];
  for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content ?? '');
  expect(pieces.join('')).toBe('hello from the live URL');
  expect(pieces.length).toBeGreaterThan(2);
});

it.each(['leaving the loop', 'aborting'])('msw: ending a stream by %s is quiet and noticed', async (how) => {
  const model = new HeldModel();
  const held = createEmulator({ model });
  onTestFinished(() => held.close());
  server.use(...handlers(held));
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[0], apiKey: 'sk-live', maxRetries: 0 });
  const opening = client.chat.completions.create({ model: MODEL, messages, stream: true });
  const asked = await model.asked();
  asked.say('hello');
  const stream = await opening;
  for await (const { choices } of stream) {
    if (choices[0]?.delta.content !== 'hello') continue;
    collectGarbage();
    if (how === 'leaving the loop') break;
    stream.controller.abort();
  }
  await expect.poll(() => asked.request.signal.aborted).toBe(true);
});

it('a refusal through msw keeps its status, headers and text', async () => {
  server.use(...handlers(emulator));
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[0], apiKey: 'sk-live', maxRetries: 0 });
  const refusal = client.chat.completions.create({ model: 'no-such-model', messages });
  await expect(refusal).rejects.toMatchObject({ status: 404, type: 'resource_not_found_error' });
});

it('msw handlers answer for any other base URL, with or without a trailing slash', async () => {
  server.use(...handlers(emulator, { baseURL: ['https://gateway.example/kimi/v1/'] }));
  const client = new OpenAI({ baseURL: 'https://gateway.example/kimi/v1', apiKey: 'sk-live' });
  expect((await client.models.list()).data).toHaveLength(1);
});

it.each(['https', 'http'])('a live call by %s without a handler fails with an error that says so', async (scheme) => {
  server.close();
  // As many projects have it; what is stopped must be stopped by the handlers.
  server.listen({ onUnhandledRequest: 'bypass' });
  server.use(...handlers(emulator, { baseURL: 'https://api.moonshot.cn/v1' }));
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => said.mockRestore());
  const baseURL = `${scheme}://api.moonshot.ai/v1`;
  const client = new OpenAI({ baseURL, apiKey: 'sk-live', maxRetries: 0 });
  await expect(client.models.list()).rejects.toThrow();
  expect(said.mock.calls).toEqual([[expect.stringContaining(`kimi-emulator/msw: GET ${baseURL}/models`)]]);
});

it('an aborted request is not reported as an error of the msw handlers', async () => {
  const model = new HeldModel();
  const held = createEmulator({ model });
  onTestFinished(() => held.close());
  server.use(...handlers(held));
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => said.mockRestore());
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[0], apiKey: 'sk-live', maxRetries: 0 });
  const abort = new AbortController();
  const answer = client.chat.completions.create({ model: MODEL, messages }, { signal: abort.signal });
  const asked = await model.asked();
  collectGarbage();
  abort.abort();
  await expect(answer).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
  await expect.poll(() => asked.request.signal.aborted).toBe(true);
  expect(said.mock.calls).toEqual([]);
});

it('a fault that drops the connection drops it through msw, too', async () => {
  server.use(...handlers(emulator));
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[0], apiKey: 'sk-live', maxRetries: 0 });
  emulator.faults.add({ effect: 'reset' });
  await expect(client.models.list()).rejects.toBeInstanceOf(OpenAI.APIConnectionError);
  emulator.faults.add({ effect: 'cut_stream', after_events: 2 });
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
  const read = async () => {
    for await (const _ of stream);
  };
  await expect(read()).rejects.toThrow('terminated');
});
