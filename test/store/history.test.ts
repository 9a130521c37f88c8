import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { View } from '../../emulator/store/entries.ts';
import { runs } from '../support/runs.ts';
import { ListWorld } from './list-world.ts';
import { type Item, toItem, tokensOf } from './reference-window.ts';
import { type Step, steps, take } from './steps.ts';

describe('the persistent list', () => {
  it('shows every window as a plain array would, whatever has been collected', () => {
    fc.assert(
      fc.property(steps(60), (taken) => {
        const world = play(taken);
        expectAllWindows(world);
        world.collectAll();
        expectAllWindows(world);
      }),
      { numRuns: runs(25) },
    );
  });

  it('keeps nothing once everything has been deleted', () => {
    fc.assert(
      fc.property(steps(40), (taken) => {
        const world = play(taken);
        for (const session of [...world.sessions]) world.deleteSession(session);
        for (const snapshot of [...world.snapshots]) world.deleteSnapshot(snapshot);
        world.collectAll();
        expect(world.countRows()).toEqual({ sessions: 0, snapshots: 0, segments: 0, entries: 0, messages: 0 });
      }),
      { numRuns: runs(25) },
    );
  });

  it('keeps only the messages that some window shows', () => {
    fc.assert(
      fc.property(steps(40), (taken) => {
        const world = play(taken);
        world.collectAll();
        const windows = [
          ...world.sessions.map((session) => session.window),
          ...world.snapshots.flatMap(({ archived, restored }) => [archived, restored]),
        ];
        const shown = new Set(windows.flat().map((item) => item.text));
        expect(world.countRows().messages).toBe(shown.size);
      }),
      { numRuns: runs(25) },
    );
  });
});

function play(taken: readonly Step[]): ListWorld {
  const world = new ListWorld();
  world.collector.close();
  for (const step of taken) take(world, step);
  return world;
}

function expectAllWindows(world: ListWorld): void {
  for (const session of world.sessions) expectWindow(world, world.view(session), session.window);
  for (const snapshot of world.snapshots) {
    expectWindow(world, world.viewOf(snapshot, 'archived'), snapshot.archived);
    expectWindow(world, world.viewOf(snapshot, 'restored'), snapshot.restored);
  }
}

function expectWindow({ history }: ListWorld, view: View, expected: readonly Item[]): void {
  const window = history.window(view);
  const shown = expected.map(({ dropped, ...item }) => item);
  expect(window.map((message) => ({ ...toItem(message), border: false }))).toEqual(
    shown.map((item) => ({ ...item, border: false })),
  );
  expect(view).toMatchObject({ tokens: tokensOf(expected), messages: expected.length });
  expect(history.measure(view)).toEqual(view);
  for (const order of ['asc', 'desc'] as const) {
    const whole = order === 'asc' ? expected : expected.toReversed();
    for (let place = 0; place < whole.length; place += Math.ceil(whole.length / 3)) {
      const last = whole[place - 1];
      const after = last && history.find(view, last.id)?.seq;
      const page = history.page(view, { order, limit: 3, ...(after !== undefined && { after }) });
      expect(page.map((message) => message.id)).toEqual(whole.slice(place, place + 3).map((item) => item.id));
    }
  }
}
