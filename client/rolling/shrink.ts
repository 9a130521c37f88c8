import type { APIError } from 'openai';
import { markOf, type PendingShrink, type SessionMark } from '../checkpoint.ts';
import { isSessionError, RollingSessionError } from '../errors.ts';
import { emitWindow, type RollingContext, send } from './context.ts';
import { countWeak, decide, type ShrinkAction } from './decide-shrink.ts';
import { amended, isRefusal } from './remedy.ts';

type Truncate = Extract<ShrinkAction, { kind: 'truncate' }>;
type Compress = Extract<ShrinkAction, { kind: 'compress' }>;

interface Room {
  /** Where the session stands, if not where it was last written down. */
  session?: SessionMark;
  /** Tokens about to be written, where that is more than one write. */
  incoming?: number;
  /** Tokens of the longest answer, where a turn asks for another than usual. */
  maxTokens?: number;
  betweenRounds: boolean;
}

/**
 * The shrinking that the window needs now, if any, to be written down before it is carried out.
 * @throws RollingSessionError `not_shrinking`
 */
export function planShrink(
  { checkpoint, settings, limits, refusals }: RollingContext,
  { session = checkpoint.session, incoming = 0, maxTokens = settings.maxTokens, betweenRounds }: Room,
): PendingShrink | null {
  const { tokens, open } = session;
  const decision = decide(
    {
      tokens,
      windowTokens: limits.window_tokens,
      appendTokens: limits.append_tokens,
      maxTokens,
      maxKeep: settings.maxKeep,
      preserveLen: settings.preserveLen,
      incoming,
      betweenRounds,
      openCalls: open,
      settled: checkpoint.state.settled,
    },
    settings.policy,
  );
  if (decision.kind === 'stop') throw new RollingSessionError('not_shrinking', { cause: refusals.last });
  if (decision.kind === 'keep') return null;
  const { actions, enough } = decision;
  return { step: checkpoint.nextStep, actions: [...actions], enough, before: tokens, snapshot: null };
}

/**
 * Shrinks the window where it is needed.
 * @throws RollingSessionError `shrink_refused` where there is no room, and the server has refused to make any
 */
export async function makeRoom(context: RollingContext, room: Room, signal?: AbortSignal): Promise<void> {
  const { checkpoint, refusals } = context;
  const shrink = planShrink(context, room);
  if (!shrink) return;
  await checkpoint.save({ step: shrink.step, shrink });
  await settleShrink(context, false, signal);
  const nothingGained = checkpoint.session.tokens === shrink.before && refusals.last !== undefined;
  if (nothingGained && planShrink(context, { ...room, betweenRounds: false }))
    throw new RollingSessionError('shrink_refused', { cause: refusals.last });
}

/**
 * Carries out the shrinking that is written down, if any.
 * @param resumed true where another process, or an earlier call, may have begun it
 */
export async function settleShrink(context: RollingContext, resumed: boolean, signal?: AbortSignal): Promise<void> {
  const { checkpoint, events } = context;
  for (let shrink = checkpoint.state.shrink; shrink; shrink = checkpoint.state.shrink) {
    const [action] = shrink.actions;
    if (!action || checkpoint.session.tokens <= shrink.enough) {
      await finish(context, shrink);
      if (resumed) events.emit('resume', { what: 'shrink', outcome: 'sent' });
      return;
    }
    try {
      if (action.kind === 'compress') await compress(context, shrink, action, resumed, signal);
      else await truncate(context, shrink, action, resumed, signal);
      context.refusals.last = undefined;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await amendShrink(context, action, error);
    }
  }
}

/** In place of the action that was refused: what the refusal names, or nothing. A step of its own, as its keys name another. */
async function amendShrink({ checkpoint, events, refusals }: RollingContext, action: ShrinkAction, error: APIError) {
  const { shrink } = checkpoint.state;
  if (!shrink) return;
  const instead = amended(action, error, checkpoint.session.tokens);
  refusals.last = error;
  const step = checkpoint.nextStep;
  const actions = [...(instead ? [instead] : []), ...shrink.actions.slice(1)];
  await checkpoint.save({ step, shrink: { ...shrink, step, actions } });
  events.emit('refused', { action, error, instead: instead ?? null });
}

/** As the last part of a round, which is done: a failure is told, and what is left comes before the next turn. */
export async function shrinkOrDefer(context: RollingContext, signal?: AbortSignal): Promise<void> {
  try {
    await settleShrink(context, false, signal);
  } catch (error) {
    context.events.emit('deferred', { error });
  }
}

async function finish({ checkpoint, ...context }: RollingContext, shrink: PendingShrink): Promise<void> {
  const { tokens } = checkpoint.session;
  const before = checkpoint.state.settled.weak;
  // What was refused is not weak: nothing was shrunk.
  const refused = context.refusals.last !== undefined && tokens === shrink.before;
  const weak = refused ? before : countWeak(before, shrink.before, tokens);
  await checkpoint.save({ shrink: null, settled: { tokens, weak } });
  emitWindow({ checkpoint, ...context });
}

/** The snapshot first, written down before the cut is asked for. A cut that is repeated finds nothing more to cut. */
async function truncate(
  context: RollingContext,
  shrink: PendingShrink,
  { preserve_len }: Truncate,
  resumed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, checkpoint, events } = context;
  const { id, open, tokens: before } = checkpoint.session;
  const snapshotId = shrink.snapshot ?? (await takeSnapshot(context, shrink, preserve_len, resumed, signal));
  const { value } = await send(context, { key: checkpoint.key(shrink.step, 'truncate'), signal }, (options) =>
    client.sessions.truncate(id, { preserve_len }, options),
  );
  const session = markOf({ id, version: value.version, usage: value.after }, open);
  const rest = { ...shrink, snapshot: snapshotId, actions: shrink.actions.slice(1) };
  await checkpoint.save({ session, shrink: rest });
  events.emit('truncate', { before, after: session.tokens, snapshotId });
}

async function takeSnapshot(
  context: RollingContext,
  shrink: PendingShrink,
  preserve_len: number,
  resumed: boolean,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { client, checkpoint, events } = context;
  const metadata = { rolling_session: checkpoint.state.id, step: String(shrink.step) };
  const key = checkpoint.key(shrink.step, 'snapshot');
  // The key finds a snapshot that was taken within 24 hours; its metadata, one that is older.
  const snapshot =
    (resumed && (await findSnapshot(context, metadata.step, signal))) ||
    (
      await send(context, { key, signal }, (options) =>
        client.sessions.snapshots.create(checkpoint.session.id, { preserve_len, metadata }, options),
      )
    ).value;
  await saveSnapshot(context, shrink, snapshot.id);
  events.emit('snapshot', { snapshotId: snapshot.id, tokens: shrink.before });
  return snapshot.id;
}

async function findSnapshot({ client, checkpoint }: RollingContext, step: string, signal: AbortSignal | undefined) {
  const page = await client.sessions.snapshots.list({ session_id: checkpoint.session.id, limit: 5 }, { signal });
  return page.data.find(({ metadata }) => metadata.rolling_session === checkpoint.state.id && metadata.step === step);
}

async function saveSnapshot({ checkpoint }: RollingContext, shrink: PendingShrink, id: string): Promise<void> {
  const snapshots = [...checkpoint.state.snapshots, { id, turns: checkpoint.state.turns }];
  await checkpoint.save({ snapshots, shrink: { ...shrink, snapshot: id } });
}

/** Compress takes its snapshot itself. Repeated it would compress again, so it holds for the version it was meant for. */
async function compress(
  context: RollingContext,
  shrink: PendingShrink,
  { kind, ...params }: Compress,
  resumed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, checkpoint, events } = context;
  const { id, open, version, tokens: before } = checkpoint.session;
  const step = { key: checkpoint.key(shrink.step, kind), signal, ...(resumed && { version }) };
  const done = { ...shrink, actions: shrink.actions.slice(1) };
  try {
    const { value } = await send(context, step, (options) => client.sessions.compress(id, params, options));
    const session = markOf({ id, version: value.version, usage: value.after }, open);
    const snapshot = value.snapshot_id;
    const snapshots = snapshot ? [...checkpoint.state.snapshots, { id: snapshot, turns: checkpoint.state.turns }] : [];
    await checkpoint.save({ session, shrink: { ...done, snapshot }, ...(snapshot && { snapshots }) });
    events.emit('compress', { before, after: session.tokens, snapshotId: snapshot });
  } catch (error) {
    if (!isSessionError(error, 'version_conflict')) throw error;
    const session = markOf(await client.sessions.retrieve(id, { signal }), open);
    const [newest] = (await client.sessions.snapshots.list({ session_id: id, limit: 1 }, { signal })).data;
    await checkpoint.save({ session, shrink: done });
    const known = checkpoint.state.snapshots.some((snapshot) => snapshot.id === newest?.id);
    if (newest && !known && newest.archived.total_tokens === shrink.before)
      await saveSnapshot(context, done, newest.id);
  }
}
