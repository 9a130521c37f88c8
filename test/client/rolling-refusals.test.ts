import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import type { RollingEvents, RollingOptions } from '../../client/rolling/context.ts';
import { countedTokens, largestRatio, leastPreserveLen } from '../../client/rolling/remedy.ts';
import { describeError } from '../../contract/errors.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { clientOf, collect, MemoryCheckpoint, noSleep, SMALL, startBench } from './support.ts';
import { through } from './support-faults.ts';

const question = (turn: number): string => `Question ${turn}: ${'and so on, '.repeat(30)}`;

async function open(options: RollingOptions = {}, emulator: EmulatorOptions = {}) {
  const bench = await startBench('over HTTP', emulator);
  const agent = await RollingSession.open(bench.client, { ...SMALL, sleep: noSleep, ...options });
  const refused: RollingEvents['refused'][] = [];
  agent.events.on('refused', (event) => refused.push(event));
  return { ...bench, agent, refused };
}

describe('a refusal to shrink that names what is possible', () => {
  it('compresses at the largest feasible ratio where the asked one is not', async () => {
    const { agent, refused, client } = await open({ policy: 'compress', maxKeep: 600, preserveLen: 200 });
    const compressed: number[] = [];
    agent.events.on('compress', ({ before, after }) => compressed.push(before / after));
    for (let turn = 0; turn < 30; turn += 1) await agent.complete(question(turn));
    expect(refused.length).toBeGreaterThan(1);
    expect(refused[0]).toMatchObject({
      action: { kind: 'compress', preserve_len: 200 },
      error: { code: 'compress_infeasible' },
      instead: { kind: 'compress', preserve_len: 200, ratio: expect.any(Number) },
    });
    // Each was asked for once as the policy has it, and once as the server named it.
    expect(compressed).toHaveLength(refused.length);
    const named = refused.flatMap(({ instead }) => (instead?.kind === 'compress' ? [instead.ratio ?? 0] : []));
    expect(compressed.every((ratio, place) => ratio >= (named[place] ?? Number.POSITIVE_INFINITY))).toBe(true);
    expect((await client.sessions.retrieve(agent.sessionId)).usage.total_tokens).toBe(agent.tokens);
    expect(agent.turns).toBe(30);
  });

  it.each(['truncate', 'compress', 'compress-then-truncate'] as const)(
    '%s keeps what tools and pins take where that is more than preserveLen',
    async (policy) => {
      const { agent, refused, client } = await open({ policy, preserveLen: 100 });
      await client.sessions.append(agent.sessionId, { role: 'user', content: 'pinned '.repeat(150), pinned: true });
      await client.sessions.append(agent.sessionId, { role: 'user', content: 'x', pinned: true });
      for (let turn = 0; turn < 30; turn += 1) await agent.complete(question(turn));
      expect(agent.turns).toBe(30);
      if (policy === 'truncate') {
        const named = refused.find(({ instead }) => instead !== null);
        expect(named).toMatchObject({ error: { code: 'preserve_len_too_small' }, instead: { kind: 'truncate' } });
      }
      expect(agent.tokens).toBeLessThan(1_000);
    },
  );

  it('goes on over maxKeep where no ratio is feasible, and says why once there is no room', async () => {
    const { agent, refused, client } = await open({ policy: 'compress', maxKeep: 500, preserveLen: 400 });
    const { id } = await client.sessions.retrieve(agent.sessionId);
    const filling = async () => (await client.sessions.retrieve(id)).usage.total_tokens;
    while ((await filling()) < 950)
      await client.sessions.append(id, { role: 'user', content: 'pin '.repeat(10), pinned: true });
    const failure = await (async () => {
      for (let turn = 0; turn < 40; turn += 1) await agent.complete(`Turn ${turn}: ${'so on, '.repeat(12)}`);
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'RollingSessionError',
      code: 'shrink_refused',
      cause: { status: 400, code: expect.stringMatching(/compress_infeasible|preserve_len_too_small/) },
      message: expect.stringContaining('must'),
    });
    expect(refused.length).toBeGreaterThan(0);
    expect(agent.turns).toBeGreaterThan(0);
    expect(agent.snapshots).toEqual([]);

    // Not for good: once there is room again, the same session goes on.
    for await (const message of client.sessions.messages(agent.sessionId))
      if (message.pinned) await client.sessions.pin(id, { message_id: message.id, pinned: false });
    await agent.complete('once more');
    expect(agent.tokens).toBeLessThan(1_000);
  });

  it.each([
    { kind: 'compress', ratio: 1_000 },
    { kind: 'compress', ratio: 0.5 },
    { kind: 'truncate', preserve_len: 1.5 },
    { kind: 'truncate', preserve_len: -1 },
  ] as const)("a policy's impossible %j is dropped, and its next action taken", async (action) => {
    const checkpoint = new MemoryCheckpoint();
    const policy = () => [action, { kind: 'truncate', preserve_len: 200 } as const];
    const { agent, refused } = await open({ policy, checkpoint });
    for (let turn = 0; turn < 12; turn += 1) await agent.complete(question(turn));
    expect(refused[0]).toMatchObject({ action, error: { status: 400 } });
    expect(agent.tokens).toBeLessThanOrEqual(SMALL.maxKeep);
    expect(agent.snapshots.length).toBeGreaterThan(0);
    expect(agent.pending).toBe(false);
  });

  it('takes the account being full of snapshots as a refusal, and shrinks once one is deleted', async () => {
    const { agent, refused, client } = await open(
      {},
      { limits: { append_tokens: 200, min_preserve_tokens: 100, window_tokens: 1_200, snapshots: 1 } },
    );
    const failure = await (async () => {
      for (let turn = 0; turn < 40; turn += 1) await agent.complete(question(turn));
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'shrink_refused', cause: { code: 'snapshot_limit_reached' } });
    expect(refused.at(-1)).toMatchObject({ instead: null });
    await client.sessions.snapshot.delete(String(agent.snapshots[0]));
    await agent.complete('once more');
    expect(agent.tokens).toBeLessThanOrEqual(SMALL.maxKeep);
  });
});

describe('sizes that cannot be', () => {
  it.each<[RollingOptions, string]>([
    [{ preserveLen: 50 }, 'preserveLen (50) must be at least 100 on this server'],
    [{ preserveLen: 600 }, 'preserveLen (600) must be less than maxKeep (600)'],
    [{ maxTokens: 1_000 }, 'maxTokens (1000) and one write (200) leave -128 tokens of the window (1200)'],
    [{ maxKeep: Number.NaN }, 'maxKeep (NaN) must be a whole number of tokens'],
    [{ maxTokens: 0 }, 'maxTokens (0) must be a whole number of tokens'],
    [{ preserveLen: 150.5 }, 'preserveLen (150.5) must be a whole number of tokens'],
    [{ maxKeep: Number.POSITIVE_INFINITY }, 'maxKeep (Infinity) must be a whole number of tokens'],
    [{ retries: -1 }, 'retries (-1) must be a whole number'],
    [
      { preserveLen: 101, maxKeep: 150, instructions: 'Be exact. '.repeat(60) },
      'and no cut removes them; maxKeep (150, of which 150 can be used) must be more',
    ],
  ])('are refused at open with the field and the limit: %j', async (options, message) => {
    const { client } = await startBench('over HTTP');
    const opening = RollingSession.open(client, { ...SMALL, ...options });
    await expect(opening).rejects.toBeInstanceOf(RangeError);
    await expect(opening).rejects.toThrow(message);
    expect((await client.sessions.list()).data).toEqual([]);
  });

  it('an answer that no window has room for is refused before anything is cut', async () => {
    const { agent } = await open();
    await agent.complete('one');
    const before = agent.tokens;
    const asking = agent.complete('two', { params: { max_tokens: 5_000 } });
    await expect(asking).rejects.toThrow(/^max_tokens \(5000\) must be at most 972 in a window of 1200 tokens$/);
    expect(agent.tokens).toBe(before);
    expect(agent.snapshots).toEqual([]);
    expect((await agent.complete('two')).text).toContain('two');
  });
});

describe('what a refusal names', () => {
  it('is read back from the text of the contract', () => {
    const count = fc.integer({ min: 1, max: 10 ** 7 });
    fc.assert(
      fc.property(count, count, fc.integer({ min: 101, max: 6_400 }), (least, counted, hundredths) => {
        const ratio = hundredths / 100;
        const text = describeError('compress_infeasible', { least, largestRatio: ratio }).message;
        expect(largestRatio(`400 ${text}`)).toBe(ratio);
        expect(largestRatio(describeError('compress_infeasible', { least }).message)).toBeUndefined();
        expect(leastPreserveLen(describeError('preserve_len_too_small', { least }).message)).toBe(least);
        expect(leastPreserveLen(describeError('preserve_len_too_small', { least, asked: 1 }).message)).toBe(least);
        const large = { allowed: least, counted, largest: counted };
        expect(countedTokens(describeError('append_too_large', large).message)).toBe(counted);
      }),
    );
  });

  it('a write that is refused for its size is cut by the tokens that the server counted', async () => {
    const { agent } = await open();
    // Far denser than the client expects: a token for every two bytes.
    const text = Array.from({ length: 400 }, (_, place) => String.fromCodePoint(0x21 + ((place * 7) % 90))).join('');
    await agent.append(text.repeat(3));
    const told = await collect(agent.history());
    expect(told.map(({ content }) => content).join('')).toBe(text.repeat(3));
    expect(Math.max(...told.map(({ tokens }) => tokens))).toBeLessThanOrEqual(200);
  });

  it.each([
    ['in Retry-After', { 'Retry-After': '7' }, 'slow down', 7_000],
    ['in x-retry-after alone', { 'x-retry-after': '3' }, 'slow down', 3_000],
    ['in its text alone', {}, 'request reached organization max RPM: 20, please try again after 2 seconds', 2_000],
  ])('a wait %s is waited', async (_, headers, message, expected) => {
    const { api } = await startBench('over HTTP');
    let refusing = true;
    const fetch = through(api.fetch, async ({ path, send }) => {
      if (!refusing || !path.endsWith('/chat/completions')) return send();
      refusing = false;
      return Response.json({ error: { message, type: 'rate_limit_reached_error' } }, { status: 429, headers });
    });
    const client = clientOf(api, { fetch });
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const agent = await RollingSession.open(client, { ...SMALL, sleep });
    await agent.complete('one');
    expect(waits).toEqual([expected]);
  });
});
