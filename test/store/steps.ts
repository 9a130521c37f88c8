import fc from 'fast-check';
import type { ListWorld, NewGroup } from './list-world.ts';

export type Step =
  | { kind: 'create' | 'shorten' | 'collect' }
  | { kind: 'append'; session: number; groups: NewGroup[] }
  | { kind: 'truncate'; session: number; share: number }
  | { kind: 'repin'; session: number; place: number }
  | { kind: 'snapshot'; session: number; share: number | undefined }
  | { kind: 'rollback'; session: number; snapshot: number; scope: 'archived' | 'restored' }
  | { kind: 'fork' | 'deleteSnapshot'; snapshot: number }
  | { kind: 'deleteSession'; session: number };

const pick = fc.nat(1_000);
const share = fc.integer({ min: 0, max: 110 });

const size = fc.record({
  tokens: fc.integer({ min: 1, max: 40 }),
  reasoning: fc.oneof(fc.constant(0), fc.nat(40)),
  border: fc.integer({ min: 0, max: 3 }).map((drawn) => drawn === 0),
});

const group: fc.Arbitrary<NewGroup> = fc.record({
  sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
  held: fc.boolean().chain((held) => (held ? fc.boolean() : fc.constant(false))),
  system: fc.boolean(),
  grows: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('create' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      session: pick,
      groups: fc.array(group, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('truncate' as const), session: pick, share }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shorten' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repin' as const), session: pick, place: pick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('snapshot' as const),
      session: pick,
      share: fc.option(share, { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('rollback' as const),
      session: pick,
      snapshot: pick,
      scope: fc.constantFrom('archived' as const, 'restored' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fork' as const), snapshot: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteSnapshot' as const), snapshot: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteSession' as const), session: pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('collect' as const) }) },
);

/** Any sequence of steps; shares are per cent of what stands in the window. */
export function steps(maxLength: number): fc.Arbitrary<Step[]> {
  return fc.array(step, { minLength: 1, maxLength, size: 'max' });
}

/** Takes a step. One that names what does not exist is skipped. */
export function take(world: ListWorld, step: Step): void {
  if (step.kind === 'create' || world.sessions.length === 0) {
    world.create();
    return;
  }
  const session = world.sessions[('session' in step ? step.session : 0) % world.sessions.length];
  const snapshot = world.snapshots['snapshot' in step ? step.snapshot % world.snapshots.length : 0];
  if (!session) return;
  const budget = (per: number) => Math.ceil((world.view(session).tokens * per) / 100);
  if (step.kind === 'collect') world.collectAll();
  if (step.kind === 'append') for (const group of step.groups) world.append(session, group);
  if (step.kind === 'truncate') world.truncate(session, budget(step.share));
  if (step.kind === 'shorten') world.shorten(session);
  if (step.kind === 'repin') world.repin(session, step.place);
  if (step.kind === 'snapshot') world.snapshot(session, step.share === undefined ? undefined : budget(step.share));
  if (step.kind === 'rollback' && snapshot) world.rollback(session, snapshot, step.scope);
  if (step.kind === 'fork' && snapshot) world.fork(snapshot);
  if (step.kind === 'deleteSnapshot' && snapshot) world.deleteSnapshot(snapshot);
  if (step.kind === 'deleteSession') world.deleteSession(session);
}
