import OpenAI, { APIConnectionError, ConflictError, InternalServerError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import type { Model } from '../../emulator/index.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { IdempotentOpenAI, openaiFor, watched } from './openai.ts';

const ask = (session_id?: string) => ({
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'Reply with only PONG' }],
  ...(session_id !== undefined && { session_id }),
});

/** A model that waits to be let go, and says when it was asked. */
function gated() {
  let letGo = (): void => undefined;
  const open = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let tellAsked = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    tellAsked = resolve;
  });
  const model: Model = {
    name: 'gated',
    async *complete() {
      tellAsked();
      await open;
      yield { type: 'text', text: 'PONG' };
    },
  };
  return { model, asked, letGo };
}

describe.each(TRANSPORTS)('openai, retries %s', (transport) => {
  it('tries again while a session is busy, and gets its answer', async () => {
    const { model, asked, letGo } = gated();
    const api = await startEmulator(transport, { model });
    const { fetch, answers } = watched(api.fetch);
    const client = openaiFor(api, { fetch });
    const { id } = await client.post<Session>('/sessions');
    answers.length = 0;

    const first = client.chat.completions.create(ask(id));
    await asked;
    const second = client.chat.completions.create(ask(id));
    await vi.waitUntil(() => answers.some(({ status }) => status === 409));
    letGo();
    const completions = await Promise.all([first, second]);
    expect(completions.map(({ choices }) => choices[0]?.message.content)).toEqual(['PONG', 'PONG']);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409]);
    const busy = answers.find(({ status }) => status === 409);
    expect(busy?.headers.get('x-should-retry')).toBe('true');
    expect(busy?.headers.get('retry-after')).toBe('1');
    expect(JSON.parse((await busy?.body) ?? '')).toMatchObject({
      error: { code: 'session_busy', type: 'conflict_error' },
    });
    expect((await client.get<Session>(`/sessions/${id}`)).usage.messages).toBe(4);
  });

  it('does not try again where it would be in vain', async () => {
    const api = await startEmulator(transport);
    const { fetch, answers } = watched(api.fetch);
    const client = openaiFor(api, { fetch });
    const { id } = await client.post<Session>('/sessions');
    answers.length = 0;
    const stale = client.post(`/sessions/${id}`, { body: { title: 'x' }, headers: { 'If-Match': '"9"' } });
    await expect(stale).rejects.toBeInstanceOf(ConflictError);
    expect(answers).toHaveLength(1);
  });

  it('tries again where the model failed, until its retries are used up', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const model: Model = {
      name: 'failing',
      complete() {
        throw new Error('no engine');
      },
    };
    const api = await startEmulator(transport, { model });
    const { fetch, answers } = watched(api.fetch);
    const client = openaiFor(api, { fetch, maxRetries: 1 });
    await expect(client.chat.completions.create(ask())).rejects.toBeInstanceOf(InternalServerError);
    expect(answers.map(({ status }) => status)).toEqual([500, 500]);
    expect(logged).toHaveBeenCalledTimes(2);
    logged.mockRestore();
  });

  it.each([false, true])('writes once and answers twice alike where an answer was lost, stream: %s', async (stream) => {
    const api = await startEmulator(transport);
    const { fetch, answers } = watched(api.fetch);
    let losing = true;
    const losesOne: typeof globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!losing || !String(input).endsWith('/chat/completions')) return response;
      losing = false;
      await response.text();
      throw new TypeError('the connection was lost behind the commit');
    };
    const client = new IdempotentOpenAI({ baseURL: api.emulator.baseURL, apiKey: 'sk-test', fetch: losesOne });
    const { id } = await client.post<Session>('/sessions');
    answers.length = 0;

    const text = stream
      ? await client.chat.completions.stream(ask(id)).finalContent()
      : (await client.chat.completions.create(ask(id))).choices[0]?.message.content;
    expect(text).toBe('PONG');
    expect(answers).toHaveLength(2);
    expect(answers[0]?.key).not.toBeNull();
    expect(answers[1]?.key).toBe(answers[0]?.key);
    expect(answers[1]?.headers.get('idempotent-replayed')).toBe('true');
    const session = await client.get<Session>(`/sessions/${id}`);
    expect([session.usage.messages, session.version]).toEqual([2, 2]);
  });

  it('writes twice without a key: that is what keys are for', async () => {
    const api = await startEmulator(transport);
    const client = openaiFor(api);
    const { id } = await client.post<Session>('/sessions');
    for (const _ of [1, 2]) await client.chat.completions.create(ask(id));
    expect((await client.get<Session>(`/sessions/${id}`)).usage.messages).toBe(4);
  });
});

it('an emulator that is not there is a connection error', async () => {
  const api = await startEmulator('in process');
  const client = new OpenAI({ baseURL: api.emulator.baseURL, apiKey: 'sk-test', maxRetries: 0 });
  await expect(client.models.list()).rejects.toBeInstanceOf(APIConnectionError);
});
