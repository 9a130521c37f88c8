import { describe, expect, it, vi } from 'vitest';
import { ListWorld } from './list-world.ts';

const sized = (tokens: number) => ({ tokens, reasoning: 0, border: false });
const GROUP = { sizes: [sized(3)], held: false, system: false, grows: false };

describe('the collector', () => {
  it('keeps windows as they are on branches of branches, deeper than the store lets them grow', () => {
    const world = quietWorld();
    const session = world.create();
    world.append(session, { ...GROUP, held: true });
    for (let round = 0; round < 150; round += 1) {
      world.append(session, GROUP);
      world.rollback(session, world.snapshot(session, undefined), 'archived');
      if (round % 10 === 9) {
        world.truncate(session, 9);
        world.collectAll();
      }
    }
    for (const snapshot of world.snapshots) {
      expect(world.history.window(world.viewOf(snapshot, 'archived')).map((message) => message.id)).toEqual(
        snapshot.archived.map((item) => item.id),
      );
    }
    for (const snapshot of [...world.snapshots]) world.deleteSnapshot(snapshot);
    world.collectAll();
    expect(world.history.window(world.view(session)).map((message) => message.id)).toEqual(
      session.window.map((item) => item.id),
    );
    expect(world.countRows()).toMatchObject({ messages: session.window.length });
  });

  it('keeps the pins of a branch that begins below its floor', () => {
    const world = quietWorld();
    const session = world.create();
    world.append(session, { ...GROUP, held: true, system: true });
    for (let count = 0; count < 5; count += 1) world.append(session, GROUP);
    const snapshot = world.snapshot(session, 9);
    const fork = world.fork(snapshot);
    world.deleteSession(session);
    world.deleteSnapshot(snapshot);
    world.collectAll();
    world.shorten(fork);
    world.collectAll();
    expect(world.view(fork)).toMatchObject({ tokens: 5, messages: 2 });
    expect(world.countRows()).toMatchObject({ messages: 2, entries: 2 });
  });

  it('goes on after a restart where it had to stop', () => {
    const world = quietWorld();
    const session = world.create();
    world.append(session, { ...GROUP, sizes: Array.from({ length: 1_000 }, () => sized(1)) });
    world.deleteSession(session);
    expect(world.collector.slice()).toBe(true);
    const left = world.countRows().messages ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(1_000);
    const restarted = world.restartCollector();
    while (restarted.slice());
    expect(world.countRows()).toMatchObject({ segments: 0, entries: 0, messages: 0 });
  });

  it('says that it failed and lets the process live', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const world = new ListWorld();
    const session = world.create();
    world.collector.markDirty(world.view(session).segment);
    world.database.exec('DROP TABLE entries');
    await expect.poll(() => said.mock.calls.length).toBeGreaterThan(0);
    said.mockRestore();
  });
});

function quietWorld(): ListWorld {
  const world = new ListWorld();
  world.collector.close();
  return world;
}
