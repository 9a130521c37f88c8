import { contentText } from '../../contract/content-text.ts';
import type { InputMessage } from '../../contract/messages.ts';
import type { Session, SessionMessage } from '../../contract/sessions.ts';
import { markOf, type PendingWrite } from '../checkpoint.ts';
import { isSessionError, RollingSessionError } from '../errors.ts';
import { callsAfter } from './calls.ts';
import { emitWindow, type RollingContext, send } from './context.ts';
import { isSplittable, messageBytes, planWrites } from './fit.ts';
import { countedTokens, isRefusal } from './remedy.ts';
import { makeRoom } from './shrink.ts';

/**
 * Makes the writes of what is pending, one after another, but for the one that goes with a turn's request. Each is written
 * down as made before the next is sent, and there is room for it before it is.
 * @param resumed true where another process, or an earlier call, may have sent the first of them
 */
export async function makeWrites(context: RollingContext, resumed: boolean, signal?: AbortSignal): Promise<void> {
  const { checkpoint } = context;
  let mayBeThere = resumed;
  for (let write = checkpoint.state.write; write; write = checkpoint.state.write) {
    const [messages] = write.writes;
    if (!messages || (write.kind === 'turn' && write.writes.length === 1)) break;
    const betweenRounds = write.kind === 'append';
    if (!mayBeThere) await makeRoom(context, { betweenRounds }, signal);
    await append(context, write, messages, signal);
    mayBeThere = false;
  }
  if (checkpoint.state.write?.kind === 'append') await finishAppend(context, checkpoint.state.write);
}

async function append(
  context: RollingContext,
  write: PendingWrite,
  messages: InputMessage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, checkpoint, density } = context;
  const { id, version } = checkpoint.session;
  const rest = { ...write, step: checkpoint.nextStep, writes: write.writes.slice(1) };
  try {
    const step = { key: checkpoint.key(write.step, 'append'), version, signal };
    const { value } = await send(context, step, (options) => client.sessions.append(id, { messages }, options));
    density.learn(sumBytes(messages), value.tokens);
    const open = staysOpen(checkpoint.session.open, messages);
    const calls = callsAfter(checkpoint.state.calls ?? [], messages);
    await checkpoint.save({ step: rest.step, session: markOf({ id, ...value }, open), calls, write: rest });
    emitWindow(context);
  } catch (error) {
    if (isConflict(error)) return settleConflict(context, write, messages, signal);
    if (isSessionError(error, 'append_too_large') && (await splitFurther(context, write, 0, error))) return;
    throw await refuse(context, error);
  }
}

async function settleConflict(
  context: RollingContext,
  write: PendingWrite,
  messages: InputMessage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { checkpoint } = context;
  const { committed, session } = await findOutcome(context, messages, false, signal);
  const open = committed ? staysOpen(checkpoint.session.open, messages) : checkpoint.session.open;
  const writes = committed ? write.writes.slice(1) : write.writes;
  const calls = callsAfter(checkpoint.state.calls ?? [], committed ? messages : []);
  const step = checkpoint.nextStep;
  await checkpoint.save({ step, session: markOf(session, open), calls, write: { ...write, step, writes } });
}

async function finishAppend({ checkpoint }: RollingContext, { document }: PendingWrite): Promise<void> {
  const after = checkpoint.state.snapshots.length;
  const documents = document && { ...checkpoint.state.documents, [document.id]: { chars: document.chars, after } };
  await checkpoint.save({ write: null, ...(documents && { documents }) });
}

/** Cuts write `place`, refused for its size, into smaller ones. @returns false where it cannot be cut */
export async function splitFurther(
  { checkpoint, density }: RollingContext,
  write: PendingWrite,
  place: number,
  { message }: Error,
) {
  const messages = write.writes[place] ?? [];
  const canSplit = messages.length > 1 || messages.some(isSplittable);
  if (!density.refused(sumBytes(messages), countedTokens(message)) || !canSplit) return false;
  const writes = write.writes.toSpliced(place, 1, ...planWrites(messages, density.maxBytes));
  const step = checkpoint.nextStep;
  await checkpoint.save({ step, write: { ...write, step, writes } });
  return true;
}

/** Forgets what is pending where the server has refused it for good. @returns the error, to be thrown */
export async function refuse({ checkpoint }: RollingContext, error: unknown): Promise<unknown> {
  if (isRefusal(error)) await checkpoint.save({ write: null });
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

/** How far back the outcome of a step is looked for. */
const MOST_NEWER = 400;
const PAGE = 100;

interface Outcome {
  committed: boolean;
  /** The assistant's message, where the step was a turn that is committed and had an answer. */
  reply: SessionMessage | undefined;
  session: Session;
}

/**
 * What became of a write, read from the session itself. Needed where the server no longer remembers the write's key (24
 * hours), and has refused it because the session has changed since: by this write, or by another writer.
 * @throws RollingSessionError `diverged`
 */
export async function findOutcome(
  { client, checkpoint }: RollingContext,
  sent: readonly InputMessage[],
  isTurn: boolean,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const mark = checkpoint.session;
  const session = await client.sessions.retrieve(mark.id, { signal });
  const newer = session.usage.messages - mark.messages;
  if (newer < 0 || newer > MOST_NEWER) throw new RollingSessionError('diverged');
  const found: SessionMessage[] = [];
  if (newer > 0) {
    for await (const message of client.sessions.messages(mark.id, { order: 'desc', limit: PAGE }, { signal })) {
      found.unshift(message);
      if (found.length === newer) break;
    }
  }
  const start = found.findIndex((_, place) => sent.every((message, index) => isSame(message, found[place + index])));
  if (start === -1 || (sent.length === 0 && newer === 0)) return { committed: false, reply: undefined, session };
  const next = found[start + sent.length];
  const reply = isTurn && next?.role === 'assistant' ? next : undefined;
  return { committed: true, reply, session };
}

function isSame(sent: InputMessage, stored: SessionMessage | undefined): boolean {
  if (!stored || stored.role !== sent.role) return false;
  const answers = sent.role === 'tool' ? sent.tool_call_id : undefined;
  return contentText(sent.content) === contentText(stored.content) && answers === stored.tool_call_id;
}
