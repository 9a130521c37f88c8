import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWindow } from '../../emulator/store/history.ts';
import { WindowMemory } from '../../emulator/store/window-memory.ts';
import { runs } from '../support/runs.ts';
import { ListWorld } from './list-world.ts';
import { steps, take } from './steps.ts';

const GROUP = { sizes: [{ tokens: 4, reasoning: 0, border: false }], held: false, system: false, grows: false };

async function expectEveryRead(world: ListWorld): Promise<void> {
  const { history } = world;
  const views = [
    ...world.sessions.map((session) => world.view(session)),
    ...world.snapshots.flatMap((snapshot) => [world.viewOf(snapshot, 'archived'), world.viewOf(snapshot, 'restored')]),
  ];
  for (const view of views) expect(await readWindow(history, view)).toEqual(history.window(view));
}

describe('windows that are remembered', () => {
  it.each([
    ['all of them', undefined],
    ['a few', 4_000],
  ])('are what the list holds, %s, after any steps, ids that are given again included', async (_, maxBytes) => {
    await fc.assert(
      fc.asyncProperty(steps(60), fc.array(fc.boolean()), async (taken, reads) => {
        const world = new ListWorld(new WindowMemory(maxBytes));
        world.collector.close();
        for (const [place, step] of taken.entries()) {
          take(world, step);
          if (reads[place % Math.max(1, reads.length)]) await expectEveryRead(world);
        }
        await expectEveryRead(world);
      }),
      { numRuns: runs(25) },
    );
  });

  it('are not mixed up with those of a session that is gone, whose segment had the same id', async () => {
    const world = new ListWorld();
    world.collector.close();
    const segments = new Set<number>();
    for (let n = 0; n < 3; n += 1) {
      const session = world.create();
      world.append(session, GROUP);
      segments.add(world.view(session).segment);
      await expectEveryRead(world);
      world.deleteSession(session);
      world.collectAll();
    }
    expect(segments.size).toBe(1);
  });

  it('are not mixed up with what a change that was rolled back had written', async () => {
    const world = new ListWorld();
    const session = world.create();
    world.append(session, GROUP);
    const view = world.view(session);
    const entry = (id: string) => {
      const message = {
        id,
        body: { role: 'user' as const, content: id },
        truncated: false,
        summary: false,
        createdAt: 0,
      };
      const flags = { pinned: false, held: false, opensGroup: true };
      return { message, tokens: 4, reasoning: 0, border: false, ...flags };
    };
    const write = world.database.transaction((id: string, fails: boolean) => {
      const written = world.history.branch(world.history.append(view, [entry(id)]));
      if (fails) throw new Error('as the test wants it to');
      return written;
    });
    await readWindow(world.history, view);
    expect(() => write('lost', true)).toThrow('as the test wants it to');
    const written = write('kept', false);
    const texts = (await readWindow(world.history, written)).map(({ body }) => body.content);
    expect(texts).toEqual([expect.any(String), 'kept']);
  });

  it('count what the parts of a message take, however short they are', async () => {
    const memory = new WindowMemory(2 ** 20);
    const world = new ListWorld(memory);
    const content = Array.from({ length: 5_000 }, () => ({ type: 'text' as const, text: 'a' }));
    const flags = { pinned: false, held: false, opensGroup: true };
    const view = world.view(world.create());
    const message = {
      id: 'm',
      body: { role: 'user' as const, content },
      truncated: false,
      summary: false,
      createdAt: 0,
    };
    const many = world.history.append(view, [{ message, tokens: 4, reasoning: 0, border: false, ...flags }]);
    await readWindow(world.history, world.history.branch(many));
    expect(memory.bytes).toBeGreaterThan(46 * content.length);
  });

  it('take no more than they may, whatever is read', async () => {
    const memory = new WindowMemory(20_000);
    const world = new ListWorld(memory);
    const sessions = Array.from({ length: 12 }, () => world.create());
    for (const session of [...sessions, ...sessions]) {
      for (let n = 0; n < 8; n += 1) {
        world.append(session, GROUP);
      }
      await readWindow(world.history, world.view(session));
      expect(memory.bytes).toBeLessThanOrEqual(20_000);
    }
    expect(memory.bytes).toBeGreaterThan(0);
    memory.clear();
    expect(memory.bytes).toBe(0);
  });
});
