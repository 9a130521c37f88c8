import { describe, expect, it } from 'vitest';
import { mapSessions } from '../../client/index.ts';
import { clientOf, noSleep, startBench } from './support.ts';
import { refusal, through } from './support-faults.ts';

const INPUTS = Array.from({ length: 20 }, (_, index) => index);

describe('mapSessions', () => {
  it('gives every input a session of its own, in order, and closes them all', async () => {
    const { client } = await startBench();
    const used = new Set<string>();
    let running = 0;
    let most = 0;
    const results = await mapSessions(
      client,
      INPUTS,
      async ({ input, session, client: own }) => {
        most = Math.max(most, ++running);
        used.add(session.id);
        const { usage } = await own.sessions.append(session.id, { role: 'user', content: `number ${input}` });
        running -= 1;
        return { input, messages: usage.messages };
      },
      { concurrency: 5 },
    );
    expect(results).toEqual(INPUTS.map((input) => ({ status: 'fulfilled', value: { input, messages: 1 } })));
    expect(used.size).toBe(INPUTS.length);
    expect(most).toBe(5);
    expect((await client.sessions.list()).data).toEqual([]);
  });

  it('does not lose the others where one fails', async () => {
    const { client } = await startBench();
    const results = await mapSessions(client, INPUTS, async ({ input, session, client: own }) => {
      if (input === 3) throw new Error('three');
      if (input === 4) await own.sessions.delete(session.id);
      return input;
    });
    expect(results[3]).toMatchObject({ status: 'rejected', reason: new Error('three') });
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(INPUTS.length - 1);
    expect((await client.sessions.list()).data).toEqual([]);
  });

  it('waits for a place where the account holds other sessions', async () => {
    const { client } = await startBench('in process', { limits: { sessions: 3 } });
    await client.sessions.create();
    const results = await mapSessions(client, INPUTS, async ({ session }) => session.id, { concurrency: 10 });
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect((await client.sessions.list()).data).toHaveLength(1);

    await client.sessions.create();
    await client.sessions.create();
    const [none] = await mapSessions(client, [1], async () => 1);
    expect(none).toMatchObject({ status: 'rejected', reason: { code: 'session_limit_reached' } });
  });

  it('takes a place that was freed while the refusal was on its way', async () => {
    const { api } = await startBench('in process', { limits: { sessions: 1 } });
    let free = (): void => undefined;
    const freed = new Promise<void>((resolve) => {
      free = resolve;
    });
    const fetch = through(api.fetch, async ({ method, send }) => {
      const response = await send();
      if (method === 'DELETE') setImmediate(free);
      if (!response.ok) await freed;
      return response;
    });
    const results = await mapSessions(clientOf(api, { fetch }), [1, 2], async ({ input }) => input, { concurrency: 2 });
    expect(results).toEqual([1, 2].map((value) => ({ status: 'fulfilled', value })));
  });

  it('holds all requests back while one was told to come back later', async () => {
    const { api } = await startBench();
    const waits: number[] = [];
    let sent = 0;
    const client = clientOf(api, {
      fetch: through(api.fetch, async ({ send }) => {
        sent += 1;
        return sent === 7
          ? refusal(429, 'rate_limit_reached_error', { 'Retry-After': '7', 'retry-after-ms': '1' })
          : send();
      }),
    });
    const sleep = async (ms: number): Promise<void> => {
      waits.push(ms);
      await noSleep();
    };
    const results = await mapSessions(client, INPUTS, async ({ input }) => input, { concurrency: 4, sleep });
    expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual(INPUTS);
    expect(waits).toEqual([7_000]);
  });

  it('ends what is left where the signal is aborted, and closes what had begun', async () => {
    const { client } = await startBench();
    const abort = new AbortController();
    const results = await mapSessions(
      client,
      INPUTS,
      async ({ input }) => {
        if (input === 5) abort.abort(new Error('enough'));
        return input;
      },
      { concurrency: 1, signal: abort.signal },
    );
    expect(results.slice(0, 6).every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(results.slice(6)).toEqual(INPUTS.slice(6).map(() => ({ status: 'rejected', reason: new Error('enough') })));
    expect((await client.sessions.list()).data).toEqual([]);
    await expect(mapSessions(client, [], async () => 1, { concurrency: 101 })).rejects.toThrow(RangeError);
  });
});
