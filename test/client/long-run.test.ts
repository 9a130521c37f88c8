import { describe, expect, it } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import { startEmulator } from '../support/emulator.ts';
import { readShared } from '../support/shared.ts';
import { clientOf, collect, MemoryCheckpoint, noSleep } from './support.ts';

/** Set KIMI_TEST_ROUNDS=2000 for the long one. */
const ROUNDS = Number(process.env.KIMI_TEST_ROUNDS ?? 120);
const LIMITS = { window_tokens: 16_384, append_tokens: 4_096, min_preserve_tokens: 1_024 };
const MEGABYTE = 2 ** 20;
const FACTS = { 'vault code': '7314', 'harbour pilot': 'Ottilie', 'spare key': 'under the third stone' };

interface Dialogue {
  messages: { role: string; content: string | null }[];
}

describe('a long run on real dialogues', () => {
  it('keeps the window under its limit, memory flat, and pinned facts answered', async (context) => {
    const dialogues = readShared(context, 'dialogues')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Dialogue);
    const inputs = dialogues.flatMap(({ messages }) =>
      messages.flatMap(({ role, content }) => ((role === 'user' || role === 'tool') && content ? [content] : [])),
    );
    const api = await startEmulator('in process', { limits: LIMITS });
    const client = clientOf(api);
    const facts = Object.entries(FACTS).map(([key, value]) => `The ${key} is ${value}.`);
    const agent = await RollingSession.open(client, {
      maxKeep: 11_000,
      preserveLen: 2_000,
      maxTokens: 256,
      instructions: facts.join(' '),
      checkpoint: new MemoryCheckpoint(),
      sleep: noSleep,
    });
    let highest = 0;
    agent.events.on('window', ({ tokens }) => {
      highest = Math.max(highest, tokens);
    });
    const heap: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await agent.complete(inputs[round % inputs.length] ?? '');
      if (round % 100 === 99) heap.push(process.memoryUsage().heapUsed);
    }
    expect(agent.turns).toBe(ROUNDS);
    expect(highest).toBeLessThanOrEqual(LIMITS.window_tokens);
    expect(agent.snapshots.length).toBeGreaterThan(ROUNDS / 200);
    for (const [key, value] of Object.entries(FACTS)) {
      expect((await agent.complete(`What is the ${key}?`)).text).toContain(value);
    }
    const [first = 0, ...later] = heap;
    if (later.length > 3) expect(Math.min(...later.slice(-3))).toBeLessThan(first + 64 * MEGABYTE);
    if (ROUNDS <= 500) {
      const told = await collect(agent.history());
      expect(told.filter(({ role }) => role === 'assistant').length).toBe(agent.turns);
    }
  });
});
