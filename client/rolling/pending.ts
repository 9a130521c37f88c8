import type { InputMessage } from '../../contract/messages.ts';
import { markOf, type PendingWrite } from '../checkpoint.ts';
import { turnDefaults } from '../defaults.ts';
import { isSessionError } from '../errors.ts';
import { readOpenCalls, withResults } from './calls.ts';
import {
  type AppendOptions,
  emitWindow,
  type RollingContext,
  type Settings,
  send,
  type TurnOptions,
} from './context.ts';
import { TURN_OVERHEAD } from './decide-shrink.ts';
import { fitUnsplittable, planWrites, readPieces, skipUnits, type TextSource } from './fit.ts';
import { makeRoom, settleShrink } from './shrink.ts';
import { carryOutTurn, findTurn, type TurnResult } from './turn.ts';
import { isConflict, makeWrites, sumBytes } from './write.ts';

/** Writes down the turn that is to be carried out, once it is known to fit. */
export async function beginTurn(
  context: RollingContext,
  messages: readonly InputMessage[],
  input: string,
  { params, abandonOpenCalls, signal }: TurnOptions,
): Promise<void> {
  const { client, settings, limits, density, checkpoint } = context;
  const whole = withResults(checkpoint.state.calls ?? [], messages, abandonOpenCalls ?? settings.abandonOpenCalls);
  const request = turnRequest(settings, limits, params);
  const limit = { client, model: request.model, appendTokens: limits.append_tokens, clip: settings.clip, signal };
  const fitting = await fitUnsplittable(whole, limit);
  const maxTokens = requireAnswerFits(request, limits);
  const incoming = density.tokens(sumBytes(fitting));
  const room = { incoming, maxTokens, betweenRounds: true };
  await makeRoom(context, room, signal);
  const writes = planWrites(fitting, density.maxBytes);
  await begin(context, { kind: 'turn', input, writes, request, document: null });
}

/** What the caller does not say is what the model takes: a sampling value that it fixes is left out. */
function turnRequest(settings: Settings, limits: RollingContext['limits'], params: TurnOptions['params'] = {}) {
  const model = params.model ?? settings.model;
  const temperature = settings.temperature ?? turnDefaults(model, limits.window_tokens).temperature;
  return {
    model,
    ...(params.max_tokens == null && { max_completion_tokens: settings.maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...params,
  };
}

/** Before anything is cut for it. @throws RangeError for an answer that no window has room for */
function requireAnswerFits(
  { max_completion_tokens, max_tokens }: ReturnType<typeof turnRequest>,
  { window_tokens, min_preserve_tokens }: RollingContext['limits'],
): number {
  const [field, maxTokens] =
    max_completion_tokens == null ? ['max_tokens', max_tokens ?? 0] : ['max_completion_tokens', max_completion_tokens];
  const most = window_tokens - min_preserve_tokens - TURN_OVERHEAD;
  if (maxTokens > most)
    throw new RangeError(`${field} (${maxTokens}) must be at most ${most} in a window of ${window_tokens} tokens`);
  return maxTokens;
}

/** Appends a text piece by piece. @returns how much was appended now, in UTF-16 units */
export async function appendText(
  context: RollingContext,
  source: TextSource,
  { role = 'user', id, signal }: AppendOptions,
): Promise<number> {
  const { checkpoint, density } = context;
  const skip = id === undefined ? 0 : (checkpoint.state.documents[id]?.chars ?? 0);
  let chars = skip;
  for await (const content of readPieces(skipUnits(source, skip), () => density.maxBytes)) {
    chars += content.length;
    const writes = planWrites([{ role, content }], density.maxBytes);
    const document = id === undefined ? null : { id, chars };
    await begin(context, { kind: 'append', input: '', writes, request: {}, document });
    await makeWrites(context, false, signal);
  }
  return chars - skip;
}

/** Appends one message. */
export async function appendMessage(context: RollingContext, message: InputMessage, signal?: AbortSignal) {
  await begin(context, { kind: 'append', input: '', writes: [[message]], request: {}, document: null });
  await makeWrites(context, false, signal);
}

async function begin({ checkpoint }: RollingContext, write: Omit<PendingWrite, 'step' | 'cancelled'>): Promise<void> {
  const step = checkpoint.nextStep;
  await checkpoint.save({ step, write: { ...write, step, cancelled: false } });
}

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
  const { checkpoint, events } = context;
  await settleRollback(context, true, signal);
  await settleShrink(context, true, signal);
  const { write } = checkpoint.state;
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
  const { client, checkpoint, events } = context;
  const { write } = checkpoint.state;
  if (!write) return undefined;
  const { id, version } = checkpoint.session;
  const step = checkpoint.nextStep;
  let result: TurnResult | undefined;
  try {
    const barrier = { key: checkpoint.key(write.step, `cancelled-${step}`), version, signal };
    await send(context, barrier, (options) => client.sessions.update(id, {}, options));
  } catch (error) {
    if (!isConflict(error)) throw error;
    if (write.writes.length === 1) result = await findTurn(context, write, signal);
    else {
      const session = await client.sessions.retrieve(id, { signal });
      const calls = await readOpenCalls(client, id, signal);
      await checkpoint.save({ session: markOf(session, calls.length > 0), calls });
    }
  }
  await checkpoint.save({ step: checkpoint.nextStep, write: null });
  events.emit('resume', { what: write.kind, outcome: result ? 'found' : 'dropped' });
  return result;
}

/** A rollback that is repeated brings back the same state. */
export async function settleRollback(context: RollingContext, resumed: boolean, signal?: AbortSignal): Promise<void> {
  const { client, checkpoint, events } = context;
  const { rollback } = checkpoint.state;
  if (!rollback) return;
  const { step, snapshot_id, preserve_len } = rollback;
  const body = { snapshot_id, ...(preserve_len !== null && { preserve_len }) };
  try {
    const { value } = await send(context, { key: checkpoint.key(step, 'rollback'), signal }, (options) =>
      client.sessions.rollback(checkpoint.session.id, body, options),
    );
    const place = checkpoint.state.snapshots.findIndex((snapshot) => snapshot.id === snapshot_id);
    const kept = place === -1 ? checkpoint.state.snapshots : checkpoint.state.snapshots.slice(0, place + 1);
    const documents = Object.entries(checkpoint.state.documents).filter(([, { after }]) => after < kept.length);
    await checkpoint.save({
      session: markOf(value, false),
      calls: [],
      turns: checkpoint.state.snapshots[place]?.turns ?? checkpoint.state.turns,
      snapshots: kept,
      settled: { tokens: 0, weak: 0 },
      documents: Object.fromEntries(documents),
      rollback: null,
    });
  } catch (error) {
    if (isSessionError(error)) await checkpoint.save({ rollback: null });
    throw error;
  }
  if (resumed) events.emit('resume', { what: 'rollback', outcome: 'sent' });
  emitWindow(context);
}
