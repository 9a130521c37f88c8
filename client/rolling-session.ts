import { APIUserAbortError } from 'openai';
import type { InputMessage, ToolCall } from '../contract/messages.ts';
import type { Session, SessionMessage } from '../contract/sessions.ts';
import { CheckpointState, fingerprint, markOf, newState, readState } from './checkpoint.ts';
import { turnDefaults } from './defaults.ts';
import { RollingSessionError } from './errors.ts';
import type { KimiClient } from './kimi-client.ts';
import { readOpenCalls, requireOpen, type ToolResult } from './rolling/calls.ts';
import {
  type AppendOptions,
  type CallOptions,
  Events,
  type RollingContext,
  type RollingEvents,
  type RollingOptions,
  type Settings,
  send,
  type TurnOptions,
  toSettings,
} from './rolling/context.ts';
import { thresholds } from './rolling/decide-shrink.ts';
import { Density, type TextSource } from './rolling/fit.ts';
import { findInSnapshots, readHistory } from './rolling/history.ts';
import { appendMessage, appendText, beginTurn, settle, settleRollback } from './rolling/pending.ts';
import { shrinkOrDefer } from './rolling/shrink.ts';
import { carryOutTurn, type TurnResult } from './rolling/turn.ts';

/**
 * An agent's session that never overflows and survives a kill at any point. After each round that leaves the window over
 * `maxKeep` it takes a snapshot and cuts. Every step is written to the checkpoint before it is sent, under a key that the
 * checkpoint determines, so that a step that is repeated has its effect once. One call at a time.
 */
export class RollingSession implements AsyncDisposable {
  readonly #context: RollingContext;
  readonly #persistent: boolean;
  #busy = false;

  private constructor(context: RollingContext, persistent: boolean) {
    this.#context = context;
    this.#persistent = persistent;
  }

  /**
   * Opens the session that the checkpoint names, or creates one.
   * @throws CheckpointError for a checkpoint that cannot be used, RangeError for sizes that exclude each other
   * @example
   * ```ts
   * const agent = await RollingSession.open(client, { maxKeep: 180_000, checkpoint: fileCheckpoint('.agent.json') });
   * for await (const text of agent.chat('Review src/app.ts')) process.stdout.write(text);
   * ```
   */
  static async open(client: KimiClient, options: RollingOptions = {}): Promise<RollingSession> {
    return new RollingSession(await openContext(client, options), options.checkpoint !== undefined);
  }

  get sessionId(): string {
    return this.#context.checkpoint.session.id;
  }

  /** Turns that are committed. One that was interrupted counts once it is finished. */
  get turns(): number {
    return this.#context.checkpoint.state.turns;
  }

  /**
   * Tool calls of the last turn that wait for their results; none while something is `pending`, which `resume` finishes.
   * @example
   * ```ts
   * await agent.resume();
   * while (agent.openCalls.length > 0) await agent.answer(await Promise.all(agent.openCalls.map(runTool)));
   * ```
   */
  get openCalls(): readonly ToolCall[] {
    return this.pending ? [] : (this.#context.checkpoint.state.calls ?? []);
  }

  /** Tokens in the window after the last step. */
  get tokens(): number {
    return this.#context.checkpoint.session.tokens;
  }

  /** Snapshots taken when the window was shrunk, oldest first. */
  get snapshots(): readonly string[] {
    return this.#context.checkpoint.state.snapshots.map(({ id }) => id);
  }

  /** Whether something was interrupted that the next call finishes first. */
  get pending(): boolean {
    const { write, shrink, rollback } = this.#context.checkpoint.state;
    return write !== null || shrink !== null || rollback !== null;
  }

  get events(): Events<RollingEvents> {
    return this.#context.events;
  }

  /**
   * One round: yields the answer's text as it comes, returns the turn. After an error or a crash the same input continues the
   * same turn, and does not begin another. Ending the iteration early gives the turn up.
   */
  chat(input: string | readonly InputMessage[], options: TurnOptions = {}): AsyncGenerator<string, TurnResult> {
    return this.#carryOut(typeof input === 'string' ? [{ role: 'user', content: input }] : input, options);
  }

  /**
   * The results of the open calls, and the turn that follows. After an error or a crash the same results continue the same
   * turn. To see its text as it comes, give `chat` the results as messages of role `tool`.
   * @throws RollingSessionError `open_calls` where a call has no result, `no_open_calls` for a result without a call
   */
  async answer(results: readonly ToolResult[], options: TurnOptions = {}): Promise<TurnResult> {
    const messages = results.map(({ tool_call_id, content }) => ({ role: 'tool' as const, tool_call_id, content }));
    return lastOf(this.#carryOut(messages, options, requireOpen));
  }

  /** @param check refuses messages that do not fit the calls that are open once what was pending is finished */
  async *#carryOut(
    messages: readonly InputMessage[],
    options: TurnOptions,
    check?: typeof requireOpen,
  ): AsyncGenerator<string, TurnResult> {
    const { signal } = options;
    this.#acquireLock();
    let asked = '';
    let ended = false;
    try {
      asked = await fingerprint(messages);
      const found = await settle(this.#context, asked, signal);
      let result: TurnResult;
      if (found && found !== 'pending') {
        if (found.text !== '') yield found.text;
        result = found;
      } else {
        if (!found) check?.(this.#context.checkpoint.state.calls ?? [], messages);
        if (!found) await beginTurn(this.#context, messages, asked, options);
        result = yield* carryOutTurn(this.#context, found === 'pending', signal);
      }
      await shrinkOrDefer(this.#context, signal);
      ended = true;
      return result;
    } catch (error) {
      ended = !(error instanceof APIUserAbortError);
      throw error;
    } finally {
      if (!ended) await this.#giveUp(asked);
      this.#busy = false;
    }
  }

  /** As `chat`, for the turn alone. */
  async complete(input: string | readonly InputMessage[], options: TurnOptions = {}): Promise<TurnResult> {
    return lastOf(this.chat(input, options));
  }

  /** Finishes now what was interrupted, which otherwise the next call does first. */
  async resume({ signal }: CallOptions = {}): Promise<void> {
    await this.#exclusively(signal, async () => undefined);
  }

  /**
   * Appends text of any size, in pieces that fit one write each; the window rolls on the way where it has to.
   * @returns how much was appended now, in UTF-16 units
   */
  async append(source: TextSource, options: AppendOptions = {}): Promise<{ chars: number }> {
    return this.#exclusively(options.signal, async () => ({ chars: await appendText(this.#context, source, options) }));
  }

  /**
   * Finds what the snapshots hold of the words of a query and puts it back at the tail, at most 2K tokens of it.
   * @returns the messages found, newest first
   */
  async recall(query: string, { signal }: CallOptions = {}): Promise<SessionMessage[]> {
    return this.#exclusively(signal, async () => {
      const { messages, text } = await findInSnapshots(this.#context, query, signal);
      if (text !== undefined) await appendMessage(this.#context, { role: 'user', content: text }, signal);
      return messages;
    });
  }

  /**
   * Brings back a snapshot: the one of so many shrinkings ago, or the one with this id. Later ones are forgotten.
   * @param preserveLen how much of it, instead of what the cut left; `all` for the whole window as it stood
   */
  async rollback(
    target: number | string = 1,
    { preserveLen, signal }: CallOptions & { preserveLen?: number | 'all' } = {},
  ): Promise<void> {
    this.#acquireLock();
    try {
      const { checkpoint } = this.#context;
      const snapshot_id = typeof target === 'string' ? target : checkpoint.state.snapshots.at(-target)?.id;
      if (snapshot_id === undefined || target === 0) throw new RollingSessionError('no_snapshot');
      // What is pending would be undone: it is dropped, and cannot take effect behind the version that comes of this.
      const step = checkpoint.nextStep;
      const rollback = { step, snapshot_id, preserve_len: preserveLen ?? null };
      await checkpoint.save({ step, rollback, write: null, shrink: null });
      await settleRollback(this.#context, false, signal);
    } finally {
      this.#busy = false;
    }
  }

  /** The whole transcript, oldest first, each message once and as it was before any cut. */
  history({ signal }: CallOptions = {}): AsyncGenerator<SessionMessage, void> {
    return readHistory(this.#context, signal);
  }

  /** Ends the session on the server. Its snapshots stay. */
  async delete({ signal }: CallOptions = {}): Promise<void> {
    await this.#context.client.sessions.delete(this.sessionId, { signal });
  }

  /** A session that a checkpoint remembers stays for the next time; another could not be found again, and is deleted. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#persistent) await this.delete();
  }

  /** Only the turn itself: what was pending before it, and a piece of a document, is finished by the next call. */
  async #giveUp(asked: string): Promise<void> {
    const { checkpoint } = this.#context;
    const { write } = checkpoint.state;
    if (write?.kind === 'turn' && write.input === asked)
      await checkpoint.save({ write: { ...write, cancelled: true } });
  }

  async #exclusively<Value>(signal: AbortSignal | undefined, work: () => Promise<Value>): Promise<Value> {
    this.#acquireLock();
    try {
      await settle(this.#context, undefined, signal);
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  #acquireLock(): void {
    if (this.#busy) throw new RollingSessionError('busy');
    this.#busy = true;
  }
}

async function lastOf(turn: AsyncGenerator<string, TurnResult>): Promise<TurnResult> {
  for (;;) {
    const step = await turn.next();
    if (step.done) return step.value;
  }
}

/** Goes on where the checkpoint says, or begins. Only reads where there is a session already. */
async function openContext(client: KimiClient, options: RollingOptions): Promise<RollingContext> {
  const asked = toSettings(options);
  const events = new Events<RollingEvents>();
  const saved = readState(await options.checkpoint?.load());
  const checkpoint = new CheckpointState(saved ?? newState(), options.checkpoint);
  const known = checkpoint.state.session?.id ?? options.sessionId;
  // Nothing is created before it is written down under which name, so that it can be found again.
  if (!saved) await checkpoint.save({});
  const session =
    known === undefined
      ? await create({ client, settings: asked, events }, checkpoint, options, saved !== undefined)
      : await client.sessions.retrieve(known, { signal: options.signal });
  const settings = toSettings(options, session);
  const { windowTokens: window_tokens } = turnDefaults(settings.model, session.limits.window_tokens);
  const limits = { ...session.limits, window_tokens };
  try {
    requireRoom(settings, { ...session, limits }, options.instructions === undefined ? 0 : 1);
  } catch (error) {
    // Nobody could find it again.
    if (known === undefined && options.checkpoint === undefined) await client.sessions.delete(session.id);
    throw error;
  }
  await adopt(client, checkpoint, session, known !== undefined, options.signal);
  const density = new Density(limits.append_tokens);
  return { client, settings, checkpoint, events, limits, density, refusals: { last: undefined } };
}

/** Takes over where the session stands, unless something is pending that was meant for the version before. */
async function adopt(
  client: KimiClient,
  checkpoint: CheckpointState,
  session: Session,
  existed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { settled, session: mark, write, shrink, rollback, calls: known } = checkpoint.state;
  const pending = write !== null || shrink !== null || rollback !== null;
  const isCurrent = mark !== null && (pending || (mark.version === session.version && known !== undefined));
  if (isCurrent && settled.weak < 2) return;
  const calls = isCurrent ? known : existed ? await readOpenCalls(client, session.id, signal) : [];
  await checkpoint.save({
    session: isCurrent && mark ? mark : markOf(session, (calls ?? []).length > 0),
    ...(calls && { calls }),
    // Whoever opens it again may have changed what was wrong: one more try.
    settled: { ...settled, weak: Math.min(settled.weak, 1) },
  });
}

type Creating = Pick<RollingContext, 'client' | 'settings' | 'events'>;

/** Creates the session, or finds the one that a process which is gone had created. */
async function create(
  creating: Creating,
  checkpoint: CheckpointState,
  options: RollingOptions,
  resumed: boolean,
): Promise<Session> {
  const { client, settings, events } = creating;
  const { id } = checkpoint.state;
  const { instructions, tools, title, metadata, signal } = options;
  const body = {
    model: settings.model,
    metadata: { ...metadata, rolling_session: id },
    ...(title !== undefined && { title }),
    ...(tools && { tools }),
    ...(instructions !== undefined && { messages: [{ role: 'system' as const, content: instructions, pinned: true }] }),
  };
  const found = resumed ? await findSession(client, id, signal) : undefined;
  if (resumed) events.emit('resume', { what: 'session', outcome: found ? 'found' : 'sent' });
  if (found) return found;
  const { value } = await send(creating, { key: checkpoint.key(0, 'create'), signal }, (request) =>
    client.sessions.create(body, request),
  );
  return value;
}

async function findSession(client: KimiClient, id: string, signal?: AbortSignal): Promise<Session | undefined> {
  for await (const session of client.sessions.list({ limit: 100 }, { signal })) {
    if (session.metadata.rolling_session === id) return session;
  }
  return undefined;
}

/** @param own messages that a new session begins with */
function requireRoom({ preserveLen, maxKeep, maxTokens }: Settings, { limits, usage }: Session, own: number): void {
  const { append_tokens: appendTokens, window_tokens: windowTokens, min_preserve_tokens: least } = limits;
  if (preserveLen < least)
    throw new RangeError(`preserveLen (${preserveLen}) must be at least ${least} on this server`);
  const { soft } = thresholds({ preserveLen, maxKeep, maxTokens, appendTokens, windowTokens, incoming: 0 });
  const staying = usage.messages <= own ? usage.total_tokens : usage.tools_tokens;
  if (soft > preserveLen && staying >= soft)
    throw new RangeError(
      `tools and instructions take ${staying} tokens, and no cut removes them; maxKeep (${maxKeep}, of which ${soft} can be used) must be more`,
    );
  if (soft > preserveLen) return;
  throw new RangeError(
    `maxTokens (${maxTokens}) and one write (${appendTokens}) leave ${soft} tokens of the window (${windowTokens}); preserveLen (${preserveLen}) must be less`,
  );
}
