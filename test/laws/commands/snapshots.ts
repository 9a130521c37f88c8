import fc from 'fast-check';
import { expect } from 'vitest';
import type { Session } from '../../../contract/sessions.ts';
import type { Snapshot } from '../../../contract/snapshots.ts';
import { onSession, onSnapshot, otherAccount, place, preserve, resolve, type Step } from '../command.ts';
import { keepWithin } from '../cut.ts';
import { expectRefusal, expectSession, expectWorld } from '../expectations.ts';
import type { Content, SnapshotState, State } from '../state.ts';
import { LIMITS, type World } from '../world.ts';
import { added, isFull } from './sessions.ts';

const maybePreserve = fc.option(preserve, { nil: undefined });

/** What a preserve_len keeps of a window, or the code with which it is refused. */
export function kept(world: World, content: Content, preserveLen: number | undefined): Content | string {
  if (preserveLen === undefined) return content;
  if (preserveLen < LIMITS.min_preserve_tokens) return 'preserve_len_too_small';
  const result = keepWithin(world.tokenizer, content, preserveLen);
  return 'least' in result ? 'preserve_len_too_small' : result;
}

const take = fc.record({ session: place, asked: maybePreserve }).map((values) =>
  onSession(values, 'snapshot', async (session, state, world) => {
    const preserve_len = values.asked === undefined ? undefined : resolve(values.asked, session.content);
    const path = `/v1/sessions/${session.id}/snapshots`;
    const reply = await world.api.post<Snapshot>(path, { preserve_len }, { key: session.account });
    const restored = kept(world, session.content, preserve_len);
    if (hasNoRoom(state, session.account)) return expectRefusal(world, state, reply as never, 'snapshot_limit_reached');
    if (typeof restored === 'string') return expectRefusal(world, state, reply as never, restored);
    state.snapshots.push({
      id: reply.body.id,
      account: session.account,
      sessionId: session.id,
      preserveLen: preserve_len ?? null,
      archived: session.content,
      restored,
      shareId: null,
    });
    await expectSession(world, session);
  }),
);

const rollback = fc
  .record({
    snapshot: place,
    session: place,
    astray: fc.nat(9),
    asked: fc.oneof(maybePreserve, fc.constant('all' as const)),
  })
  .map((values) =>
    onSnapshot(values, 'rollback', async (snapshot, state, world) => {
      const own = state.sessions.find((session) => session.id === snapshot.sessionId);
      const other = state.sessions[values.session % Math.max(1, state.sessions.length)];
      const session = values.astray === 0 ? other : own;
      if (!session) return;
      const preserve_len =
        values.asked === undefined || values.asked === 'all' ? values.asked : resolve(values.asked, snapshot.archived);
      const body = { snapshot_id: snapshot.id, preserve_len };
      const reply = await world.api.post(`/v1/sessions/${session.id}/rollback`, body, { key: session.account });
      if (session.account !== snapshot.account) return expectRefusal(world, state, reply, 'snapshot_not_found');
      if (session.id !== snapshot.sessionId) return expectRefusal(world, state, reply, 'snapshot_mismatch');
      const content = chosen(world, snapshot, preserve_len);
      if (typeof content === 'string') return expectRefusal(world, state, reply, content);
      session.version += 1;
      session.content = content;
      await expectSession(world, session);
    }),
  );

function chosen(
  world: World,
  { archived, restored }: SnapshotState,
  asked: number | 'all' | undefined,
): Content | string {
  if (asked === undefined) return restored;
  return asked === 'all' ? archived : kept(world, archived, asked);
}

const fork = fc.record({ snapshot: place, asked: maybePreserve, shared: fc.boolean() }).map((values) =>
  onSnapshot(values, 'fork', async (snapshot, state, world) => {
    if (values.shared && snapshot.shareId === null) await shareIt(snapshot, world);
    const { shareId } = snapshot;
    const viaShare = values.shared && shareId !== null;
    const key = viaShare ? otherAccount(snapshot.account) : snapshot.account;
    const source = viaShare ? snapshot.restored : snapshot.archived;
    const preserve_len = values.asked === undefined ? undefined : resolve(values.asked, source);
    const origin = viaShare ? { share_id: shareId } : { snapshot_id: snapshot.id };
    const reply = await world.api.post<Session>('/v1/sessions', { ...origin, preserve_len }, { key });
    const content = viaShare ? kept(world, source, preserve_len) : chosen(world, snapshot, preserve_len);
    if (typeof content === 'string') return expectRefusal(world, state, reply as never, content);
    if (isFull(state, key)) return expectRefusal(world, state, reply as never, 'session_limit_reached');
    expect(reply.body.forked_from).toEqual(origin);
    await added(state, world, { id: reply.body.id, account: key, version: 1, content });
  }),
);

const share = fc.record({ snapshot: place, on: fc.boolean() }).map((values) =>
  onSnapshot(values, 'share', async (snapshot, state, world) => {
    if (values.on) return shareIt(snapshot, world);
    const reply = await world.api.delete(`/v1/snapshots/${snapshot.id}/share`, { key: snapshot.account });
    if (snapshot.shareId === null) return expectRefusal(world, state, reply, 'share_not_found');
    expect(reply.body.share).toBeNull();
    snapshot.shareId = null;
  }),
);

/** Shares a snapshot; one that is shared already keeps its id. */
async function shareIt(snapshot: SnapshotState, world: World): Promise<void> {
  const { body } = await world.api.post<Snapshot>(`/v1/snapshots/${snapshot.id}/share`, {}, { key: snapshot.account });
  const id = body.share?.share_id ?? '';
  expect(id).toBe(snapshot.shareId ?? id);
  snapshot.shareId = id;
}

const remove = fc.record({ snapshot: place }).map((values) =>
  onSnapshot(values, 'delete snapshot', async (snapshot, state, world) => {
    const { status } = await world.api.delete(`/v1/snapshots/${snapshot.id}`, { key: snapshot.account });
    expect(status).toBe(200);
    state.snapshots.splice(state.snapshots.indexOf(snapshot), 1);
  }),
);

const restart = fc.constant<Step>({
  check: () => true,
  toString: () => 'collect and restart',
  async run(state, world) {
    await world.restart();
    await expectWorld(world, state);
  },
});

export function hasNoRoom(state: State, owner: string): boolean {
  return state.snapshots.filter((snapshot) => snapshot.account === owner).length >= LIMITS.snapshots;
}

export const snapshotSteps = [
  { weight: 4, arbitrary: take, restarts: false },
  { weight: 4, arbitrary: rollback, restarts: false },
  { weight: 3, arbitrary: fork, restarts: false },
  { weight: 2, arbitrary: share, restarts: false },
  { weight: 2, arbitrary: remove, restarts: false },
  { weight: 2, arbitrary: restart, restarts: true },
];
