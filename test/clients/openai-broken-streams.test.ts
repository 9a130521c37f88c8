import { setTimeout as wait } from 'node:timers/promises';
import { APIError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import type { Model } from '../../emulator/index.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { openaiFor } from './openai.ts';

const ask = (session_id: string) => ({
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'hi' }],
  ...{ session_id },
});

/** Says something, and then does what it is told to: the first time only. */
function fragile(then: (signal: AbortSignal) => Promise<never>): Model {
  let first = true;
  return {
    name: 'fragile',
    async *complete({ signal }) {
      yield { type: 'text', text: 'a first part, ' };
      if (first) {
        first = false;
        await then(signal);
      }
      yield { type: 'text', text: 'and a second' };
    },
  };
}

describe.each(TRANSPORTS)('openai, streams that break %s', (transport) => {
  it('throws where the model fails in the middle, and the session is as it was', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const model = fragile(() => Promise.reject(new Error('no engine')));
    const client = openaiFor(await startEmulator(transport, { model }));
    const before = await client.post<Session>('/sessions');
    const stream = await client.chat.completions.create({ ...ask(before.id), stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
    expect(await client.get(`/sessions/${before.id}`)).toEqual(before);
    expect(logged).toHaveBeenCalledOnce();
    logged.mockRestore();
  });

  it('leaves the session as it was where the client leaves, and free for the next turn', async () => {
    const model = fragile((signal) => wait(60_000, undefined, { signal, ref: false }) as Promise<never>);
    const client = openaiFor(await startEmulator(transport, { model }));
    const before = await client.post<Session>('/sessions');
    const stream = await client.chat.completions.create({ ...ask(before.id), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;

    // Where the server has not noticed yet, the client's own retries wait for it.
    const next = await client.chat.completions.create(ask(before.id));
    expect(next.choices[0]?.message.content).toBe('a first part, and a second');
    const after = await client.get<Session>(`/sessions/${before.id}`);
    expect([after.usage.messages, after.version]).toEqual([2, before.version + 1]);
  });
});
