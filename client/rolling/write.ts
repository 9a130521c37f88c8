import { APIError } from 'openai';
import type { InputMessage } from '../../contract/messages.ts';
import type { PendingWrite } from '../checkpoint.ts';
import { isSessionError } from '../errors.ts';
import { type RollingContext, send, tellWindow } from './context.ts';
import { isSplittable, messageBytes, planWrites } from './plan-writes.ts';
import { findOutcome, markOf } from './reconcile.ts';
import { makeRoom } from './shrink.ts';

/** Statuses of a refusal that changed nothing and would come again. */
const REFUSED: readonly unknown[] = [400, 413, 422];

/**
 * Makes the writes of what is pending, one after another, but for the one that goes with a turn's request. Each is written
 * down as made before the next is sent, and there is room for it before it is.
 * @param resumed true where another process, or an earlier call, may have sent the first of them
 */
export async function makeWrites(context: RollingContext, resumed: boolean, signal?: AbortSignal): Promise<void> {
  const { ledger } = context;
  let mayBeThere = resumed;
  for (let write = ledger.state.write; write; write = ledger.state.write) {
    const [messages] = write.writes;
    if (!messages || (write.kind === 'turn' && write.writes.length === 1)) break;
    const betweenRounds = write.kind === 'append';
    if (!mayBeThere) await makeRoom(context, { betweenRounds }, signal);
    await append(context, write, messages, signal);
    mayBeThere = false;
  }
  if (ledger.state.write?.kind === 'append') await finishAppend(context, ledger.state.write);
}

async function append(
  context: RollingContext,
  write: PendingWrite,
  messages: InputMessage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, ledger, density } = context;
  const { id, version } = ledger.session;
  const rest = { ...write, step: ledger.nextStep, writes: write.writes.slice(1) };
  try {
    const step = { key: ledger.key(write.step, 'append'), version, signal };
    const { value } = await send(context, step, (options) => client.sessions.append(id, { messages }, options));
    density.learn(sumBytes(messages), value.tokens);
    const open = staysOpen(ledger.session.open, messages);
    await ledger.save({ step: rest.step, session: markOf({ id, ...value }, open), write: rest });
    tellWindow(context);
  } catch (error) {
    if (isConflict(error)) return settleConflict(context, write, messages, signal);
    if (isSessionError(error, 'append_too_large') && (await splitFurther(context, write, 0))) return;
    throw await refuse(context, error);
  }
}

async function settleConflict(
  context: RollingContext,
  write: PendingWrite,
  messages: InputMessage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { ledger } = context;
  const { committed, session } = await findOutcome(context, messages, false, signal);
  const open = committed ? staysOpen(ledger.session.open, messages) : ledger.session.open;
  const writes = committed ? write.writes.slice(1) : write.writes;
  const step = ledger.nextStep;
  await ledger.save({ step, session: markOf(session, open), write: { ...write, step, writes } });
}

async function finishAppend({ ledger }: RollingContext, { document }: PendingWrite): Promise<void> {
  const after = ledger.state.snapshots.length;
  const documents = document && { ...ledger.state.documents, [document.id]: { chars: document.chars, after } };
  await ledger.save({ write: null, ...(documents && { documents }) });
}

/** Cuts write `place`, refused for its size, into smaller ones. @returns false where it cannot be cut */
export async function splitFurther({ ledger, density }: RollingContext, write: PendingWrite, place: number) {
  const messages = write.writes[place] ?? [];
  const canSplit = messages.length > 1 || messages.some(isSplittable);
  if (!density.refused(sumBytes(messages)) || !canSplit) return false;
  const writes = write.writes.toSpliced(place, 1, ...planWrites(messages, density.maxBytes));
  const step = ledger.nextStep;
  await ledger.save({ step, write: { ...write, step, writes } });
  return true;
}

/** Forgets what is pending where the server has refused it for good. @returns the error, to be thrown */
export async function refuse({ ledger }: RollingContext, error: unknown): Promise<unknown> {
  if (error instanceof APIError && REFUSED.includes(error.status)) await ledger.save({ write: null });
  return error;
}

/** Whether the session, or what the server remembers under the key, is not what this step was meant for. */
export function isConflict(error: unknown): boolean {
  return isSessionError(error, 'version_conflict') || isSessionError(error, 'idempotency_mismatch');
}

export function sumBytes(messages: readonly InputMessage[]): number {
  return messages.reduce((sum, message) => sum + messageBytes(message), 0);
}

/** Calls stay open until all their results are there; a plain message can only follow when they are. */
function staysOpen(open: boolean, messages: readonly InputMessage[]): boolean {
  const last = messages.at(-1);
  if (last?.role === 'tool') return open;
  return last?.role === 'assistant' && (last.tool_calls?.length ?? 0) > 0;
}
