import { APIUserAbortError } from 'openai';
import type { InputMessage } from '../contract/messages.ts';
import type { SessionMessage } from '../contract/sessions.ts';
import type { Events } from './events.ts';
import { fingerprint } from './fingerprint.ts';
import type { KimiClient } from './kimi-client.ts';
import type { TurnResult } from './rolling/answer.ts';
import { appendMessage, appendText, beginTurn } from './rolling/begin.ts';
import type { RollingContext, RollingEvents } from './rolling/context.ts';
import { RollingSessionError } from './rolling/errors.ts';
import { findInSnapshots, readHistory } from './rolling/history.ts';
import { openContext } from './rolling/open.ts';
import type { AppendOptions, CallOptions, RollingOptions, TurnOptions } from './rolling/settings.ts';
import { settle, settleRollback } from './rolling/settle.ts';
import { shrinkOrDefer } from './rolling/shrink.ts';
import type { TextSource } from './rolling/split-text.ts';
import { carryOutTurn } from './rolling/turn.ts';

/**
 * An agent's session that never overflows and survives a kill at any point. After each round that leaves the window over
 * `maxKeep` it takes a snapshot and cuts. Every step is written to the checkpoint before it is sent, under a key that the
 * checkpoint determines, so that a step that is repeated has its effect once. One call at a time.
 */
export class RollingSession implements AsyncDisposable {
  readonly #context: RollingContext;
  readonly #lasts: boolean;
  #busy = false;

  private constructor(context: RollingContext, lasts: boolean) {
    this.#context = context;
    this.#lasts = lasts;
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
    return this.#context.ledger.session.id;
  }

  /** Turns that are committed. One that was interrupted counts once it is finished. */
  get turns(): number {
    return this.#context.ledger.state.turns;
  }

  /** Tokens in the window after the last step. */
  get tokens(): number {
    return this.#context.ledger.session.tokens;
  }

  /** Snapshots taken when the window was shrunk, oldest first. */
  get snapshots(): readonly string[] {
    return this.#context.ledger.state.snapshots.map(({ id }) => id);
  }

  /** Whether something was interrupted that the next call finishes first. */
  get pending(): boolean {
    const { write, shrink, rollback } = this.#context.ledger.state;
    return write !== null || shrink !== null || rollback !== null;
  }

  get events(): Events<RollingEvents> {
    return this.#context.events;
  }

  /**
   * One round: yields the answer's text as it comes, returns the turn. After an error or a crash the same input continues the
   * same turn, and does not begin another. Ending the iteration early gives the turn up.
   */
  async *chat(input: string | readonly InputMessage[], options: TurnOptions = {}): AsyncGenerator<string, TurnResult> {
    const { signal } = options;
    this.#enter();
    const messages = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input;
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
    const turn = this.chat(input, options);
    for (;;) {
      const step = await turn.next();
      if (step.done) return step.value;
    }
  }

  /** Finishes now what was interrupted, which otherwise the next call does first. */
  async resume({ signal }: CallOptions = {}): Promise<void> {
    await this.#alone(signal, async () => undefined);
  }

  /**
   * Appends text of any size, in pieces that fit one write each; the window rolls on the way where it has to.
   * @returns how much was appended now, in UTF-16 units
   */
  async append(source: TextSource, options: AppendOptions = {}): Promise<{ chars: number }> {
    return this.#alone(options.signal, async () => ({ chars: await appendText(this.#context, source, options) }));
  }

  /**
   * Finds what the snapshots hold of the words of a query and puts it back at the tail, at most 2K tokens of it.
   * @returns the messages found, newest first
   */
  async recall(query: string, { signal }: CallOptions = {}): Promise<SessionMessage[]> {
    return this.#alone(signal, async () => {
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
    this.#enter();
    try {
      const { ledger } = this.#context;
      const snapshot_id = typeof target === 'string' ? target : ledger.state.snapshots.at(-target)?.id;
      if (snapshot_id === undefined || target === 0) throw new RollingSessionError('no_snapshot');
      // What is pending would be undone: it is dropped, and cannot take effect behind the version that comes of this.
      const step = ledger.nextStep;
      const rollback = { step, snapshot_id, preserve_len: preserveLen ?? null };
      await ledger.save({ step, rollback, write: null, shrink: null });
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
    if (!this.#lasts) await this.delete();
  }

  /** Only the turn itself: what was pending before it, and a piece of a document, is finished by the next call. */
  async #giveUp(asked: string): Promise<void> {
    const { ledger } = this.#context;
    const { write } = ledger.state;
    if (write?.kind === 'turn' && write.input === asked) await ledger.save({ write: { ...write, cancelled: true } });
  }

  async #alone<Value>(signal: AbortSignal | undefined, work: () => Promise<Value>): Promise<Value> {
    this.#enter();
    try {
      await settle(this.#context, undefined, signal);
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  #enter(): void {
    if (this.#busy) throw new RollingSessionError('busy');
    this.#busy = true;
  }
}
