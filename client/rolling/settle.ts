import { isSessionError } from '../errors.ts';
import type { TurnResult } from './answer.ts';
import { type RollingContext, send, tellWindow } from './context.ts';
import { markOf } from './reconcile.ts';
import { settleShrink } from './shrink.ts';
import { carryOutTurn, findTurn } from './turn.ts';
import { isConflict, makeWrites } from './write.ts';

/**
 * Finishes what an earlier call, or a process that is gone, had begun; a turn only where it is not the one that the caller
 * asks for again.
 * @param input fingerprint of what the caller is about to send
 * @returns the turn that is pending and asked for again, as its answer where it is committed
 */
export async function settle(
  context: RollingContext,
  input: string | undefined,
  signal?: AbortSignal,
): Promise<'pending' | TurnResult | undefined> {
  const { ledger, events } = context;
  await settleRollback(context, true, signal);
  await settleShrink(context, true, signal);
  const { write } = ledger.state;
  if (!write) return undefined;
  if (write.cancelled) {
    const result = await settleCancelled(context, signal);
    return write.input === input ? result : undefined;
  }
  if (write.kind === 'turn') {
    if (write.input === input) return 'pending';
    for await (const _ of carryOutTurn(context, true, signal));
    return undefined;
  }
  await makeWrites(context, true, signal);
  events.emit('resume', { what: 'append', outcome: 'sent' });
  return undefined;
}

/**
 * A step that was given up is not sent again, but it may have taken effect. A change of nothing, for the version that the
 * step was meant for, waits until the session is idle and is refused where the step did.
 */
async function settleCancelled(context: RollingContext, signal?: AbortSignal): Promise<TurnResult | undefined> {
  const { client, ledger, events } = context;
  const { write } = ledger.state;
  if (!write) return undefined;
  const { id, version } = ledger.session;
  const step = ledger.nextStep;
  let result: TurnResult | undefined;
  try {
    const barrier = { key: ledger.key(write.step, `cancelled-${step}`), version, signal };
    await send(context, barrier, (options) => client.sessions.update(id, {}, options));
  } catch (error) {
    if (!isConflict(error)) throw error;
    if (write.writes.length === 1) result = await findTurn(context, write, signal);
    else {
      const session = await client.sessions.retrieve(id, { signal });
      await ledger.save({ session: markOf(session, ledger.session.open) });
    }
  }
  await ledger.save({ step: ledger.nextStep, write: null });
  events.emit('resume', { what: write.kind, outcome: result ? 'found' : 'dropped' });
  return result;
}

/** A rollback that is repeated brings back the same state. */
export async function settleRollback(context: RollingContext, resumed: boolean, signal?: AbortSignal): Promise<void> {
  const { client, ledger, events } = context;
  const { rollback } = ledger.state;
  if (!rollback) return;
  const { step, snapshot_id, preserve_len } = rollback;
  const body = { snapshot_id, ...(preserve_len !== null && { preserve_len }) };
  try {
    const { value } = await send(context, { key: ledger.key(step, 'rollback'), signal }, (options) =>
      client.sessions.rollback(ledger.session.id, body, options),
    );
    const place = ledger.state.snapshots.findIndex((snapshot) => snapshot.id === snapshot_id);
    const kept = place === -1 ? ledger.state.snapshots : ledger.state.snapshots.slice(0, place + 1);
    const documents = Object.entries(ledger.state.documents).filter(([, { after }]) => after < kept.length);
    await ledger.save({
      session: markOf(value, false),
      turns: ledger.state.snapshots[place]?.turns ?? ledger.state.turns,
      snapshots: kept,
      settled: { tokens: 0, weak: 0 },
      documents: Object.fromEntries(documents),
      rollback: null,
    });
  } catch (error) {
    if (isSessionError(error)) await ledger.save({ rollback: null });
    throw error;
  }
  if (resumed) events.emit('resume', { what: 'rollback', outcome: 'sent' });
  tellWindow(context);
}
