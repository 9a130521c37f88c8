import fc from 'fast-check';
import { type Content, type SessionState, type SnapshotState, type State, totalOf } from './state.ts';
import { ACCOUNTS, LIMITS, type World } from './world.ts';

/** One step of a run: taken in the emulator and in the reference, which are then compared. */
export type Step = fc.AsyncCommand<State, World>;

/** A step that picks a session; skipped where there is none. */
export function onSession<Values extends { session: number }>(
  values: Values,
  name: string,
  run: (session: SessionState, state: State, world: World) => Promise<void>,
): Step {
  return {
    check: (state) => state.sessions.length > 0,
    run: (state, world) => run(pick(state.sessions, values.session), state, world),
    toString: () => `${name} ${JSON.stringify(values)}`,
  };
}

/** A step that picks a snapshot; skipped where there is none. */
export function onSnapshot<Values extends { snapshot: number }>(
  values: Values,
  name: string,
  run: (snapshot: SnapshotState, state: State, world: World) => Promise<void>,
): Step {
  return {
    check: (state) => state.snapshots.length > 0,
    run: (state, world) => run(pick(state.snapshots, values.snapshot), state, world),
    toString: () => `${name} ${JSON.stringify(values)}`,
  };
}

export function pick<Item>(items: readonly Item[], place: number): Item {
  const item = items[place % items.length];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

export function otherAccount(account: string): string {
  return account === ACCOUNTS[0] ? ACCOUNTS[1] : ACCOUNTS[0];
}

export const place = fc.nat(1_000);

/** A `preserve_len`: a number of its own, or so many per cent of what the window holds. */
type Preserve = number | { percent: number };

export const preserve: fc.Arbitrary<Preserve> = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 40, max: 2_100 }) },
  { weight: 6, arbitrary: fc.record({ percent: fc.integer({ min: 0, max: 105 }) }) },
);

export function resolve(asked: Preserve, content: Content): number {
  if (typeof asked === 'number') return asked;
  return Math.max(LIMITS.min_preserve_tokens, Math.ceil((totalOf(content) * asked.percent) / 100));
}
