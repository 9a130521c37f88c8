import { describe, expect, it } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { answerTo, collect, MemoryCheckpoint, noSleep, SMALL, startBench, transcript } from './support.ts';

const QUESTIONS = Array.from({ length: 12 }, (_, index) => `Question ${index}: ${'and so on, '.repeat(30)}`);
describe.each(TRANSPORTS)('a rolling session %s', (transport) => {
  it('snapshots and cuts, never leaves the window over its limit, and keeps the transcript', async () => {
    const { client, model } = await startBench(transport);
    const agent = await RollingSession.open(client, { ...SMALL, sleep: noSleep, instructions: 'Be exact.' });
    const windows: number[] = [];
    const order: string[] = [];
    agent.events.on('window', ({ tokens }) => windows.push(tokens));
    agent.events.on('snapshot', () => order.push('snapshot'));
    agent.events.on('truncate', ({ after }) => order.push(after <= SMALL.preserveLen ? 'cut' : 'too little'));

    for (const question of QUESTIONS) {
      const deltas = await collect(agent.chat(question));
      expect(deltas.length).toBeGreaterThan(1);
      expect(deltas.join('')).toBe(answerTo(question));
      expect(agent.tokens).toBeLessThanOrEqual(SMALL.maxKeep);
    }

    expect(agent.turns).toBe(QUESTIONS.length);
    expect(model.asked).toEqual(QUESTIONS);
    expect(Math.max(...windows)).toBeLessThanOrEqual(1_200);
    expect(agent.snapshots.length).toBeGreaterThan(1);
    expect(order).toEqual(agent.snapshots.flatMap(() => ['snapshot', 'cut']));
    const window = await collect(client.sessions.messages(agent.sessionId));
    expect(window[0]).toMatchObject({ role: 'system', content: 'Be exact.', pinned: true });
    const told = QUESTIONS.flatMap((question) => [`user: ${question}`, `assistant: ${answerTo(question)}`]);
    expect(transcript(await collect(agent.history()))).toEqual(['system: Be exact.', ...told]);
  });
});

describe('a rolling session', () => {
  it('goes on where its checkpoint says', async () => {
    const { client, model } = await startBench();
    const checkpoint = new MemoryCheckpoint();
    for (const question of QUESTIONS) {
      await using agent = await RollingSession.open(client, { ...SMALL, checkpoint });
      expect((await agent.complete(question)).text).toBe(answerTo(question));
    }
    const agent = await RollingSession.open(client, { ...SMALL, checkpoint });
    expect(agent.turns).toBe(QUESTIONS.length);
    expect(model.asked).toEqual(QUESTIONS);
    expect(await collect(agent.history())).toHaveLength(2 * QUESTIONS.length);
    expect((await client.sessions.list()).data).toHaveLength(1);
  });

  it('rolls back, by count and by id', async () => {
    const { client } = await startBench();
    const agent = await RollingSession.open(client, SMALL);
    for (const question of QUESTIONS) await agent.complete(question);
    const [first, second] = agent.snapshots;
    const before = await collect(agent.history());

    await agent.rollback(String(second));
    expect(agent.snapshots).toEqual([first, second]);
    expect(agent.turns).toBeLessThan(QUESTIONS.length);
    const after = await collect(agent.history());
    expect(transcript(after)).toEqual(transcript(before).slice(0, after.length));
    expect(after).toHaveLength(2 * agent.turns);

    await agent.rollback(2, { preserveLen: 'all' });
    expect(agent.snapshots).toEqual([first]);
    const archived = await client.sessions.snapshot.retrieve(String(first));
    expect(agent.tokens).toBe(archived.archived.total_tokens);
    await expect(agent.rollback(5)).rejects.toMatchObject({ code: 'no_snapshot' });
  });

  it('recalls what was cut, at most 2K tokens, at the tail', async () => {
    const { client } = await startBench();
    const agent = await RollingSession.open(client, SMALL);
    await agent.complete('The launch code is 4711.');
    for (const question of QUESTIONS) await agent.complete(question);
    const found = await agent.recall('LAUNCH code');
    expect(found.map(({ role }) => role)).toEqual(['assistant', 'user']);
    const window = await collect(client.sessions.messages(agent.sessionId));
    expect(window.at(-1)?.content).toContain('[user] The launch code is 4711.');
    expect(window.at(-1)?.tokens).toBeLessThanOrEqual(2_048);
    expect(await agent.recall('nobody ever said this')).toEqual([]);
  });

  it('is deleted with its scope where no checkpoint remembers it, and takes one call at a time', async () => {
    const { client } = await startBench();
    {
      await using agent = await RollingSession.open(client, SMALL);
      const first = agent.chat('one');
      await first.next();
      await expect(agent.complete('two')).rejects.toMatchObject({ code: 'busy' });
      await collect(first);
      expect((await client.sessions.list()).data).toHaveLength(1);
    }
    expect((await client.sessions.list()).data).toEqual([]);
  });
});
