import type { ErrorCode } from '../../contract/errors.ts';
import { ApiError, injectedError } from '../api-error.ts';
import { type NextItems, StreamCut } from '../http/streams.ts';
import type { FaultEffect, FaultEffectName } from './fault-spec.ts';
import type { Fault, Subject, Wait, Waited } from './faults.ts';

type Of<Name extends FaultEffectName> = Extract<FaultEffect, { effect: Name }>;

/**
 * The faults of one request, asked at the places where they act. All that match act, each at its own place; of two with the same
 * effect, the one that was added first. A fault that a request never reaches is not used up by it.
 */
export class RequestFaults {
  readonly #faults: readonly Fault[];
  readonly #subject: Subject;
  readonly #wait: Wait;
  readonly #onActed: (effect: FaultEffectName) => void;
  #slow: Match<'slow_stream'> | undefined;

  /** @param onActed called for each fault that acts */
  constructor(faults: readonly Fault[], subject: Subject, wait: Wait, onActed: (effect: FaultEffectName) => void) {
    this.#faults = faults;
    this.#subject = subject;
    this.#wait = wait;
    this.#onActed = onActed;
  }

  /** Uses up a fault that acts now, if there is one. */
  consume<Name extends FaultEffectName>(
    name: Name,
    when: (effect: Of<Name>) => boolean = () => true,
  ): Match<Name> | undefined {
    const taken = this.#of(name).find(({ fault, effect }) => when(effect) && fault.consume());
    if (taken) this.#onActed(name);
    return taken;
  }

  /** A fault that may still act, if there is one. */
  find<Name extends FaultEffectName>(name: Name): Match<Name> | undefined {
    return this.#of(name).find(({ fault }) => fault.remaining > 0);
  }

  /** Waits before anything is done. */
  async waitBeforeRequest(): Promise<Waited> {
    const delay = this.consume('delay');
    if (delay && (await this.#wait(delay.fault, delay.effect.ms)) === 'gone') return 'gone';
    const hang = this.consume('hang');
    return hang ? this.#wait(hang.fault) : 'continue';
  }

  /** Waits before an event of a stream. */
  waitBeforeEvent(): Promise<Waited> | Waited {
    this.#slow ??= this.consume('slow_stream');
    return this.#slow ? this.#wait(this.#slow.fault, this.#slow.effect.ms) : 'continue';
  }

  /** Called before anything is done. @throws ApiError */
  requireNoError(): void {
    const failing = this.consume('error');
    if (failing) throw this.#refusal('error', failing.effect.code);
  }

  /** Called when a session was found idle. @throws ApiError `session_busy` */
  requireIdle(session: string): void {
    if (this.consume('session_busy')) throw this.#refusal('session_busy', 'session_busy', session);
  }

  /** Called when a snapshot is looked up. @throws ApiError `snapshot_not_found` */
  requireSnapshot(id: string, param = 'snapshot_id'): void {
    if (!this.consume('snapshot_expired')) return;
    throw new ApiError('snapshot_not_found', { snapshot: id, param }, 'snapshot_expired');
  }

  /** Called when a summary is ready and nothing has changed yet. @throws ApiError as for an engine that fails */
  requireCompression(): void {
    if (this.consume('compress_fails')) throw this.#refusal('compress_fails', 'unexpected_output');
  }

  /** Called at the end of a transaction. @throws ApiError as for a disk error of the store */
  requireDisk(): void {
    if (this.consume('disk_full')) throw this.#refusal('disk_full', 'unexpected_output');
  }

  /**
   * Called when a request has passed its checks. Departure: the live API has no error for an engine that runs out of memory; it
   * answers one that fails with a 500.
   * @throws ApiError if the call has too many new tokens
   */
  requireMemory(newTokens: number): void {
    if (this.consume('window_pressure', ({ max_new_tokens }) => newTokens > max_new_tokens)) {
      throw this.#refusal('window_pressure', 'unexpected_output');
    }
  }

  /** Called when the answer of a successful request is ready: whether it is lost. */
  losesAnswer(): boolean {
    return this.consume('lose_answer') !== undefined;
  }

  /** The items of a streamed answer, slowed down and cut off by the faults. */
  faulty<Item>(next: NextItems<Item>, encode: (item: Item) => string): NextItems<Item> {
    const items = faultyItems(next, encode, this);
    return () => items.next();
  }

  /** Consumes all items and sends none. An error at their end reaches nobody. */
  async discard<Item>(next: NextItems<Item>): Promise<void> {
    try {
      for (let step = await next(); !step.done; step = await next()) for (const _ of step.value);
    } catch {
      // The connection is dropped in any case.
    }
  }

  #of<Name extends FaultEffectName>(name: Name): Match<Name>[] {
    return this.#faults
      .filter((fault) => fault.effect.effect === name)
      .map((fault) => ({ fault, effect: fault.effect as Of<Name> }));
  }

  #refusal(fault: FaultEffectName, code: ErrorCode, session = this.#subject.session): ApiError {
    const { account, model } = this.#subject;
    const subject = { account, ...(model !== undefined && { model }), ...(session !== undefined && { session }) };
    return injectedError(code, subject, `the fault ${fault}`);
  }
}

interface Match<Name extends FaultEffectName> {
  fault: Fault;
  effect: Of<Name>;
}

const NON_ASCII = /[^\0-\x7f]/u;

/** One item at a time, slowed down and cut off by the request's faults. */
async function* faultyItems<Item>(
  next: NextItems<Item>,
  encode: (item: Item) => string,
  faults: RequestFaults,
): AsyncGenerator<Iterable<Item>, void> {
  const cut = faults.find('cut_stream');
  let sent = 0;
  const cutHere = () => cut?.effect.after_events === sent && cut.fault.consume();
  const cutOff = (head?: Uint8Array<ArrayBuffer>) => new StreamCut(head, cut?.effect.cleanly);
  if (cutHere()) throw cutOff();
  for (let step = await next(); !step.done; step = await next()) {
    for (const item of step.value) {
      if ((await faults.waitBeforeEvent()) === 'gone') throw new StreamCut();
      const head = cut?.effect.inside_character ? headOfCharacter(encode(item)) : undefined;
      if (head && cut?.fault.consume()) throw cutOff(head);
      yield [item];
      sent += 1;
      // Before the next item is made: an item that is not sent must have no effect.
      if (cutHere()) throw cutOff();
    }
  }
}

/** The text up to and including the first byte of its first multi-byte character. */
function headOfCharacter(text: string): Uint8Array<ArrayBuffer> | undefined {
  const place = text.search(NON_ASCII);
  if (place === -1) return undefined;
  const before = Buffer.byteLength(text.slice(0, place));
  return Buffer.from(text).subarray(0, before + 1);
}
