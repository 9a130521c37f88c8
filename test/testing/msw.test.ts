import { once } from 'node:events';
import nodeHttp from 'node:http';
import { HttpResponse, http } from 'msw';
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
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL);
});

it('answers a request that carries the Host header of the live API, as msw 3 hands it over', async () => {
  server.use(...handlers(emulator));
  const defaultHeaders = { host: 'api.moonshot.ai' };
  const client = new OpenAI({ baseURL: LIVE_BASE_URLS[1], apiKey: 'sk-live', maxRetries: 0, defaultHeaders });
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL);
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
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL);
});

/** As many projects have it, with a server behind the handlers: what is stopped must be stopped by them. */
async function bypassing(act: () => Promise<void>) {
  server.close();
  server.listen({ onUnhandledRequest: 'bypass' });
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => said.mockRestore());
  await act();
  return said.mock.calls;
}

it.each([
  'https://api.moonshot.ai/v1',
  'http://api.moonshot.ai/v1',
  'https://api.moonshot.ai/anthropic/v1',
  'https://api.moonshot.cn:8443/v1',
  'https://API.Moonshot.AI/v2',
  'https://api.moonshot.ai./v1',
  'https://api.kimi.com/coding/v1',
  'https://api.kimi.com/coding',
  'https://auth.kimi.com/api/oauth/token',
  'https://kimi.moonshot.cn/api',
  'https://www.kimi.ai',
  'https://moonshot.ai',
])('a live call to %s that no handler answers fails with an error that says so', async (baseURL) => {
  server.use(...handlers(emulator, { baseURL: 'https://api.moonshot.cn/v1' }));
  const said = await bypassing(async () => {
    const client = new OpenAI({ baseURL, apiKey: 'sk-live', maxRetries: 0 });
    await expect(client.models.list()).rejects.toThrow();
    await expect(fetch(`${baseURL}?a=1`, { method: 'POST', body: 'key' })).rejects.toThrow();
  });
  const url = new URL(baseURL).href.replace(/\/$/, '');
  expect(said[0]).toEqual([expect.stringContaining(`kimi-emulator/msw: GET ${url}/models`)]);
  expect(said[1]).toEqual([expect.stringContaining('goes to the live API and was stopped')]);
});

it('a live call through node:http is stopped, a WebSocket handshake included', async () => {
  server.use(...handlers(emulator));
  const said = await bypassing(async () => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'a2V5a2V5a2V5a2V5a2V5a2V5',
      authorization: 'Bearer sk',
    };
    const request = nodeHttp.get('http://api.kimi.com/coding/socket', { headers });
    const [error] = await once(request, 'error').catch((thrown: unknown) => [thrown]);
    expect(error).toBeInstanceOf(Error);
  });
  expect(said).toHaveLength(1);
});

it('a WebSocket to a live address is closed before it leaves', async () => {
  server.close();
  const real = Reflect.get(globalThis, 'WebSocket');
  // Node 20 has none of its own; msw replaces whatever stands there, and must never call it.
  class Socket extends EventTarget {
    constructor() {
      super();
      throw new Error('a connection was opened');
    }
  }
  Reflect.set(globalThis, 'WebSocket', Socket);
  onTestFinished(() => void Reflect.set(globalThis, 'WebSocket', real));
  server.use(...handlers(emulator));
  const said = await bypassing(async () => {
    const Patched = Reflect.get(globalThis, 'WebSocket') as new (url: string) => EventTarget;
    const socket = new Patched('wss://api.moonshot.ai:9000/v1/realtime');
    const closed = await new Promise<{ code: number }>((resolve) => {
      socket.addEventListener('close', (event) => resolve(event as Event & { code: number }));
    });
    expect(closed.code).toBe(1008);
  });
  expect(said).toEqual([[expect.stringContaining('WebSocket wss://api.moonshot.ai:9000/v1/realtime')]]);
});

it.each(['https://api.moonshot.ai.example/v1', 'https://notkimi.com/v1', 'https://example.com/api.moonshot.ai/v1'])(
  'msw handlers leave %s to the project',
  async (baseURL) => {
    server.use(
      ...handlers(emulator),
      http.get(`${baseURL}/models`, () => HttpResponse.json({ data: [{ id: 'own' }] })),
    );
    const client = new OpenAI({ baseURL, apiKey: 'sk-live', maxRetries: 0 });
    expect((await client.models.list()).data[0]?.id).toBe('own');
  },
);

it('msw handlers answer for the coding host where it is named', async () => {
  server.use(...handlers(emulator, { baseURL: 'https://api.kimi.com/coding/v1' }));
  const client = new OpenAI({ baseURL: 'https://api.kimi.com/coding/v1', apiKey: 'sk-live' });
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL);
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
