import { describe, expect, it } from 'vitest';
import { type Fetch, RollingSession } from '../../client/index.ts';
import { TRANSPORTS, type Transport } from '../support/emulator.ts';
import { answerTo, clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench, transcript } from './support.ts';
import { cutAfter, type Passing, refusal, reset, slowly, through } from './support-faults.ts';

const QUESTIONS = Array.from({ length: 5 }, (_, index) => `Question ${index}: ${'and so on, '.repeat(30)}`);
const LONG = Array.from({ length: 4 }, (_, index) => `Part ${index}. ${'something else, '.repeat(40)}`).join('\n\n');

type Fault = (passing: Passing) => Promise<Response>;

const FAULTS: Record<string, Fault> = {
  'a connection reset before the server acts': async () => reset(),
  'a connection reset after the server acted': async ({ send }) => {
    await (await send()).text();
    return reset();
  },
  'a 429 with Retry-After': async () => refusal(429, 'engine_overloaded_error', { 'Retry-After': '0' }),
  'a 500': async () => refusal(500, 'unexpected_output'),
};

/** The loop of a program that simply goes on after an error with the input that failed. */
async function run(fetchFor: (fetch: Fetch) => Fetch, transport: Transport = 'in process') {
  const { api, model } = await startBench(transport);
  const client = clientOf(api, { fetch: fetchFor(api.fetch) });
  const agent = await RollingSession.open(client, {
    ...SMALL,
    checkpoint: new MemoryCheckpoint(),
    sleep: noSleep,
  });
  for (const question of QUESTIONS) {
    const deltas = await collect(agent.chat(question));
    expect(deltas.join('')).toBe(answerTo(question));
  }
  await agent.append(LONG, { id: 'long' });
  await agent.append(LONG, { id: 'long' });
  await agent.complete('last');
  const told = transcript(await collect(agent.history()));
  return { told, model, agent, snapshots: (await collect(clientOf(api).sessions.snapshot.list())).length };
}

/** What a run without any fault leaves. */
async function undisturbed() {
  return run((fetch) => fetch);
}

describe('a rolling session meets', () => {
  it.each(Object.entries(FAULTS))('%s, at every request once', async (_, fault) => {
    const seen = new Set<string>();
    const expected = await undisturbed();
    const { told, model, snapshots } = await run((fetch) =>
      through(fetch, (passing) => {
        const request = `${passing.method} ${passing.path} ${passing.key ?? ''}`;
        if (seen.has(request)) return passing.send();
        seen.add(request);
        return fault(passing);
      }),
    );
    expect(told).toEqual(expected.told);
    expect(model.asked).toEqual(expected.model.asked);
    expect(snapshots).toBe(expected.snapshots);
    expect(snapshots).toBeGreaterThan(1);
  });

  it.each(TRANSPORTS)('a stream cut at every event, %s', async (transport) => {
    const expected = await undisturbed();
    const cuts = new Map<string, number>();
    const { told, snapshots } = await run(
      (fetch) =>
        through(fetch, async ({ path, key, send }) => {
          const response = await send();
          if (!path.endsWith('/chat/completions')) return response;
          const events = cuts.get(String(key)) ?? 0;
          cuts.set(String(key), events + 3);
          return events < 15 ? cutAfter(response, events) : response;
        }),
      transport,
    );
    expect(told).toEqual(expected.told);
    expect(snapshots).toBe(expected.snapshots);
  });

  it('a stream cut at one event, whichever it is', async () => {
    const { api, client } = await startBench();
    const { data: stream } = await client.chat.completions
      .create({ model: 'kimi-k3', messages: [{ role: 'user', content: 'cut me' }], stream: true })
      .withResponse();
    const all = (await collect(stream)).length;
    for (let events = 0; events <= all; events += 1) {
      let done = false;
      const cut = clientOf(api, {
        fetch: through(api.fetch, async ({ path, send }) => {
          const response = await send();
          if (done || !path.endsWith('/chat/completions')) return response;
          done = true;
          return cutAfter(response, events);
        }),
      });
      await using one = await RollingSession.open(cut, { ...SMALL, sleep: noSleep });
      expect((await collect(one.chat('cut me'))).join('')).toBe(answerTo('cut me'));
      expect(await collect(one.history())).toHaveLength(2);
    }
  });

  it.each(TRANSPORTS)('a slow reader, %s', async (transport) => {
    const expected = await undisturbed();
    const { told } = await run((fetch) => through(fetch, async ({ send }) => slowly(await send())), transport);
    expect(told).toEqual(expected.told);
  });
});
