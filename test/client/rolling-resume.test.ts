import { describe, expect, it } from 'vitest';
import { type Fetch, RollingSession } from '../../client/index.ts';
import type { Model } from '../../emulator/index.ts';
import { type Bench, clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench, transcript } from './support.ts';
import { cutAfter, reset, through } from './support-faults.ts';

const DAY_MS = 86_400_000;
const BASE = { ...SMALL, sleep: noSleep, retries: 0 };

/** A bench whose clock can be moved on, beyond what the server remembers of keys. */
async function startWithClock() {
  let ms = 1_800_000_000_000;
  const bench = await startBench('in process', { clock: { now: () => ms } });
  const forgetKeys = (): void => {
    ms += 2 * DAY_MS;
  };
  return { ...bench, forgetKeys };
}

/** A fetch that acts and then breaks off, for one route, until it is mended. */
function breaking(fetch: Fetch, route: RegExp) {
  let broken = true;
  const mend = (): void => {
    broken = false;
  };
  const broken_ = through(fetch, async ({ path, send }) => {
    const response = await send();
    if (!broken || !route.test(path)) return response;
    await response.text();
    return reset();
  });
  return { fetch: broken_, mend };
}

/** A turn that was committed without the client hearing of it. */
async function lostTurn(bench: Bench) {
  const checkpoint = new MemoryCheckpoint();
  const agent = await RollingSession.open(bench.client, { ...BASE, checkpoint });
  await agent.complete('before');
  const { fetch } = breaking(bench.api.fetch, /chat/);
  const lost = await RollingSession.open(clientOf(bench.api, { fetch }), { ...BASE, checkpoint });
  await expect(lost.complete('lost')).rejects.toThrow('Connection error');
  return checkpoint;
}

async function reopen(bench: Bench, checkpoint: MemoryCheckpoint) {
  const agent = await RollingSession.open(bench.client, { ...BASE, checkpoint });
  const outcomes: unknown[] = [];
  agent.events.on('resume', (event) => outcomes.push(event));
  return { agent, outcomes };
}

describe('a turn of which only the server knows that it is done', () => {
  it('is answered again, without another inference', async () => {
    const bench = await startBench();
    const { agent, outcomes } = await reopen(bench, await lostTurn(bench));
    expect(agent.pending).toBe(true);
    expect((await collect(agent.chat('lost'))).join('')).toContain('Answer to lost.');
    expect(outcomes).toEqual([{ what: 'turn', outcome: 'replayed' }]);
    expect(bench.model.asked).toEqual(['before', 'lost']);
    expect(agent.turns).toBe(2);
  });

  it('is finished before another input is sent', async () => {
    const bench = await startBench();
    const { agent } = await reopen(bench, await lostTurn(bench));
    await agent.complete('other');
    expect(bench.model.asked).toEqual(['before', 'lost', 'other']);
    expect(agent.turns).toBe(3);
  });

  it('is found in the session where its key is forgotten', async () => {
    const bench = await startWithClock();
    const checkpoint = await lostTurn(bench);
    bench.forgetKeys();
    const { agent, outcomes } = await reopen(bench, checkpoint);
    const deltas = await collect(agent.chat('lost'));
    expect(deltas.join('')).toContain('Answer to lost.');
    expect(outcomes).toEqual([{ what: 'turn', outcome: 'found' }]);
    expect(bench.model.asked).toEqual(['before', 'lost']);
    expect(await collect(agent.history())).toHaveLength(4);
    expect(agent.turns).toBe(2);
  });

  it('is found though another writer came after it, and sent where only the other came', async () => {
    const bench = await startWithClock();
    const checkpoint = await lostTurn(bench);
    const { session } = JSON.parse(String(checkpoint.text));
    await bench.client.sessions.append(session.id, { role: 'user', content: 'from elsewhere' });
    bench.forgetKeys();
    const { agent } = await reopen(bench, checkpoint);
    await agent.complete('lost');
    await bench.client.sessions.append(session.id, { role: 'user', content: 'again from elsewhere' });
    await agent.complete('next');
    expect(bench.model.asked).toEqual(['before', 'lost', 'next']);
    const told = transcript(await collect(agent.history())).filter((line) => line.startsWith('user'));
    expect(told).toEqual([
      'user: before',
      'user: lost',
      'user: from elsewhere',
      'user: again from elsewhere',
      'user: next',
    ]);
  });
});

describe('a cut of which only the server knows that it is done', () => {
  it.each(['snapshots', 'truncate'])('is not made twice: %s', async (route) => {
    const bench = await startWithClock();
    const checkpoint = new MemoryCheckpoint();
    const { fetch } = breaking(bench.api.fetch, new RegExp(`${route}$`));
    const agent = await RollingSession.open(clientOf(bench.api, { fetch }), { ...BASE, checkpoint });
    const deferred: unknown[] = [];
    agent.events.on('deferred', (event) => deferred.push(event));
    for (let turn = 0; deferred.length === 0; turn += 1)
      await agent.complete(`turn ${turn} ${'and so on '.repeat(40)}`);
    bench.forgetKeys();
    const { agent: again } = await reopen(bench, checkpoint);
    await again.complete('next');
    expect(again.snapshots).toHaveLength(1);
    expect(await collect(bench.client.sessions.snapshot.list())).toHaveLength(1);
    expect(await collect(again.history())).toHaveLength(2 * again.turns);
  });
});

describe('an answer that breaks off and comes out different', () => {
  it('is refused half read, and given whole to the same input', async () => {
    let asked = 0;
    const model: Model = {
      name: 'fickle',
      async *complete() {
        asked += 1;
        yield { type: 'text', text: `Attempt ${asked} of many, which never agree with each other.` };
        // Not committed while the first is read.
        if (asked === 1) await new Promise(() => undefined);
      },
    };
    const { api } = await startBench('in process', { model });
    let cut = false;
    const fetch = through(api.fetch, async ({ path, send }) => {
      if (cut || !path.endsWith('/chat/completions')) return send();
      cut = true;
      return cutAfter(await send(), 3);
    });
    const agent = await RollingSession.open(clientOf(api, { fetch }), { ...BASE, retries: 3 });
    const failure = await collect(agent.chat('who?')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'answer_restarted' });
    const { text } = await agent.complete('who?');
    expect(text).toMatch(/^Attempt [23] of many/);
    expect(transcript(await collect(agent.history()))).toEqual(['user: who?', `assistant: ${text}`]);
  });
});

describe('a turn that is given up', () => {
  it('is not in the session, and the next one goes on', async () => {
    const { client, model } = await startBench();
    const agent = await RollingSession.open(client, BASE);
    const abort = new AbortController();
    const given = agent.chat('given up', { signal: abort.signal });
    await given.next();
    abort.abort();
    await expect(collect(given)).rejects.toThrow('aborted');
    for await (const _ of agent.chat('left early')) break;
    await agent.complete('kept');
    expect(model.asked).toEqual(['given up', 'left early', 'kept']);
    const told = transcript(await collect(agent.history())).filter((line) => line.startsWith('user'));
    expect(told.at(-1)).toBe('user: kept');
    expect(told).toHaveLength(agent.turns);
  });

  it('returns its answer if it was committed after all', async () => {
    const bench = await startBench();
    const abort = new AbortController();
    const fetch = through(bench.api.fetch, async ({ path, send }) => {
      const response = await send();
      if (!path.endsWith('/chat/completions') || abort.signal.aborted) return response;
      await response.text();
      abort.abort();
      return reset();
    });
    const agent = await RollingSession.open(clientOf(bench.api, { fetch }), BASE);
    await expect(agent.complete('late', { signal: abort.signal })).rejects.toThrow('aborted');
    expect((await agent.complete('late')).text).toContain('Answer to late.');
    expect(bench.model.asked).toEqual(['late']);
    expect(agent.turns).toBe(1);
  });
});
