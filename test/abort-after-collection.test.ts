import { setImmediate } from 'node:timers/promises';
import { setupServer } from 'msw/node';
import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { proxy } from '../conformance/proof/proxy.ts';
import type { Model } from '../emulator/index.ts';
import { handlers, LIVE_BASE_URLS } from '../emulator/msw.ts';
import { test } from '../emulator/vitest.ts';
import { type Api, MODEL, startEmulator } from './support/emulator.ts';
import { collectGarbage } from './support/garbage.ts';

const AUTHORIZATION = { Authorization: 'Bearer sk-test' };
const HEADERS = { ...AUTHORIZATION, 'Content-Type': 'application/json', 'Idempotency-Key': 'once' };

/** Never answers, and holds nothing of what it is asked, so that a request is held by nobody but the emulator. */
class StuckModel implements Model {
  readonly name = 'stuck';
  asked = 0;

  async *complete(): AsyncGenerator<never> {
    this.asked += 1;
    await new Promise(() => undefined);
  }
}

interface Chat {
  /** The body of a chat in a session. */
  body: { model: string; session_id: string; messages: { role: 'user'; content: string }[] };
  signal: AbortSignal;
}

/** Sends a chat. Each is a way into an emulator of this process. */
type Send = (api: Api, chat: Chat) => Promise<unknown>;

const post = (api: Api, { body, signal }: Chat, more: object = {}) =>
  [
    `${api.emulator.baseURL}/chat/completions`,
    { method: 'POST', headers: HEADERS, body: JSON.stringify({ ...body, ...more }), signal },
  ] as const;

const read = async (chunks: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of chunks);
};

const overMsw =
  (stream: boolean): Send =>
  async ({ emulator }, { body, signal }) => {
    const server = setupServer(...handlers(emulator));
    server.listen();
    onTestFinished(() => server.close());
    const client = new OpenAI({ baseURL: LIVE_BASE_URLS[0], apiKey: 'sk-test', maxRetries: 0 });
    const options = { signal, headers: HEADERS };
    if (!stream) return client.chat.completions.create(body, options);
    return read(await client.chat.completions.create({ ...body, stream: true }, options));
  };

const WAYS: [string, Send][] = [
  ['fetch', (api, chat) => api.fetch(...post(api, chat))],
  ['fetch of a Request', (api, chat) => api.fetch(new Request(...post(api, chat)))],
  ['fetch of a stream', async (api, chat) => (await api.fetch(...post(api, chat, { stream: true }))).text()],
  ['the proxy of the proof', (api, chat) => proxy(api.fetch, (_, forward) => forward())(...post(api, chat))],
  ['msw', overMsw(false)],
  ['msw, streamed', overMsw(true)],
];

async function untilAsked(model: StuckModel): Promise<void> {
  while (model.asked === 0) await setImmediate();
}

/** The session takes writes again, and the key other requests. */
async function expectFree(api: Api, session: string): Promise<void> {
  const append = () => api.post(`/v1/sessions/${session}/messages`, { role: 'user', content: 'free' });
  await expect.poll(async () => (await append()).status).toBe(200);
  expect((await api.post(`/v1/sessions/${session}`, { title: 'free' }, { headers: HEADERS })).status).toBe(200);
}

describe('an abort after a garbage collection frees the session and the key of a chat that is never answered', () => {
  it.each(WAYS)('by %s', async (_, send) => {
    const model = new StuckModel();
    const api = await startEmulator('in process', { model });
    const session = (await api.post<{ id: string }>('/v1/sessions')).body.id;
    const abort = new AbortController();
    const body = { model: MODEL, session_id: session, messages: [{ role: 'user' as const, content: 'hi' }] };
    const sent = send(api, { body, signal: abort.signal });
    sent.catch(() => undefined);
    await untilAsked(model);
    collectGarbage();
    abort.abort();
    await expect(sent).rejects.toThrow();
    await expectFree(api, session);
  });

  const stuck = new StuckModel();
  const fixture = test.extend({ emulatorOptions: { model: stuck } });
  fixture.for([false, true])('by the client of the vitest fixture, streamed: %s', async (stream, { client }) => {
    stuck.asked = 0;
    const { id } = await client.sessions.create({});
    const abort = new AbortController();
    const update = () => client.sessions.update(id, { title: 'free' });
    const body = { model: MODEL, session_id: id, messages: [{ role: 'user' as const, content: 'hi' }], stream };
    const sent = client.chat.completions.create(body, { signal: abort.signal });
    sent.catch(() => undefined);
    await untilAsked(stuck);
    collectGarbage();
    abort.abort();
    await expect(sent).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(update).toMatchObject({ title: 'free' });
  });
});

it('an abort after a garbage collection ends a streamed append whose next line never comes', async () => {
  const api = await startEmulator('in process');
  const session = (await api.post<{ id: string }>('/v1/sessions')).body.id;
  const abort = new AbortController();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('{"role":"user","content":"one"}\n')),
    cancel: () => {
      cancelled = true;
    },
  });
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const call = { headers, signal: abort.signal };
  const answer = await api.open('POST', `/v1/sessions/${session}/messages`, body, call);
  const reading = answer.text();
  reading.catch(() => undefined);
  await setImmediate();
  collectGarbage();
  abort.abort();
  await expect(reading).rejects.toBe(abort.signal.reason);
  await expect.poll(() => cancelled).toBe(true);
});

it('an abort after a garbage collection ends a streamed append whose first line never comes', async () => {
  const api = await startEmulator('in process');
  const session = (await api.post<{ id: string }>('/v1/sessions')).body.id;
  const abort = new AbortController();
  let asked = false;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: () => {
        asked = true;
        return new Promise(() => undefined);
      },
      cancel: () => {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const answer = api.open('POST', `/v1/sessions/${session}/messages`, body, { headers, signal: abort.signal });
  answer.catch(() => undefined);
  while (!asked) await setImmediate();
  collectGarbage();
  abort.abort();
  await expect(answer).rejects.toBe(abort.signal.reason);
  await expect.poll(() => cancelled).toBe(true);
});
